/**
 * Findings against labels. The unit is the session; the definitions are part of the result, so that a figure is never
 * read as something else.
 */
import type { Severity, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { sessionKey, type SessionLabel } from './labels.ts';

const DAY_MS = 24 * 3_600_000;

const SEVERITIES = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const satisfies Severity[];
const RANK: Readonly<Record<Severity, number>> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 3 };

const DEFINITIONS = {
  session: 'One (tenantId, sessionId) of the labels that has at least one valid event in the history; others are counted as withoutEvents and left out.',
  found: 'At least one revision of a finding about the session has at least this severity.',
  precision: 'truePositives / (truePositives + falsePositives), by session; null where nothing was found.',
  recall: 'truePositives / (truePositives + falseNegatives), by session; null where nothing is remote.',
  sessionDay: 'One honest session with at least one valid event on one UTC day.',
  falseFindingsPer1000SessionDays: 'Findings (by findingId) of at least this severity about honest sessions, per 1,000 session-days; null without session-days.',
  medianTimeToDetectMs:
    'Median over the found remote sessions of detectedAt − startsAt, of the first revision with at least this severity; startsAt of the label, else the first event of the session; 0 where the finding is earlier.',
} as const;

export interface LevelFigures {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
  trueNegatives: number;
  precision: number | null;
  recall: number | null;
  falseFindings: number;
  falseFindingsPer1000SessionDays: number | null;
  medianTimeToDetectMs: number | null;
}

interface KindFigures {
  kind: string;
  remote: boolean;
  sessions: number;
  /** Sessions found, by least severity. */
  found: Record<Severity, number>;
  /** At any severity; null for honest kinds and where none was found. */
  medianTimeToDetectMs: number | null;
}

/** At any severity at the top; by least severity below. */
export interface Evaluation extends LevelFigures {
  definitions: typeof DEFINITIONS;
  sessions: { labelled: number; withoutEvents: number; remote: number; honest: number; honestSessionDays: number; unlabelledFindings: number };
  byLeastSeverity: Record<Severity, LevelFigures>;
  byKind: KindFigures[];
}

interface Tracked {
  readonly label: SessionLabel;
  firstEventAt: number;
  /** Days of activity, as numbers of days since the epoch; most sessions have one or two. */
  days: number[];
  /** detectedAt of the first revision with at least that severity; NaN where there is none. */
  readonly foundAt: [number, number, number, number];
  /** Highest rank of each finding. */
  readonly findings: Map<string, number>;
}

/** What an evaluator has tallied, as plain data that can be sent between threads. */
export interface EvaluatorState {
  readonly sessions: ReadonlyMap<string, Omit<Tracked, 'label'>>;
  readonly unlabelled: ReadonlySet<string>;
}

export class Evaluator {
  readonly #sessions = new Map<string, Tracked>();
  readonly #unlabelled = new Set<string>();

  constructor(labels: ReadonlyMap<string, SessionLabel>) {
    for (const [key, label] of labels) {
      this.#sessions.set(key, { label, firstEventAt: Number.NaN, days: [], foundAt: [Number.NaN, Number.NaN, Number.NaN, Number.NaN], findings: new Map() });
    }
  }

  events(batch: readonly TelemetryEvent[]): void {
    for (const event of batch) {
      const session = this.#sessions.get(sessionKey(event));
      if (session === undefined) continue;
      const { observedAt } = event;
      if (!(session.firstEventAt <= observedAt)) session.firstEventAt = observedAt;
      const day = Math.floor(observedAt / DAY_MS);
      if (!session.days.includes(day)) session.days.push(day);
    }
  }

  findings(batch: readonly SuspiciousSession[]): void {
    for (const finding of batch) {
      const session = this.#sessions.get(sessionKey(finding));
      if (session === undefined) {
        this.#unlabelled.add(finding.findingId);
        continue;
      }
      const rank = RANK[finding.severity];
      for (let level = 0; level <= rank; level++) {
        if (!(session.foundAt[level]! <= finding.detectedAt)) session.foundAt[level] = finding.detectedAt;
      }
      session.findings.set(finding.findingId, Math.max(rank, session.findings.get(finding.findingId) ?? 0));
    }
  }

  state(): EvaluatorState {
    return { sessions: this.#sessions, unlabelled: this.#unlabelled };
  }

  /** Adds what another evaluator with the same labels has tallied over other events. */
  absorb(other: EvaluatorState): void {
    for (const [key, more] of other.sessions) {
      const session = this.#sessions.get(key);
      if (session === undefined) continue;
      if (!(session.firstEventAt <= more.firstEventAt) && !Number.isNaN(more.firstEventAt)) session.firstEventAt = more.firstEventAt;
      for (const day of more.days) if (!session.days.includes(day)) session.days.push(day);
      more.foundAt.forEach((at, level) => {
        if (!Number.isNaN(at) && !(session.foundAt[level]! <= at)) session.foundAt[level] = at;
      });
      for (const [id, rank] of more.findings) session.findings.set(id, Math.max(rank, session.findings.get(id) ?? 0));
    }
    for (const id of other.unlabelled) this.#unlabelled.add(id);
  }

  result(): Evaluation {
    const active = [...this.#sessions.values()].filter((session) => session.days.length > 0);
    const honest = active.filter((session) => !session.label.remote);
    const honestSessionDays = honest.reduce((sum, session) => sum + session.days.length, 0);
    const level = (severity: Severity) => levelFigures(active, RANK[severity], honestSessionDays);
    return {
      definitions: DEFINITIONS,
      sessions: {
        labelled: this.#sessions.size,
        withoutEvents: this.#sessions.size - active.length,
        remote: active.length - honest.length,
        honest: honest.length,
        honestSessionDays,
        unlabelledFindings: this.#unlabelled.size,
      },
      ...level('LOW'),
      byLeastSeverity: { LOW: level('LOW'), MEDIUM: level('MEDIUM'), HIGH: level('HIGH'), CRITICAL: level('CRITICAL') },
      byKind: kindFigures(active),
    };
  }
}

function timeToDetect(session: Tracked, rank: number): number {
  return Math.max(0, session.foundAt[rank]! - (session.label.startsAt ?? session.firstEventAt));
}

/** The middle one, or the mean of the two in the middle; null for none. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

function levelFigures(sessions: readonly Tracked[], rank: number, honestSessionDays: number): LevelFigures {
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
    recall: ratio(truePositives, truePositives + falseNegatives),
    falseFindings,
    falseFindingsPer1000SessionDays: ratio(falseFindings * 1000, honestSessionDays),
    medianTimeToDetectMs: median(times),
  };
}

/** Remote kinds first, then by name. */
function kindFigures(sessions: readonly Tracked[]): KindFigures[] {
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
