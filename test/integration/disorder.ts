/** What breaks, in which order: mostly workers, and everything else again and again. The seed decides about the rest. */
import { systemClock } from '#lib/kernel/clock.ts';
import type { FaultReport, Site } from './under-faults.ts';

/** By the number of the kill after which it happens, in a round of twelve. */
const ROUND: Readonly<Record<number, (site: Site) => Promise<void>>> = {
  1: (site) => site.addWorker(),
  2: (site) => site.moveLeader(),
  4: (site) => site.killBroker(),
  6: (site) => site.killRedis(),
  8: (site) => site.removeWorker(),
  10: (site) => site.moveLeader(),
  11: (site) => site.killBroker(),
};
const ROUND_LENGTH = 12;
/** Every so many kills the worker comes back on an empty disk. */
const DISK_EVERY = 4;

/** `kills` of workers, one each `everyMs`, with all that happens beside them. */
export async function disorder(site: Site, kills: number, everyMs: number): Promise<void> {
  const others: Promise<void>[] = [];
  for (let kill = 1; kill <= kills; kill++) {
    const next = systemClock.sleep(everyMs);
    await site.killWorker(kill % DISK_EVERY === 0);
    const other = ROUND[kill % ROUND_LENGTH];
    // Nodes one after the other: with two away there is no quorum, and nothing to learn.
    if (other !== undefined) others.push((others.at(-1) ?? Promise.resolve()).then(() => other(site)));
    others.at(-1)?.catch(() => undefined); // awaited at the end
    await next;
  }
  await Promise.all(others);
}

export function tell({ events, findings, letters, faults, checkpointsUsed, seconds, differences }: FaultReport): string {
  const list = [...faults].map(([fault, times]) => `${fault} ${times}×`).join(', ');
  const result = differences.length === 0 ? 'equal to the embedded run' : `NOT EQUAL: ${differences.join('; ')}`;
  return `${events} events, ${findings} findings, ${letters} dead letters: ${result}; ${list}; state restored from checkpoints ${checkpointsUsed}×; ${seconds.toFixed(0)} s`;
}
