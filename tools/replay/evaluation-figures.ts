/** Counts of labelled sessions at one severity and above, and by kind, with their confidence intervals. */
import { poissonInterval, wilsonInterval, type Interval } from '#lib/kernel/intervals.ts';
import type { Severity } from '#schemas/records.ts';
import type { SessionLabel } from './labels.ts';

export const SEVERITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const satisfies Severity[];
export const RANK: Readonly<Record<Severity, number>> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 };

export interface LevelFigures {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  trueNegatives: number;
  precision: number | null;
  precisionInterval: Interval | null;
  recall: number | null;
  recallInterval: Interval | null;
  falseFindings: number;
  falseFindingsPer1000SessionDays: number | null;
  falseFindingsInterval: Interval | null;
  medianTimeToDetectMs: number | null;
  timeToDetectP90Ms: number | null;
}

export interface KindFigures {
  kind: string;
  remote: boolean;
  sessions: number;
  /** Sessions found, by least severity. */
  found: Record<Severity, number>;
  /** At any severity; null for honest kinds and where none was found. */
  medianTimeToDetectMs: number | null;
}

/** One labelled session and what was found about it. */
export interface Tallied {
  readonly label: SessionLabel;
  /** NaN where no event was seen. */
  firstEventAt: number;
  readonly days: number[];
  /** detectedAt of the first revision with at least that severity; NaN where there is none. */
  readonly foundAt: [number, number, number, number];
  /** Highest rank of each finding. */
  readonly findings: Map<string, number>;
  /** Highest combined strength, and whether something would open there. */
  peak: number;
  opens: boolean;
}

function timeToDetect(session: Tallied, rank: number): number {
  return Math.max(0, session.foundAt[rank]! - (session.label.startsAt ?? session.firstEventAt));
}

/** The middle one, or the mean of the two in the middle; null for none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The least value that the share does not exceed; null for none. */
function quantile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  return values.toSorted((a, b) => a - b)[Math.ceil(share * values.length) - 1]!;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function per1000(count: number, sessionDays: number): Interval | null {
  if (sessionDays === 0) return null;
  const { lower, upper } = poissonInterval(count);
  return { lower: (lower * 1000) / sessionDays, upper: (upper * 1000) / sessionDays };
}

export function levelFigures(sessions: readonly Tallied[], rank: number, honestSessionDays: number): LevelFigures {
  let [truePositives, falsePositives, falseNegatives, trueNegatives, falseFindings] = [0, 0, 0, 0, 0];
  const times: number[] = [];
  for (const session of sessions) {
    const found = !Number.isNaN(session.foundAt[rank]!);
    if (session.label.remote) {
      if (found) {
        truePositives++;
        times.push(timeToDetect(session, rank));
      } else falseNegatives++;
      continue;
    }
    if (found) falsePositives++;
    else trueNegatives++;
    for (const highest of session.findings.values()) if (highest >= rank) falseFindings++;
  }
  return {
    truePositives,
    falsePositives,
    falseNegatives,
    trueNegatives,
    precision: ratio(truePositives, truePositives + falsePositives),
    precisionInterval: wilsonInterval(truePositives, truePositives + falsePositives),
    recall: ratio(truePositives, truePositives + falseNegatives),
    recallInterval: wilsonInterval(truePositives, truePositives + falseNegatives),
    falseFindings,
    falseFindingsPer1000SessionDays: ratio(falseFindings * 1000, honestSessionDays),
    falseFindingsInterval: per1000(falseFindings, honestSessionDays),
    medianTimeToDetectMs: median(times),
    timeToDetectP90Ms: quantile(times, 0.9),
  };
}

/** Remote kinds first, then by name. */
export function kindFigures(sessions: readonly Tallied[]): KindFigures[] {
  const kinds = new Map<string, { figures: KindFigures; times: number[] }>();
  for (const session of sessions) {
    const { kind, remote } = session.label;
    const key = `${remote ? 0 : 1}${kind}`;
    let entry = kinds.get(key);
    if (entry === undefined) {
      entry = { figures: { kind, remote, sessions: 0, found: { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 }, medianTimeToDetectMs: null }, times: [] };
      kinds.set(key, entry);
    }
    entry.figures.sessions++;
    for (const severity of SEVERITIES) if (!Number.isNaN(session.foundAt[RANK[severity]]!)) entry.figures.found[severity]++;
    if (remote && !Number.isNaN(session.foundAt[0])) entry.times.push(timeToDetect(session, 0));
  }
  return [...kinds.entries()]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { figures, times }]) => ({ ...figures, medianTimeToDetectMs: median(times) }));
}
