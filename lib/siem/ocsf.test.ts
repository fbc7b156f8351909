/** The OCSF form against OCSF's own JSON Schema of the class (schemas/siem/README.md), and what it says of a finding. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SuspiciousSession } from '#schemas/records.ts';
import { formatFinding } from './format.ts';
import { toOcsf } from './ocsf.ts';
import { SIEM_LEVELS } from './severity.ts';
import { anyFinding, findingWith, OPTIONS, T0 } from './test-findings.ts';

interface Validate {
  (value: unknown): boolean;
  errors?: unknown;
}
const require = createRequire(import.meta.url);
const { Ajv2020 } = require('ajv/dist/2020.js') as { Ajv2020: new (options: object) => { compile(schema: object): Validate } };
const schema = JSON.parse(readFileSync(new URL('../../schemas/siem/ocsf-1.8.0-detection-finding.schema.json', import.meta.url), 'utf8')) as object;
/** Strict, so that a part of the schema which the validator does not know is an error and not silence. */
const validate = new Ajv2020({ strict: true, strictRequired: false, allowUnionTypes: true, allErrors: true }).compile(schema);

const problems = (finding: SuspiciousSession): unknown => {
  const value: unknown = JSON.parse(formatFinding('OCSF', finding, OPTIONS));
  return validate(value) ? null : { errors: validate.errors, value };
};
const ocsf = (changes: Partial<SuspiciousSession> = {}) => toOcsf(findingWith(changes), OPTIONS) as Record<string, unknown>;

describe('the OCSF form is a Detection Finding by the published schema', () => {
  it('whatever the finding', () => {
    const holds = fc.property(anyFinding, (finding) => {
      expect(problems(finding)).toBe(null);
    });
    fc.assert(holds, { numRuns: 500 });
  });

  it.each(SIEM_LEVELS)('with severities mapped to %s', (level) => {
    const value = toOcsf(findingWith(), { ...OPTIONS, severities: { LOW: level, MEDIUM: level, HIGH: level, CRITICAL: level } });
    expect(validate(JSON.parse(JSON.stringify(value)))).toBe(true);
    expect(value).toMatchObject({ severity_id: SIEM_LEVELS.indexOf(level) + 1 });
  });

  it('and the schema would notice: an unknown key, a missing one, a wrong type, an impossible number', () => {
    const good = JSON.parse(formatFinding('OCSF', findingWith(), OPTIONS)) as Record<string, object>;
    const { finding_info: _, ...without } = good;
    const bad = [{ ...good, risk: 3 }, without, { ...good, time: '2026' }, { ...good, type_uid: 200_404 }, { ...good, finding_info: { ...good['finding_info'], user: 1 } }];
    expect(bad.map((value) => validate(value))).toEqual(bad.map(() => false));
  });
});

describe('what it says', () => {
  it.each([
    ['OPENED', null, 1, 200_401, 'Create', 1],
    ['ESCALATED', null, 2, 200_402, 'Update', 1],
    ['UPDATED', null, 2, 200_402, 'Update', 1],
    ['CLOSED', 'EXPIRED', 3, 200_403, 'Close', 5],
    ['CLOSED', 'BENIGN', 3, 200_403, 'Close', 3],
    ['CLOSED', 'CONFIRMED', 3, 200_403, 'Close', 4],
  ] as const)('%s %s', (status, closedAs, activity_id, type_uid, activity_name, status_id) => {
    expect(ocsf({ status, closedAs })).toMatchObject({ class_uid: 2004, category_uid: 2, activity_id, type_uid, activity_name, status_id });
  });

  it('the finding keeps its uid over the revisions, each revision has its own', () => {
    const two = ocsf({ revision: 2, status: 'UPDATED' });
    expect(two).toMatchObject({ finding_info: { uid: findingWith().findingId }, metadata: { uid: `${findingWith().findingId}-2`, sequence: 2, tenant_uid: 'acme' } });
    expect(ocsf()).toMatchObject({ finding_info: { created_time: T0 + 660_000 } });
    expect(two['finding_info']).toMatchObject({ created_time: undefined, modified_time: T0 + 660_000 });
  });

  it('times are those of the events', () => {
    expect(ocsf()).toMatchObject({ time: T0 + 660_000, start_time: T0, end_time: T0 + 600_000, finding_info: { first_seen_time: T0, last_seen_time: T0 + 600_000 } });
  });

  it('observed, baseline and threshold: of the whole, and observed and baseline of each signal', () => {
    const [whole, signal] = ocsf()['anomaly_analyses'] as { anomalies: unknown; baselines: { observation_type: string; observations: { value: string }[] }[] }[];
    const values = (type: string) => whole!.baselines.filter((one) => one.observation_type === type).map((one) => one.observations[0]!.value);
    expect(whole!.anomalies).toMatchObject([{ observations: [{ value: '3.3' }] }]);
    expect([values('Baseline'), values('Threshold')]).toEqual([['0'], ['1.3', '2.6', '4.2', '6']]);
    expect(signal).toMatchObject({ anomalies: [{ observation_parameter: 'hiddenLeg (ms)', observations: [{ value: '164.2', count: 1180 }] }], baselines: [{ observations: [{ value: '3.5' }] }] });
  });

  it.each([[0.4, 1], [1.3, 1], [2.6, 2], [4.19, 2], [4.2, 3], [9, 3]])('evidence of %d is confidence %d', (evidenceStrength, confidence_id) => {
    expect(ocsf({ evidenceStrength })).toMatchObject({ confidence_id });
  });

  it('the risk score is an integer from 0 to 100', () => {
    expect([87.5, -3, 140].map((riskScore) => (ocsf({ riskScore }) as { risk_score?: number }).risk_score)).toEqual([88, 0, 100]);
  });

  it('observables point at what they name', () => {
    const value = ocsf();
    for (const { name, value: pointed } of value['observables'] as { name: string; value: string }[]) {
      const at = name.split(/[.[\]]+/).reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], value);
      expect(at, name).toBe(pointed);
    }
  });

  it('an address that is none is a name', () => {
    const network = { ...findingWith().network!, sourceIp: 'fe80::1%eth0' };
    expect(ocsf({ network })).toMatchObject({ evidences: [{ src_endpoint: { name: 'fe80::1%eth0', ip: undefined } }, {}] });
  });
});
