/** The findings of one configuration, short: what a comparison needs of each. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import { RANK, SEVERITIES } from '../replay/evaluation-figures.ts';

/** Findings of one configuration that a comparison holds. */
const FINDINGS_MAX = 500_000;

export interface TrackedEvidence {
  readonly signal: string;
  readonly strength: number;
  readonly windowStart: number;
  readonly windowEnd: number;
  readonly explanation: string;
}

export interface TrackedFinding {
  readonly tenantId: string;
  readonly sessionId: string;
  readonly userId: string;
  readonly findingId: string;
  /** How-manieth finding of its session, from 1. */
  readonly ordinal: number;
  readonly openedAt: number;
  /** Highest of its revisions, and the risk and evidence of the strongest one. */
  severity: Severity;
  riskScore: number;
  strength: number;
  evidence: readonly TrackedEvidence[];
}

export class FindingTracker {
  readonly #kept: Map<string, TrackedFinding> | null;
  /** Highest rank by finding. */
  readonly #ranks = new Map<string, number>();
  readonly #ordinals = new Map<string, number>();

  constructor(keep: boolean) {
    this.#kept = keep ? new Map() : null;
  }

  /** Findings by their highest severity. */
  bySeverity(): Record<Severity, number> {
    const counts: Record<Severity, number> = { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 };
    for (const rank of this.#ranks.values()) counts[SEVERITIES[rank]!]++;
    return counts;
  }

  take(findings: readonly SuspiciousSession[]): void {
    for (const finding of findings) {
      const id = `${finding.tenantId}\u001f${finding.findingId}`;
      this.#ranks.set(id, Math.max(RANK[finding.severity], this.#ranks.get(id) ?? 0));
      if (this.#kept === null) continue;
      const known = this.#kept.get(id);
      if (known === undefined) this.#open(id, finding, this.#kept);
      else revise(known, finding);
    }
  }

  /** In the order of their session's key and ordinal. */
  findings(): TrackedFinding[] {
    return [...(this.#kept?.values() ?? [])].toSorted((a, b) => compare(a.tenantId, b.tenantId) || compare(a.sessionId, b.sessionId) || a.ordinal - b.ordinal);
  }

  #open(id: string, finding: SuspiciousSession, kept: Map<string, TrackedFinding>): void {
    if (kept.size >= FINDINGS_MAX) throw new FarhandError('FARHAND_USAGE', `a configuration makes more than ${FINDINGS_MAX} findings of this history, too many to compare: take a shorter history`);
    const session = `${finding.tenantId}\u001f${finding.sessionId}`;
    const ordinal = (this.#ordinals.get(session) ?? 0) + 1;
    this.#ordinals.set(session, ordinal);
    const { tenantId, sessionId, userId, findingId, detectedAt, severity, riskScore, evidenceStrength } = finding;
    kept.set(id, { tenantId, sessionId, userId, findingId, ordinal, openedAt: detectedAt, severity, riskScore, strength: evidenceStrength, evidence: evidenceOf(finding) });
  }
}

function revise(known: TrackedFinding, finding: SuspiciousSession): void {
  if (RANK[finding.severity] > RANK[known.severity]) known.severity = finding.severity;
  if (finding.evidenceStrength <= known.strength) return;
  known.strength = finding.evidenceStrength;
  known.riskScore = finding.riskScore;
  known.evidence = evidenceOf(finding);
}

const evidenceOf = ({ evidence }: SuspiciousSession): TrackedEvidence[] =>
  evidence.filter(({ strength }) => strength > 0).map(({ signal, strength, windowStart, windowEnd, explanation }) => ({ signal, strength, windowStart, windowEnd, explanation }));

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
