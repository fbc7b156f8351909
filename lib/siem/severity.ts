/** How severe a finding is in the words and numbers of each form. One level stands for one number in every form. */
import type { Severity } from '#schemas/records.ts';

export const SIEM_LEVELS = ['INFORMATIONAL', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'FATAL'] as const;
export type SiemLevel = (typeof SIEM_LEVELS)[number];

/** Which level a finding's severity becomes. */
export type SeverityMap = Readonly<Record<Severity, SiemLevel>>;

export interface LevelNumbers {
  /** OCSF severity_id and its caption (dictionary of OCSF 1.8.0). */
  readonly ocsfId: number;
  readonly caption: string;
  /** OCSF risk_level_id has no Fatal: it ends at 4, Critical. */
  readonly riskId: number;
  readonly risk: string;
  /** ECS event.severity: free to the source; the scores that Elastic's own rules give to low … critical. */
  readonly ecs: number;
  /** CEF: 0–3 low, 4–6 medium, 7–8 high, 9–10 very high. */
  readonly cef: number;
}

export const LEVELS: Readonly<Record<SiemLevel, LevelNumbers>> = {
  INFORMATIONAL: { ocsfId: 1, caption: 'Informational', riskId: 0, risk: 'Info', ecs: 1, cef: 1 },
  LOW: { ocsfId: 2, caption: 'Low', riskId: 1, risk: 'Low', ecs: 21, cef: 3 },
  MEDIUM: { ocsfId: 3, caption: 'Medium', riskId: 2, risk: 'Medium', ecs: 47, cef: 6 },
  HIGH: { ocsfId: 4, caption: 'High', riskId: 3, risk: 'High', ecs: 73, cef: 8 },
  CRITICAL: { ocsfId: 5, caption: 'Critical', riskId: 4, risk: 'Critical', ecs: 99, cef: 10 },
  FATAL: { ocsfId: 6, caption: 'Fatal', riskId: 4, risk: 'Critical', ecs: 100, cef: 10 },
};

export const SEVERITIES: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
export const SAME_SEVERITY: SeverityMap = { LOW: 'LOW', MEDIUM: 'MEDIUM', HIGH: 'HIGH', CRITICAL: 'CRITICAL' };

/** OCSF confidence_id: the evidence itself, not the damage. Levels of evidence are the detector's own thresholds. */
export function confidenceOf(strength: number, thresholds: Thresholds): { id: 1 | 2 | 3; caption: string } {
  if (strength >= thresholds.HIGH) return { id: 3, caption: 'High' };
  return strength >= thresholds.MEDIUM ? { id: 2, caption: 'Medium' } : { id: 1, caption: 'Low' };
}

/** Evidence strength (log10) from which a finding has each severity: the fusion section of detect. */
export type Thresholds = Readonly<Record<Severity, number>>;

/** What of the fusion section says how much evidence each severity needs. */
export interface Tolerance {
  /** False findings of MEDIUM and above that are tolerated per 1,000 honest session-days. */
  readonly toleratedPer1000: number;
  /** Decades of evidence by which LOW is asked for less, HIGH and CRITICAL for more. */
  readonly lowBelow: number;
  readonly highAbove: number;
  readonly criticalAbove: number;
}

/** Evidence of 1,000/r is exceeded by an e-value of an honest session-day with a probability of at most r/1,000 (Ville, Markov). */
export function thresholdsOf({ toleratedPer1000, lowBelow, highAbove, criticalAbove }: Tolerance): Thresholds {
  const medium = 3 - Math.log10(toleratedPer1000);
  return { LOW: Math.max(0.3, medium - lowBelow), MEDIUM: medium, HIGH: medium + highAbove, CRITICAL: medium + criticalAbove };
}
