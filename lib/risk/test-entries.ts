/** Entries and a store in memory for the tests of the risk. */
import type { RiskEntry, RiskStore, RiskSubject, RiskUpdate } from './risk.ts';

export function entry(fields: Partial<RiskEntry> = {}): RiskEntry {
  return {
    findingId: 'f-1', revision: 1, status: 'OPENED', closedAs: null, sessionId: 's-1', deviceId: 'd-1', severity: 'MEDIUM', riskScore: 60,
    recommendation: 'STEP_UP', windowEnd: 1_764_000_000_000, detectedAt: 1_764_000_060_000, ...fields,
  };
}

/** Keeps every update; `away` makes it fail. */
export function memoryRisk(updates: RiskUpdate[]): RiskStore & { away: boolean } {
  return {
    away: false,
    ready: true,
    apply: (some) => Promise.resolve(updates.push(...some)),
    entriesOf(subject: RiskSubject) {
      if (this.away) return Promise.reject(new Error('away'));
      const is = ({ tenantId, entry: of }: RiskUpdate): boolean => tenantId === subject.tenantId && ('sessionId' in subject ? of.sessionId === subject.sessionId : of.deviceId === subject.deviceId);
      return Promise.resolve(updates.filter(is).map(({ entry: of }) => of));
    },
    close: () => Promise.resolve(),
  };
}

