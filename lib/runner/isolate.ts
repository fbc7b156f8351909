/**
 * Finds the record that a step cannot take: from the committed positions and the restored state, one record at a time.
 * What lies before it is committed, so that the record is the next of its partition: it can be set aside, and nothing
 * else with it. The batch that failed tells where to stop looking.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { OutgoingRecord, Position, Reader, TaskWriter } from '#lib/log/log.ts';
import type { CapturedState } from '#lib/state/memory.ts';
import { Backoff } from './backoff.ts';
import { takeChanges } from './changelog.ts';
import { openFeeds } from './feeds.ts';
import { readsOf, type RunnerParts } from './options.ts';
import { OutputBuffer } from './output-buffer.ts';
import { restoreTask } from './restore.ts';
import type { UnforeseenFailure } from './session.ts';
import type { RawRecord, Task } from './task.ts';

/** Longest search, ms; beyond it the whole batch is named. */
const SEARCH_MS_MAX = 60_000;
const WAIT_MS = 100;

const place = (r: RawRecord): string => `${r.topic}/${r.partition}@${r.offset}`;

/** The text with the record's place before it, once: tasks that throw it themselves have named it already. */
const placed = (record: RawRecord, text: string): string => (text.startsWith(`${place(record)}: `) ? text : `${place(record)}: ${text}`);

/** The command that takes what lies there out of the worker's way. */
export function setAsideHint(group: string, { topic, partition, offset }: Position): string {
  return `to set it aside: farhand dead-letter set-aside --group ${group} --topic ${topic} --partition ${partition} --offset ${offset}`;
}

/** The error that stops the worker, with the position of the record and the way to set it aside. */
export async function isolatePoison(parts: RunnerParts, reader: Reader, number: number, failure: UnforeseenFailure): Promise<FarhandError> {
  const { log, service } = parts;
  if (failure.batch.length === 0) return new FarhandError('FARHAND_POISON_RECORD', `at work of its own, with no record: ${failure.message}`, { cause: failure.cause });
  const writer = await log.openWriter(`${service.application}-${number}`);
  try {
    return await search(parts, reader, number, failure, writer);
  } finally {
    await writer.close();
  }
}

async function search(parts: RunnerParts, reader: Reader, number: number, failure: UnforeseenFailure, writer: TaskWriter): Promise<FarhandError> {
  const { log, service, clock } = parts;
  const begin = await log.committedPositions(service.application, readsOf(service), number);
  const { state, task } = await restoreTask(parts, number, writer.fence);
  const feeds = openFeeds(parts, reader, begin);
  const ends = new Map(failure.batch.map((r) => [r.topic, r.offset]));
  const deadline = clock.monotonicMs() + SEARCH_MS_MAX;
  const finished: { records: OutgoingRecord[]; positions: readonly Position[] } = { records: [], positions: begin };
  try {
    while (ends.size > 0 && clock.monotonicMs() < deadline) {
      const batch: RawRecord[] = [];
      feeds.take(batch, 1, clock.monotonicMs());
      const record = batch[0];
      if (record === undefined) {
        await reader.wait(WAIT_MS);
        continue;
      }
      const outputs = await outputsOf(task, state, record, parts, deadline);
      if (outputs === 'left') break;
      if (outputs === null) {
        await writer.commit({ ...finished, group: service.application });
        return new FarhandError('FARHAND_POISON_RECORD', `${placed(record, failure.message)} (${setAsideHint(service.application, record)})`, { cause: failure.cause });
      }
      finished.records.push(...outputs);
      // Encoded at once, as the record that fails may touch the same values before it does.
      if (service.changelog !== null) finished.records.push(...takeChanges(state, service.changelog, number, clock.nowMs()));
      finished.positions = feeds.positions();
      if (record.offset >= (ends.get(record.topic) ?? Infinity)) ends.delete(record.topic);
    }
    const range = `one of ${failure.batch.length} records, ${place(failure.batch[0]!)} to ${place(failure.batch.at(-1)!)}`;
    return new FarhandError('FARHAND_POISON_RECORD', `${range}: ${failure.message}`, { cause: failure.cause });
  } finally {
    feeds.close();
  }
}

/** What the record gives; null where the step cannot take it, `left` where it waits for something before it does. Rejects where a dependency stays away, or left the state touched. */
async function outputsOf(task: Task, state: CapturedState, record: RawRecord, { service, bounds, clock }: RunnerParts, deadlineMs: number): Promise<OutgoingRecord[] | 'left' | null> {
  const backoff = new Backoff(bounds.retryMs, bounds.retryMsMax);
  const { mutations } = state;
  for (;;) {
    const output = new OutputBuffer(service.outputs, () => clock.nowMs());
    try {
      const left = await task.process([record], output);
      return typeof left === 'number' && left > 0 ? 'left' : output.take();
    } catch (error) {
      if (!(error instanceof FarhandError && error.retriable)) return null;
      if (state.mutations !== mutations || clock.monotonicMs() > deadlineMs) throw error;
      await clock.sleep(backoff.next());
    }
  }
}
