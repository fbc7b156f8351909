import { expect, test } from 'vitest';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import type { Emitter } from '#lib/runner/task.ts';
import type { Severity } from '#schemas/records.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { siemOutputsOf, siemSectionSchema } from './config.ts';
import { formatFinding } from './format.ts';
import { LEVELS, SEVERITIES, thresholdsOf } from './severity.ts';
import { findingWith, OPTIONS } from './test-findings.ts';
import { PRODUCT } from './wording.ts';
import { createSiemWriter } from './writer.ts';

const topics = topicsSectionSchema.parse({});
const outputsOf = (outputs?: unknown) => siemOutputsOf(siemSectionSchema.parse(outputs === undefined ? {} : { outputs }), topics);

/** What lands on which topic: `topic severity-or-tenant`. */
function written(outputs: unknown, findings = SEVERITIES.map((severity) => findingWith({ severity }))) {
  const writer = createSiemWriter(outputsOf(outputs), OPTIONS.thresholds);
  const records: { topic: string; key: string; text: string; at: number }[] = [];
  const emitter: Emitter = {
    emit: (output, key, value, at) => void records.push({ topic: writer.topics[output]!, key: Buffer.from(key!).toString(), text: Buffer.from(value).toString(), at }),
  };
  writer.write(findings, emitter);
  return records;
}

test('by default: every revision as OCSF onto topics.siemFindings, keyed by the finding', () => {
  const findings = [findingWith(), findingWith({ revision: 2, status: 'ESCALATED', severity: 'HIGH' })];
  expect(written(undefined, findings)).toEqual(
    findings.map((finding) => ({ topic: 'siem.findings.v1', key: finding.findingId, at: finding.windowEnd, text: formatFinding('OCSF', finding, OPTIONS) })),
  );
});

test('the same finding gives the same bytes', () => {
  expect(written(undefined)).toEqual(written(undefined));
});

test('several outputs at once, each in its form', () => {
  const records = written([{}, { topic: 'elastic', form: 'ECS' }, { topic: 'arcsight', form: 'CEF' }], [findingWith()]);
  expect(records.map(({ topic, text }) => [topic, text.slice(0, 14)])).toEqual([['siem.findings.v1', '{"activity_id"'], ['elastic', '{"@timestamp":'], ['arcsight', 'CEF:0|Farhand|']]);
});

test('a tenant with a topic of its own: its findings go there and nowhere else', () => {
  const outputs = [{ topic: 'acme', tenants: ['acme'] }, { topic: 'rest', exceptTenants: ['acme'] }];
  const records = written(outputs, ['acme', 'umbrella', 'initech'].map((tenantId) => findingWith({ tenantId })));
  expect(records.map(({ topic, text }) => [topic, (JSON.parse(text) as { metadata: { tenant_uid: string } }).metadata.tenant_uid])).toEqual([['acme', 'acme'], ['rest', 'umbrella'], ['rest', 'initech']]);
});

test.each([['LOW', 4], ['MEDIUM', 3], ['HIGH', 2], ['CRITICAL', 1]] as const)('from severity %s on: %d of four', (minimumSeverity, count) => {
  expect(written([{ minimumSeverity }])).toHaveLength(count);
});

test('severities become the levels that the output asks for', () => {
  const ids = written([{ severities: { LOW: 'INFORMATIONAL', CRITICAL: 'FATAL' } }]).map(({ text }) => (JSON.parse(text) as { severity_id: number }).severity_id);
  expect(ids).toEqual([1, 3, 4, 6]);
});

test('no output, nothing written', () => {
  expect([createSiemWriter(outputsOf([]), OPTIONS.thresholds).topics, written([])]).toEqual([{}, []]);
});

test('a topic that cannot be: twice the same, or one that Farhand uses itself', () => {
  expect(() => outputsOf([{}, { form: 'CEF' }])).toThrow(/outputs 0 and 1 have the same topic/);
  expect(() => outputsOf([{}, { topic: 'siem.findings.v1', form: 'CEF' }])).toThrow(/FARHAND_CONFIG_INVALID|another output/);
  expect(() => outputsOf([{ topic: 'farhand.enriched.v1' }])).toThrow(expect.objectContaining({ code: 'FARHAND_CONFIG_INVALID', message: expect.stringContaining('enriched') as string }));
});

test.each([
  [{ tenants: ['a'], exceptTenants: ['b'] }],
  [{ tenants: [] }],
  [{ form: 'LEEF' }],
  [{ topic: 'with space' }],
  [{ severities: { LOW: 'TINY' } }],
  [{ minimumSeverity: 'FATAL' }],
])('%j is refused', (output) => {
  expect(siemSectionSchema.safeParse({ outputs: [output] }).success).toBe(false);
});

test('numbers rise with the level in every form', () => {
  const levels = Object.values(LEVELS);
  for (const key of ['ocsfId', 'riskId', 'ecs', 'cef'] as const) expect(levels.map((level) => level[key])).toEqual(levels.map((level) => level[key]).toSorted((a, b) => a - b));
});

test('MEDIUM needs the evidence that the tolerated rate allows, the others so many decades less or more', () => {
  const decades = { lowBelow: 1, highAbove: 2, criticalAbove: 4 };
  expect(thresholdsOf({ toleratedPer1000: 10, ...decades }) satisfies Record<Severity, number>).toEqual({ LOW: 1, MEDIUM: 2, HIGH: 4, CRITICAL: 6 });
  expect(thresholdsOf({ toleratedPer1000: 1, ...decades }).MEDIUM).toBeGreaterThan(thresholdsOf({ toleratedPer1000: 10, ...decades }).MEDIUM);
});

test('the product is named as the package is', () => {
  expect(PRODUCT.version).toBe(packageJson.version);
});
