/**
 * The present risk of a session or a device, as a zero-trust policy point asks for it: what the newest revisions of its
 * findings say. Pure; the store and the endpoint are beside it. Findings recommend, the policy point and its people
 * decide.
 */
import type { Recommendation, Severity, SuspiciousSession } from '#schemas/records.ts';

/** The newest revision of one finding, without the person: a policy point asks about sessions and devices. */
export interface RiskEntry extends Pick<SuspiciousSession, 'findingId' | 'revision' | 'status' | 'closedAs' | 'sessionId' | 'deviceId' | 'severity' | 'riskScore' | 'recommendation' | 'windowEnd' | 'detectedAt'> {}

export interface RiskUpdate {
  readonly tenantId: string;
  readonly entry: RiskEntry;
}

export type RiskSubject = { readonly tenantId: string } & ({ readonly sessionId: string } | { readonly deviceId: string });

export interface RiskAnswer {
  /** 0 to 100; 0 where nothing is known against the subject. */
  readonly riskScore: number;
  readonly severity: Severity | null;
  readonly recommendation: Recommendation | null;
  /** Those that count, the gravest first. */
  readonly findings: readonly RiskEntry[];
}

/** Where revisions are kept until they expire. */
export interface RiskStore {
  /** Answers how many were news: a revision that is not newer than the kept one changes nothing. Retriable errors. */
  apply(updates: readonly RiskUpdate[]): Promise<number>;
  entriesOf(subject: RiskSubject): Promise<RiskEntry[]>;
  readonly ready: boolean;
  close(): Promise<void>;
}

const SEVERITIES: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
const RECOMMENDATIONS: readonly Recommendation[] = ['OBSERVE', 'STEP_UP', 'ISOLATE'];

export function entryOf({ findingId, revision, status, closedAs, sessionId, deviceId, severity, riskScore, recommendation, windowEnd, detectedAt }: SuspiciousSession): RiskEntry {
  return { findingId, revision, status, closedAs, sessionId, deviceId, severity, riskScore, recommendation, windowEnd, detectedAt };
}

/** A finding that expired or that people called benign speaks against nobody; one that they confirmed still does. */
function counts({ status, closedAs }: RiskEntry): boolean {
  return status !== 'CLOSED' || closedAs === 'CONFIRMED';
}

export function answerOf(entries: readonly RiskEntry[]): RiskAnswer {
  const findings = entries.filter(counts).sort((a, b) => b.riskScore - a.riskScore || (a.findingId < b.findingId ? -1 : 1));
  const gravest = <T>(order: readonly T[], of: (entry: RiskEntry) => T): T | null => order[Math.max(-1, ...findings.map((entry) => order.indexOf(of(entry))))] ?? null;
  return {
    riskScore: findings[0]?.riskScore ?? 0,
    severity: gravest(SEVERITIES, ({ severity }) => severity),
    recommendation: gravest(RECOMMENDATIONS, ({ recommendation }) => recommendation),
    findings,
  };
}
