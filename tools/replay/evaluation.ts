/**
 * Findings against labels. The unit is the session; the definitions are part of the result, so that a figure is never
 * read as something else. What is tallied is order-independent and mergeable: workers that share the keys of a history
 * between them give the same result as one.
 */
import type { Severity, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { areaUnderRoc, curveOf, type CurvePoint, type ScoredSession } from './evaluation-curve.ts';
import { kindFigures, levelFigures, RANK, type KindFigures, type LevelFigures, type Tallied } from './evaluation-figures.ts';
import { sessionKey, type SessionLabel } from './labels.ts';

const DAY_MS = 24 * 3_600_000;

export const DEFINITIONS = {
  session: 'One (tenantId, sessionId) of the labels that has at least one valid event in the history; others are counted as withoutEvents and left out.',
  found: 'At least one revision of a finding about the session has at least this severity.',
  precision: 'truePositives / (truePositives + falsePositives), by session; null where nothing was found.',
  recall: 'truePositives / (truePositives + falseNegatives), by session; null where nothing is remote.',
  sessionDay: 'One honest session with at least one valid event on one UTC day.',
  falseFindingsPer1000SessionDays: 'Findings (by findingId) of at least this severity about honest sessions, per 1,000 session-days; null without session-days.',
  medianTimeToDetectMs:
    'Median over the found remote sessions of detectedAt − startsAt, of the first revision with at least this severity; startsAt of the label, else the first event of the session; 0 where the finding is earlier. timeToDetectP90Ms: the value that nine of ten do not exceed.',
  intervals: 'Confidence of 95%. Shares: score interval (Wilson 1927). Rates of false findings: exact interval of a Poisson count (Garwood 1936).',
  curve:
    'Sessions ranked by the highest combined strength that was seen in them; those for which nothing would open come after all others. Each point counts what stands at or above its strength: recall over remote, falsePositiveRate over honest sessions.',
} as const;

/** At any severity at the top; by least severity below. */
export interface Evaluation extends LevelFigures {
  definitions: typeof DEFINITIONS;
  sessions: { labelled: number; withoutEvents: number; remote: number; honest: number; honestSessionDays: number; unlabelledFindings: number };
  byLeastSeverity: Record<Severity, LevelFigures>;
  byKind: KindFigures[];
  /** Of `curve`, ties counting half; null where one of the two kinds of sessions is missing. */
  areaUnderRoc: number | null;
  curve: CurvePoint[];
}

/** When a session was active: first event, and the UTC days (numbers since the epoch); most sessions have one or two. */
export interface Activity {
  firstEventAt: number;
  readonly days: number[];
}

export function noteActivity(activity: Activity, observedAt: number): void {
  if (!(activity.firstEventAt <= observedAt)) activity.firstEventAt = observedAt;
  const day = Math.floor(observedAt / DAY_MS);
  if (!activity.days.includes(day)) activity.days.push(day);
}

/** What an evaluator has tallied, as plain data that can be sent between threads. */
export interface EvaluatorState {
  readonly sessions: ReadonlyMap<string, Omit<Tallied, 'label'>>;
  readonly unlabelled: ReadonlySet<string>;
}

export class Evaluator {
  readonly #sessions = new Map<string, Tallied>();
  readonly #unlabelled = new Set<string>();

  /** @param activity of sessions whose events went by already */
  constructor(labels: ReadonlyMap<string, SessionLabel>, activity?: ReadonlyMap<string, Activity>) {
    for (const [key, label] of labels) {
      const known = activity?.get(key);
      const seen = known === undefined ? { firstEventAt: Number.NaN, days: [] } : { firstEventAt: known.firstEventAt, days: [...known.days] };
      this.#sessions.set(key, { label, ...seen, foundAt: [Number.NaN, Number.NaN, Number.NaN, Number.NaN], findings: new Map(), peak: 0, opens: false });
    }
  }

  events(batch: readonly TelemetryEvent[]): void {
    for (const event of batch) {
      const session = this.#sessions.get(sessionKey(event));
      if (session !== undefined) noteActivity(session, event.observedAt);
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
      notePeak(session, true, finding.evidenceStrength);
    }
  }

  /** Strength of a session at the end of a window, whether or not there is a finding. */
  window(window: { readonly tenantId: string; readonly sessionId: string; readonly strength: number; readonly severity: Severity | null }): void {
    const session = this.#sessions.get(sessionKey(window));
    if (session !== undefined) notePeak(session, window.severity !== null, window.strength);
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
      notePeak(session, more.opens, more.peak);
    }
    for (const id of other.unlabelled) this.#unlabelled.add(id);
  }

  result(): Evaluation {
    const active = [...this.#sessions.values()].filter((session) => session.days.length > 0);
    const honest = active.filter((session) => !session.label.remote);
    const honestSessionDays = honest.reduce((sum, session) => sum + session.days.length, 0);
    const scored = active.map(({ label, peak, opens }): ScoredSession => ({ remote: label.remote, strength: peak, opens }));
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
      areaUnderRoc: areaUnderRoc(scored),
      curve: curveOf(scored),
    };
  }
}

/** The highest strength; one at which something opens stands above any at which nothing does. */
function notePeak(session: Tallied, opens: boolean, strength: number): void {
  if (opens === session.opens ? strength > session.peak : opens) {
    session.peak = strength;
    session.opens = opens;
  }
}
