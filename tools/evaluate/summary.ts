/** Counts per kind out of session outcomes: recall and time for the piloted, false findings for the honest. */
import { poissonInterval, wilsonInterval } from '#lib/kernel/intervals.ts';
import { LEVELS, type Level, type SessionOutcome } from './outcome.ts';
import { median } from './statistics.ts';

export interface Recall {
  kind: string;
  /** Sessions or people. */
  total: number;
  found: Record<Level, number>;
  /** Wilson's 95% interval of the share found at MEDIUM or above. */
  interval: [number, number];
  /** Median of those found: minutes of typing (sessions), working days (people); at any level and at MEDIUM. */
  medianTime: { any: number | null; MEDIUM: number | null };
}

export interface FalseFindings {
  kind: string;
  sessionDays: number;
  sessions: number;
  /** Findings that reached at least the level. */
  findings: Record<Level, number>;
  per1000: Record<Level, number>;
  /** One-sided 95% upper bound of the rate at MEDIUM or above, per 1,000. */
  upper1000: number;
}

/** Wilson's 95% interval of a share; [0, 1] where nothing was counted. */
export function shareInterval(part: number, whole: number): [number, number] {
  const interval = wilsonInterval(part, whole);
  return interval === null ? [0, 1] : [interval.lower, interval.upper];
}

const byLevel = <T>(of: (level: number) => T): Record<Level, T> => ({ any: of(0), MEDIUM: of(1), HIGH: of(2) });

export const baseKind = (personKind: string): string => personKind.split('@')[0]!;

export function recallOfSessions(kind: string, sessions: readonly SessionOutcome[]): Recall {
  const found = byLevel((level) => sessions.filter((session) => session.found[level] !== null).length);
  const time = (level: number): number | null => median(sessions.flatMap((session) => session.found[level]?.typingMin ?? []));
  return { kind, total: sessions.length, found, interval: shareInterval(found.MEDIUM, sessions.length), medianTime: { any: time(0), MEDIUM: time(1) } };
}

const personOf = ({ tenantId, userId }: SessionOutcome): string => `${tenantId}|${userId}`;

/** People out of their piloted sessions; the time is the number of piloted working days until the first finding. */
export function recallOfPeople(kind: string, sessions: readonly SessionOutcome[]): Recall {
  const people = [...Map.groupBy(sessions, personOf).values()].map((own) => own.toSorted((a, b) => a.startsAt - b.startsAt));
  const daysUntil = (own: readonly SessionOutcome[], level: number): number | null => {
    const days = new Set<number>();
    for (const session of own) {
      days.add(session.days[0]!);
      if (session.found[level] !== null) return days.size;
    }
    return null;
  };
  const found = byLevel((level) => people.filter((own) => daysUntil(own, level) !== null).length);
  const time = (level: number): number | null => median(people.flatMap((own) => daysUntil(own, level) ?? []));
  return { kind, total: people.length, found, interval: shareInterval(found.MEDIUM, people.length), medianTime: { any: time(0), MEDIUM: time(1) } };
}

export function falseFindings(kind: string, sessions: readonly SessionOutcome[]): FalseFindings {
  const sessionDays = sessions.reduce((sum, session) => sum + session.days.length, 0);
  const findings = byLevel((level) => sessions.reduce((sum, session) => sum + session.findings.reduce((n, count, i) => n + (i >= level ? count : 0), 0), 0));
  return ratesOf({ kind, sessionDays, sessions: sessions.length, findings });
}

/** The rates of what was counted in several runs. */
export function sumOf(kind: string, rows: readonly FalseFindings[]): FalseFindings {
  const total = (of: (row: FalseFindings) => number): number => rows.reduce((sum, row) => sum + of(row), 0);
  return ratesOf({ kind, sessionDays: total((row) => row.sessionDays), sessions: total((row) => row.sessions), findings: byLevel((level) => total((row) => row.findings[LEVELS[level]!])) });
}

function ratesOf({ kind, sessionDays, sessions, findings }: Pick<FalseFindings, 'kind' | 'sessionDays' | 'sessions' | 'findings'>): FalseFindings {
  const per1000 = byLevel((level) => (1000 * findings[LEVELS[level]!]) / Math.max(1, sessionDays));
  return { kind, sessionDays, sessions, findings, per1000, upper1000: (1000 * poissonInterval(findings.MEDIUM, 0.9).upper) / Math.max(1, sessionDays) };
}

/** Mean of the kinds' rates at MEDIUM and above, each kind counted alike whatever its number here; null without kinds. */
export function equalShares(kinds: readonly FalseFindings[]): number | null {
  return kinds.length === 0 ? null : kinds.reduce((sum, { per1000 }) => sum + per1000.MEDIUM, 0) / kinds.length;
}

/** The strongest signal of each honest session with a finding of MEDIUM or above, commonest first: `hiddenLeg 2, onset 1`. */
export function carriersOf(sessions: readonly SessionOutcome[]): string {
  const accused = sessions.filter(({ findings }) => findings[1] + findings[2] > 0);
  const carriers = Map.groupBy(accused, ({ told }) => told[0]?.split(' ')[0] ?? 'unknown');
  return [...carriers].toSorted(([a, x], [b, y]) => y.length - x.length || (a < b ? -1 : 1)).map(([signal, own]) => `${signal} ${own.length}`).join(', ');
}

export interface RuleScore {
  rule: string;
  /** Share of piloted sessions flagged after the piloting began. */
  recall: number;
  /** Honest sessions flagged, per 1,000 session-days. */
  per1000: number;
}

export function scoreRule(rule: string, piloted: readonly SessionOutcome[], honest: readonly SessionOutcome[]): RuleScore {
  const days = honest.reduce((sum, session) => sum + session.days.length, 0);
  const hits = piloted.filter((session) => (session.rules[rule]?.at ?? -Infinity) >= session.startsAt).length;
  const alarms = honest.filter((session) => session.rules[rule] !== undefined).length;
  return { rule, recall: hits / Math.max(1, piloted.length), per1000: (1000 * alarms) / Math.max(1, days) };
}
