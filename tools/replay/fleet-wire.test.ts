import { describe, expect, it } from 'vitest';
import type { FleetFact, FleetReport } from '#schemas/records.ts';
import { packFacts, packReports, unpackFacts, unpackReports } from './fleet-wire.ts';

const report = (change: Partial<FleetReport> = {}): FleetReport => ({
  type: 'FleetReport', subject: 'RHYTHM|acme|all', kind: 'RHYTHM', tenantId: 'acme', userId: 'ada', deviceId: '', windowStart: Date.UTC(2026, 2, 2, 9),
  minutes: [1, 1 << 29], values: [-3, 0, 2 ** 40], ...change,
});
const fact = (change: Partial<FleetFact> = {}): FleetFact => ({
  type: 'FleetFact', subject: 'EVIDENCE|*', kind: 'EVIDENCE', tenantId: '', userId: '', windowEnd: 3_600_000, effectiveAt: 4_000_000, values: [], ...change,
});

describe('the exchange between threads', () => {
  it('brings reports and facts as they were', () => {
    const reports = [report(), report({ userId: 'grace', minutes: [], values: [] }), report({ subject: 'ü|🙂', deviceId: 'd-1', values: [0.5] })];
    expect(unpackReports(structuredClone(packReports(reports)))).toEqual(reports);
    const facts = [fact(), fact({ tenantId: 'acme', userId: 'ada', values: [1, -2, 0.25] })];
    expect(unpackFacts(structuredClone(packFacts(facts)))).toEqual(facts);
    expect(unpackReports(packReports([]))).toEqual([]);
  });

  it('writes a text once', () => {
    expect(packReports([report(), report(), report({ userId: 'grace' })]).texts).toEqual(['RHYTHM|acme|all', 'RHYTHM', 'acme', 'ada', '', 'grace']);
  });
});
