/**
 * The state of a task as of the committed end of its changelog: from a checkpoint on the local disk and what the
 * changelog holds after it, or from the changelog alone. To be called by the task's owner, after it has fenced the others.
 */
import { yieldToIo, type Clock } from '#lib/kernel/clock.ts';
import { parseChangelogKey } from '#lib/state/changelog-key.ts';
import { readCheckpoint, type CheckpointHeader } from '#lib/state/checkpoint-format.ts';
import { checkpointName, type Checkpoints } from '#lib/state/checkpoint.ts';
import { createCapturedState, type CapturedState } from '#lib/state/memory.ts';
import type { TaskWriter } from '#lib/log/log.ts';
import { restoreRecord } from './changelog.ts';
import type { RunnerParts } from './options.ts';
import type { Task } from './task.ts';

export interface Restored {
  readonly state: CapturedState;
  readonly task: Task;
}

/** A disk that gives nothing for this long is not waited for, ms. */
const READ_MS_MAX = 15_000;
/** How far ahead of our clock a checkpoint may have been saved: clocks are set back a little now and then, ms. */
const AHEAD_MS_MAX = 3_600_000;

class Unusable extends Error {}

/** `checkpoints` false: from the changelog alone. */
export async function restoreTask(parts: RunnerParts, number: number, fence: TaskWriter['fence'], useCheckpoint = true): Promise<Restored> {
  const { log, service, observer, clock } = parts;
  const { changelog } = service;
  const began = clock.monotonicMs();
  if (changelog === null) return fresh(parts, number);
  const offsets = await log.offsetsOf(changelog, number);
  const loaded = useCheckpoint ? await fromCheckpoint(parts, changelog, number, fence, offsets) : null;
  const { state, task } = loaded ?? fresh(parts, number);
  const from = loaded?.offset ?? offsets.start;
  const all = Math.max(1, offsets.end - from);
  observer.restoring(number, 0);
  let records = 0;
  const take = (batch: Parameters<Parameters<typeof log.readToEnd>[2]>[0]): void => {
    for (const record of batch) restoreRecord(state, record);
    records += batch.length;
    observer.restoring(number, Math.min(1, (batch.at(-1)!.offset + 1 - from) / all));
  };
  await log.readToEnd(changelog, number, take, ...(loaded === null ? [] : [loaded.offset]));
  for (const _ of task.resume?.() ?? []) await yieldToIo();
  observer.restored(number, records, state.size, (clock.monotonicMs() - began) / 1_000, loaded?.entries ?? null);
  return { state, task };
}

function fresh({ service }: RunnerParts, number: number): Restored {
  const state = createCapturedState();
  return { state, task: service.createTask(number, state) };
}

interface Loaded extends Restored {
  readonly offset: number;
  readonly entries: number;
}

/** Null where there is none, or none that may be used: that is said, and is no failure. */
async function fromCheckpoint(parts: RunnerParts, changelog: string, partition: number, fence: TaskWriter['fence'], offsets: { start: number; end: number }): Promise<Loaded | null> {
  const { checkpoints, service, clock, observer } = parts;
  if (checkpoints === undefined) return null;
  const name = checkpointName(changelog, partition);
  try {
    const chunks = await inTime(clock, checkpoints.disk.read(name));
    if (chunks === null) return null;
    const restored = fresh(parts, partition);
    let offset = 0;
    const accept = (header: CheckpointHeader): void => {
      const why = whyNot(header, { application: service.application, changelog, partition, ...fence }, offsets) ?? tooOld(header, checkpoints, clock);
      if (why !== null) throw new Unusable(why);
      offset = header.offset;
    };
    const take = (key: Buffer, value: Buffer): void => {
      const parsed = parseChangelogKey(key, () => name);
      restored.state.restore(parsed.store, parsed.key, value);
    };
    const entries = await readCheckpoint(pacing(clock, chunks), accept, take);
    return { ...restored, offset, entries };
  } catch (error) {
    observer.event('checkpoint.ignored', { task: partition, file: name, why: (error as Error).message });
    return null;
  }
}

/** Foreign, or of a changelog that is not the one that we have. */
function whyNot(header: CheckpointHeader, ours: Omit<CheckpointHeader, 'offset' | 'savedAtMs'>, { start, end }: { start: number; end: number }): string | null {
  for (const field of ['application', 'changelog', 'partition', 'producer'] as const) {
    if (header[field] !== ours[field]) return `it is foreign: its ${field} is ${header[field]}, ours is ${ours[field]}`;
  }
  if (!(header.epoch < ours.epoch)) return `it is foreign: its epoch is ${header.epoch}, ours, which must be later, is ${ours.epoch}`;
  if (!(header.offset >= start && header.offset <= end)) return `it is foreign: it ends at ${header.offset}, the changelog has ${start} to ${end}`;
  return null;
}

function tooOld({ savedAtMs }: CheckpointHeader, { ageMsMax }: Checkpoints, clock: Clock): string | null {
  const ageMs = clock.nowMs() - savedAtMs;
  return ageMs <= ageMsMax && ageMs >= -AHEAD_MS_MAX ? null : `it is stale: saved ${ageMs} ms ago, at most ${ageMsMax} ms are allowed`;
}

async function* pacing(clock: Clock, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await inTime(clock, source.next());
      if (done === true) return;
      yield value;
    }
  } finally {
    // Not awaited: where the disk hangs, so does this.
    void source.return?.()?.catch(() => undefined);
  }
}

async function inTime<T>(clock: Clock, work: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const late = clock.sleep(READ_MS_MAX, abort.signal).then(() => {
    if (!abort.signal.aborted) throw new Unusable(`the disk did not answer within ${READ_MS_MAX} ms`);
    return undefined as never;
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    abort.abort();
    work.catch(() => undefined);
    late.catch(() => undefined);
  }
}
