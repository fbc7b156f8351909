/** What each signal is worth: recall and false findings with all signals, and with each one left out. */
import { GOALS } from './goals.ts';
import type { SessionOutcome } from './outcome.ts';
import { baseKind } from './summary.ts';
import type { SessionVerdict } from './verdicts.ts';

export interface AblationRow {
  /** Signal that was left out; null for none. */
  without: string | null;
  /** Share found by the goals' definitions: of sessions, or of people; by the goal's title. */
  recall: Record<string, number>;
  /** Mean of `recall` over the goals. */
  meanRecall: number;
  /** Findings of MEDIUM and above on honest sessions per 1,000 session-days. */
  per1000: number;
}

const keyOf = ({ tenantId, sessionId }: { tenantId: string; sessionId: string }): string => `${tenantId}|${sessionId}`;

function rowOf(without: string | null, sessions: readonly SessionOutcome[], levelOf: (session: SessionOutcome) => number, findingsOf: (session: SessionOutcome) => number): AblationRow {
  const recall: Record<string, number> = {};
  for (const goal of GOALS) {
    const of = sessions.filter((session) => session.remote && goal.kinds.includes(baseKind(session.personKind)));
    if (of.length === 0) continue;
    const needed = goal.level === 'LOW' ? 0 : 1;
    const groups = goal.of === 'sessions' ? of.map((session) => [session]) : [...Map.groupBy(of, ({ tenantId, userId }) => `${tenantId}|${userId}`).values()];
    recall[goal.title] = groups.filter((group) => group.some((session) => levelOf(session) >= needed)).length / groups.length;
  }
  const honest = sessions.filter((session) => !session.remote);
  const days = honest.reduce((sum, session) => sum + session.days.length, 0);
  const shares = Object.values(recall);
  return {
    without,
    recall,
    meanRecall: shares.reduce((sum, share) => sum + share, 0) / Math.max(1, shares.length),
    per1000: (1000 * honest.reduce((sum, session) => sum + findingsOf(session), 0)) / Math.max(1, days),
  };
}

/** First row: all signals. Then one row per signal, the one that is missed most first. */
export function ablationOf(sessions: readonly SessionOutcome[], variants: Readonly<Record<string, readonly SessionVerdict[]>>): AblationRow[] {
  const levelOf = ({ found }: SessionOutcome): number => (found[1] ? 1 : found[0] ? 0 : -1);
  const all = rowOf(null, sessions, levelOf, ({ findings }) => findings[1] + findings[2]);
  const rows = Object.entries(variants).map(([name, verdicts]) => {
    const byKey = new Map(verdicts.map((verdict) => [keyOf(verdict), verdict]));
    return rowOf(name, sessions, (session) => byKey.get(keyOf(session))?.level ?? -1, (session) => byKey.get(keyOf(session))?.findings ?? 0);
  });
  return [all, ...rows.toSorted((a, b) => a.meanRecall - b.meanRecall)];
}
