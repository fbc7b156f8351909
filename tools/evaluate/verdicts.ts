/** What one configuration of detection said about labelled sessions: no more than levels, for comparisons. */
import type { SuspiciousSession } from '#schemas/records.ts';
import type { Label } from '../simulate/options.ts';
import { LEVEL_OF } from './outcome.ts';

export interface SessionVerdict {
  tenantId: string;
  sessionId: string;
  /** Highest level said since the piloting began; −1 for none. */
  level: number;
  /** Findings that reached MEDIUM at any time. */
  findings: number;
}

export class Verdicts {
  readonly #sessions = new Map<string, { verdict: SessionVerdict; startsAt: number; medium: Set<string> }>();

  constructor(labels: readonly Label[]) {
    for (const { tenantId, sessionId, startsAt } of labels) {
      this.#sessions.set(`${tenantId}|${sessionId}`, { verdict: { tenantId, sessionId, level: -1, findings: 0 }, startsAt: startsAt ?? -Infinity, medium: new Set() });
    }
  }

  found(findings: readonly SuspiciousSession[]): void {
    for (const { tenantId, sessionId, findingId, severity, detectedAt, status } of findings) {
      const session = this.#sessions.get(`${tenantId}|${sessionId}`);
      if (session === undefined) continue;
      const level = LEVEL_OF[severity];
      if (level >= 1) session.medium.add(findingId);
      if (status !== 'CLOSED' && detectedAt >= session.startsAt) session.verdict.level = Math.max(session.verdict.level, level);
    }
  }

  /** Sessions about which something was said. */
  all(): SessionVerdict[] {
    const told: SessionVerdict[] = [];
    for (const { verdict, medium } of this.#sessions.values()) {
      verdict.findings = medium.size;
      if (verdict.level >= 0 || medium.size > 0) told.push(verdict);
    }
    return told;
  }
}
