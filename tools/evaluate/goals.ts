/** The goals of the method, row by row, against what was measured. */
import type { SessionOutcome } from './outcome.ts';
import { baseKind, type Recall, recallOfPeople, recallOfSessions, shareInterval } from './summary.ts';

interface Goal {
  title: string;
  kinds: readonly string[];
  of: 'sessions' | 'people';
  /** Where LOW is asked for ("a LOW finding at most"), any level counts and MEDIUM is too much. */
  level: 'MEDIUM' | 'LOW';
  recall: number;
  /** Minutes of typing for sessions, working days for people. */
  within: number;
}

const sessions = (title: string, kind: string, recall: number, within: number): Goal => ({ title, kinds: [kind], of: 'sessions', level: 'MEDIUM', recall, within });
const people = (title: string, kinds: readonly string[], recall: number, within: number): Goal => ({ title, kinds, of: 'people', level: 'MEDIUM', recall, within });

export const GOALS: readonly Goal[] = [
  sessions('proxy, hidden leg ≥ 80 ms', 'proxy-80', 0.99, 3),
  sessions('proxy, 40–80 ms', 'proxy-40-80', 0.9, 5),
  sessions('proxy, 25–40 ms', 'proxy-25-40', 0.7, 15),
  sessions('proxy, 15–25 ms', 'proxy-15-25', 0.5, 60),
  sessions('lagged remote desktop', 'remote-desktop', 0.99, 3),
  sessions('packet-level VPN from abroad', 'packet-vpn', 0.95, 10),
  sessions('handover in mid-session', 'handover', 0.95, 5),
  people('laptop farm of ≥ 5', ['laptop-farm'], 0.99, 1),
  people('IP-KVM without visible lag', ['ip-kvm-traces', 'ip-kvm-bare'], 0.8, 2),
  people('night operator', ['night-operator'], 0.9, 5),
  people('one operator on ≥ 3 identities', ['shared-operator'], 0.8, 5),
  people('account handover, another network', ['account-moved'], 0.8, 2),
  { ...people('account handover, rhythm alone (LOW at most)', ['account-rhythm'], 0.8, 2), level: 'LOW' },
];

export interface GoalRow {
  goal: Goal;
  recall: Recall;
  /** Share found at the goal's level, over both modes. */
  share: number;
  /** Wilson's 95% interval of the share. */
  interval: [number, number];
  medianTime: number | null;
  /** The same share by mode: people with an honest history, and people piloted from their first session. */
  byMode: { history: number | null; first: number | null };
  met: boolean;
}

export function judgeGoals(outcomes: readonly SessionOutcome[]): GoalRow[] {
  const piloted = outcomes.filter((session) => session.remote);
  return GOALS.flatMap((goal) => {
    const of = piloted.filter((session) => goal.kinds.includes(baseKind(session.personKind)));
    if (of.length === 0) return [];
    const count = goal.of === 'people' ? recallOfPeople : recallOfSessions;
    const level = goal.level === 'LOW' ? 'any' : 'MEDIUM';
    const shareOf = (own: readonly SessionOutcome[]): number | null => {
      if (own.length === 0) return null;
      const { found, total } = count(goal.title, own);
      return found[level] / total;
    };
    const recall = count(goal.title, of);
    const share = recall.found[level] / recall.total;
    const medianTime = recall.medianTime[level];
    const tooMuch = goal.level === 'LOW' && recall.found.MEDIUM > 0;
    const met = share >= goal.recall && medianTime !== null && medianTime <= goal.within && !tooMuch;
    const mode = (name: string): number | null => shareOf(of.filter((session) => session.personKind.endsWith(`@${name}`)));
    return [{ goal, recall, share, interval: shareInterval(recall.found[level], recall.total), medianTime, byMode: { history: mode('history'), first: mode('first') }, met }];
  });
}

/** What becomes of the goals where their sessions were measured under another assumption. */
export interface Changed {
  /** Each goal that was measured again: as it is, and as it would be. */
  rows: { built: GoalRow; left: GoalRow }[];
  /** Goals that would be met, those that were not measured again as they are. */
  met: number;
}

export function goalsUnder(goals: readonly GoalRow[], outcomes: readonly SessionOutcome[]): Changed {
  const rows = judgeGoals(outcomes).flatMap((left) => {
    const built = goals.find(({ goal }) => goal.title === left.goal.title);
    return built === undefined ? [] : [{ built, left }];
  });
  const met = goals.filter((built) => rows.find((row) => row.built === built)?.left.met ?? built.met).length;
  return { rows, met };
}
