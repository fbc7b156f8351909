/**
 * Which worker holds which task: sticky (a task stays where it is as long as the shares stay even; a worker that must
 * give some up keeps what it has held longest, so that a worker that was away gets back what the others took over) and,
 * for tasks without a holder, by rendezvous hashing of the workers' names, so that a restarted worker gets its old tasks.
 * A task is a partition number of all inputs, so co-partitioned topics always go to one worker.
 */
import { murmur2 } from './partitioner.ts';

export interface Candidate {
  /** Unique in the group. */
  readonly member: string;
  /** The worker's own name, the same after a restart. */
  readonly worker: string;
  /** Tasks it held before this rebalance, the longest held first. */
  readonly held: readonly number[];
}

const encoder = new TextEncoder();

function affinity(worker: string, task: number): number {
  return murmur2(encoder.encode(`${worker}/${task}`)) >>> 0;
}

/** Assigns tasks 0 … tasks−1; the same input gives the same answer whatever the order of the candidates. */
export function assignTasks(candidates: readonly Candidate[], tasks: number): Map<string, number[]> {
  const members = candidates.toSorted((a, b) => compare(a.worker, b.worker) || compare(a.member, b.member));
  const assigned = new Map<string, number[]>(members.map((m) => [m.member, []]));
  if (members.length === 0) return assigned;
  const least = Math.floor(tasks / members.length);
  let extras = tasks % members.length;
  const owner: (string | undefined)[] = [];
  for (const candidate of members) {
    const mine = assigned.get(candidate.member)!;
    for (const task of candidate.held) {
      if (task >= tasks || owner[task] !== undefined) continue;
      if (mine.length >= least && (mine.length > least || extras === 0)) break;
      if (mine.length === least) extras--;
      owner[task] = candidate.member;
      mine.push(task);
    }
  }
  for (let task = 0; task < tasks; task++) {
    if (owner[task] !== undefined) continue;
    const room = (m: Candidate) => {
      const have = assigned.get(m.member)!.length;
      return have < least || (have === least && extras > 0);
    };
    const best = members.filter(room).reduce((a, b) => (affinity(b.worker, task) > affinity(a.worker, task) ? b : a));
    const list = assigned.get(best.member)!;
    if (list.length === least) extras--;
    list.push(task);
  }
  for (const list of assigned.values()) list.sort((a, b) => a - b);
  return assigned;
}

/** The tasks of an assignment as the next one wants to know them: those that were held before first, in their order. */
export function byTimeHeld(before: readonly number[], assigned: readonly number[]): number[] {
  return [...before.filter((task) => assigned.includes(task)), ...assigned.filter((task) => !before.includes(task))];
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
