/**
 * Whether a task has nothing to do, in a way that later records cannot contradict: asked stage by stage in the order in which
 * records pass, so that what has left one stage is seen in the next. At the end of an input alone nothing can be told: the
 * stage before may be down.
 */
import type { Log, Position } from '#lib/log/log.ts';
import type { ServiceSpec } from './options.ts';

/** True where nothing waited for the task when this was called. `own`: where its inputs are read next. */
export async function isQuiescent(log: Log, { upstream = [], controls = [] }: Pick<ServiceSpec, 'upstream' | 'controls'>, task: number, own: readonly Position[]): Promise<boolean> {
  for (const { application, inputs } of upstream) {
    const partitions = await log.partitionsOf(inputs);
    const there = inputs.filter((topic) => partitions.get(topic)! > task);
    if (there.length > 0 && (await waits(log, await log.committedPositions(application, there, task)))) return false;
  }
  return !(await waits(log, own.filter(({ topic }) => !controls.includes(topic))));
}

async function waits(log: Log, positions: readonly Position[]): Promise<boolean> {
  for (const position of positions) if (await log.hasMore(position)) return true;
  return false;
}
