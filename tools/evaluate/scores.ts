/**
 * Counts of one detector over labelled sessions, per kind. Definitions as in the replay's evaluation: a session is found
 * at a level when something said so about it; a session-day is one honest session on one UTC day.
 */
import type { Severity } from '#schemas/records.ts';
import { medianOf } from '../simulate/quantiles.ts';
import type { Label } from '../simulate/options.ts';

const DAY_MS = 24 * 3_600_000;
export const LEVELS = ['any', 'MEDIUM', 'HIGH'] as const;
type Level = (typeof LEVELS)[number];

const LEVEL_OF: Readonly<Record<Severity, number>> = { LOW: 0, MEDIUM: 1, HIGH: 2, CRITICAL: 2 };

export interface Sighting {
  tenantId: string;
  sessionId: string;
  /** What is counted once: a finding's id. */
  id: string;
  severity: Severity;
  /** Event time, epoch ms. */
  at: number;
}

export interface KindScore {
  kind: string;
  remote: boolean;
  sessions: number;
  /** Sessions found at least at each level. */
  found: Record<Level, number>;
  /** Minutes from the start of the piloting to the first sighting of any level; null where none was found. */
  medianMinutes: number | null;
  sessionDays: number;
  /** Findings about honest sessions per 1,000 session-days, at least at each level; null for piloted kinds. */
  falsePer1000: Record<Level, number> | null;
}

interface Tracked {
  label: Label;
  firstAt: number;
  days: Set<number>;
  foundAt: [number, number, number];
  /** Highest level by id. */
  ids: Map<string, number>;
}

const keyOf = (of: { tenantId: string; sessionId: string }): string => `${of.tenantId}|${of.sessionId}`;

export class Scores {
  readonly #sessions = new Map<string, Tracked>();

  constructor(labels: readonly Label[]) {
    for (const label of labels) {
      this.#sessions.set(keyOf(label), { label, firstAt: Infinity, days: new Set(), foundAt: [Infinity, Infinity, Infinity], ids: new Map() });
    }
  }

  active(event: { tenantId: string; sessionId: string; observedAt: number }): void {
    const session = this.#sessions.get(keyOf(event));
    if (session === undefined) return;
    session.firstAt = Math.min(session.firstAt, event.observedAt);
    session.days.add(Math.floor(event.observedAt / DAY_MS));
  }

  seen(sighting: Sighting): void {
    const session = this.#sessions.get(keyOf(sighting));
    if (session === undefined) return;
    const level = LEVEL_OF[sighting.severity];
    for (let i = 0; i <= level; i++) session.foundAt[i] = Math.min(session.foundAt[i]!, sighting.at);
    session.ids.set(sighting.id, Math.max(level, session.ids.get(sighting.id) ?? 0));
  }

  /** One row per kind, piloted ones first; `by` renames kinds (for bins). */
  rows(by: (label: Label) => string = (label) => label.kind): KindScore[] {
    const groups = Map.groupBy(
      [...this.#sessions.values()].filter((session) => session.days.size > 0),
      (session) => `${session.label.remote ? 0 : 1}${by(session.label)}`,
    );
    return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([key, sessions]) => rowOf(key.slice(1), sessions));
  }
}

function rowOf(kind: string, sessions: readonly Tracked[]): KindScore {
  const remote = sessions[0]!.label.remote;
  const perLevel = (of: (level: number) => number): Record<Level, number> => ({ any: of(0), MEDIUM: of(1), HIGH: of(2) });
  const sessionDays = sessions.reduce((sum, session) => sum + session.days.size, 0);
  const times = sessions
    .filter((session) => session.foundAt[0] < Infinity)
    .map((session) => Math.max(0, session.foundAt[0] - (session.label.startsAt ?? session.firstAt)) / 60_000);
  const falseFindings = (level: number): number => sessions.reduce((sum, s) => sum + [...s.ids.values()].filter((highest) => highest >= level).length, 0);
  return {
    kind,
    remote,
    sessions: sessions.length,
    found: perLevel((level) => sessions.filter((session) => session.foundAt[level]! < Infinity).length),
    medianMinutes: remote && times.length > 0 ? medianOf(times) : null,
    sessionDays,
    falsePer1000: remote ? null : perLevel((level) => (1000 * falseFindings(level)) / sessionDays),
  };
}
