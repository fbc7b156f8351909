/** The ECS form against Elastic's own list of fields, which is read where it lies and is no part of this repository. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SuspiciousSession } from '#schemas/records.ts';
import { toEcs } from './ecs.ts';
import { formatFinding } from './format.ts';
import { anyFinding, findingWith, OPTIONS } from './test-findings.ts';

const LIST = fileURLToPath(new URL('../../../shared/data/siem/ecs-fields-9.5.0-dev.csv', import.meta.url));
const here = existsSync(LIST);
if (!here) console.log(`ECS: not checked, the list of fields is not at ${LIST}`);

/** Type and normalization by field name. */
function readList(): Map<string, { type: string; array: boolean }> {
  const [head, ...lines] = readFileSync(LIST, 'utf8').split('\n');
  expect(head).toMatch(/^ECS_Version,Indexed,Field_Set,Field,Type,Level,Normalization,/);
  // Only the columns before the first that may hold quotes or line breaks; rows begin with the version.
  const rows = lines.filter((line) => /^\d+\.\d+\.\d+\S*,(true|false),/.test(line)).map((line) => line.split(',', 7));
  return new Map(rows.map((row) => [row[3]!, { type: row[4]!, array: row[6] === 'array' }]));
}

/** Leaves by dotted name, as Elasticsearch sees them. Arrays of objects are custom fields only. */
function leaves(value: object, path: string): [string, unknown][] {
  return Object.entries(value).flatMap(([key, part]: [string, unknown]) => {
    const name = path === '' ? key : `${path}.${key}`;
    return typeof part === 'object' && part !== null && !Array.isArray(part) ? leaves(part, name) : [[name, part]];
  });
}

const TYPES: Readonly<Record<string, (value: unknown) => boolean>> = {
  keyword: (value) => typeof value === 'string',
  match_only_text: (value) => typeof value === 'string',
  date: (value) => typeof value === 'string' && new Date(value).toISOString() === value,
  long: (value) => Number.isSafeInteger(value),
  float: (value) => typeof value === 'number' && Number.isFinite(value),
  ip: (value) => typeof value === 'string' && /^(\d+\.){3}\d+$|^[0-9a-f:.]+$/i.test(value),
};

/** What is wrong with the document by the list; custom fields have one root that ECS does not use. */
function problems(document: object, fields: ReturnType<typeof readList>): string[] {
  return leaves(document, '').flatMap(([name, value]) => {
    if (name.startsWith('farhand.')) return [];
    const field = fields.get(name);
    if (field === undefined) return [`${name} is no field of ECS`];
    if (field.array !== Array.isArray(value)) return [`${name} must ${field.array ? '' : 'not '}be an array`];
    const fits = TYPES[field.type] ?? (() => false);
    return [value].flat().every((item) => fits(item)) ? [] : [`${name} is no ${field.type}: ${JSON.stringify(value)}`];
  });
}

const parsed = (finding: SuspiciousSession) => JSON.parse(formatFinding('ECS', finding, OPTIONS)) as Record<string, object>;

it('the list of fields is there in CI', () => {
  expect(here || process.env['CI'] !== 'true', `${LIST} is missing`).toBe(true);
});

describe.skipIf(!here)("the ECS form by Elastic's list of fields", () => {
  const fields = here ? readList() : new Map<string, { type: string; array: boolean }>();

  it('knows the list', () => {
    expect(fields.size).toBeGreaterThan(1500);
    expect([...fields.keys()].some((name) => name.startsWith('farhand'))).toBe(false);
  });

  it('every field exists, with its type, and as an array where ECS wants one', () => {
    const holds = fc.property(anyFinding, (finding) => {
      expect(problems(parsed(finding), fields)).toEqual([]);
    });
    fc.assert(holds, { numRuns: 500 });
  });

  it('and the list would notice', () => {
    const good = parsed(findingWith());
    expect(problems({ ...good, finding: 1, event: { ...good['event'], category: 'x', severity: 1.5 }, source: { ip: 'no' } }, fields)).toHaveLength(4);
  });
});

describe('what it says', () => {
  it('an alert with its rule, risk, place and network', () => {
    expect(parsed(findingWith({ severity: 'HIGH' }))).toMatchObject({
      '@timestamp': '2026-03-09T09:11:00.000Z',
      event: { kind: 'alert', severity: 73, risk_score: 55, risk_score_norm: 55, start: '2026-03-09T09:00:00.000Z', action: 'finding-opened' },
      rule: { ruleset: 'farhand-default', version: '1', uuid: 'abc' },
      user: { id: 'u-1', risk: { calculated_score_norm: 55, calculated_level: 'High' } },
      host: { id: 'ws-1', risk: { calculated_score_norm: 55 } },
      source: { ip: '203.0.113.7', geo: { country_iso_code: 'US', city_name: 'Reno' }, as: { number: 64_500, organization: { name: 'Example Cable' } } },
      related: { ip: ['203.0.113.7'], user: ['u-1'], hosts: ['ws-1'] },
      organization: { id: 'acme' },
      farhand: { finding: { id: findingWith().findingId, revision: 1 }, evidence: [{ signal: 'hiddenLeg', observed: 164.2, expected: 3.5 }] },
    });
  });

  it('calls nobody a threat', () => {
    const holds = fc.property(anyFinding, (finding) => {
      expect(Object.keys(toEcs(finding, OPTIONS))).not.toContain('threat');
    });
    fc.assert(holds, { numRuns: 50 });
    expect(JSON.stringify(parsed(findingWith()))).not.toMatch(/threat|attacker|malicious/i);
  });

  it('the end of an event is never before its start', () => {
    const { event } = parsed(findingWith({ windowEnd: 0 })) as { event: { start: string; end: string } };
    expect(event.end >= event.start).toBe(true);
  });

  it('leaves out what is not known', () => {
    expect(parsed(findingWith({ network: null }))['source']).toBe(undefined);
  });
});
