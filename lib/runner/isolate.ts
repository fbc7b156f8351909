/**
 * Finds the record that a step cannot take: from the committed positions and the restored state, one record at a time,
 * committing nothing. The batch that failed tells where to stop looking.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import { MergedFeeds } from '#lib/log/merge.ts';
import type { Reader } from '#lib/log/log.ts';
import { createCapturedState } from '#lib/state/memory.ts';
import { Backoff } from './backoff.ts';
import { restoreRecord } from './changelog.ts';
import type { RunnerParts } from './options.ts';
import { OutputBuffer } from './output-buffer.ts';
import type { UnforeseenFailure } from './session.ts';
import type { RawRecord, Task } from './task.ts';

/** Longest search, ms; beyond it the whole batch is named. */
const SEARCH_MS_MAX = 60_000;
const WAIT_MS = 100;

const place = (r: RawRecord): string => `${r.topic}/${r.partition}@${r.offset}`;

function poison(where: string, failure: UnforeseenFailure): FarhandError {
  return new FarhandError('FARHAND_POISON_RECORD', `${where}: ${failure.message}`, { cause: failure.cause });
}

/** The error that stops the worker, with the position of the record; never commits anything. */
export async function isolatePoison(parts: RunnerParts, reader: Reader, number: number, failure: UnforeseenFailure): Promise<FarhandError> {
  const first = failure.batch[0]!;
  const last = failure.batch.at(-1)!;
  const whole = poison(`one of ${failure.batch.length} records, ${place(first)} to ${place(last)}`, failure);
  const { log, service, bounds, clock } = parts;
  const state = createCapturedState();
  const task = service.createTask(number, state);
  const positions = await log.committedPositions(service.application, service.inputs, number);
  if (service.changelog !== null) {
    await log.readToEnd(service.changelog, number, (records) => {
      for (const record of records) restoreRecord(state, record);
    });
  }
  const feeds = new MergedFeeds(positions.map((position) => reader.open(position)), bounds.idleInputMsMax);
  const ends = new Map(failure.batch.map((r) => [r.topic, r.offset]));
  const deadline = clock.monotonicMs() + SEARCH_MS_MAX;
  try {
    while (ends.size > 0 && clock.monotonicMs() < deadline) {
      const batch: RawRecord[] = [];
      feeds.take(batch, 1, clock.monotonicMs());
      const record = batch[0];
      if (record === undefined) {
        await reader.wait(WAIT_MS);
        continue;
      }
      if (!(await passes(task, record, parts, deadline))) return poison(place(record), failure);
      if (record.offset >= (ends.get(record.topic) ?? Infinity)) ends.delete(record.topic);
    }
    return whole;
  } finally {
    feeds.close();
  }
}

async function passes(task: Task, record: RawRecord, { service, bounds, clock }: RunnerParts, deadlineMs: number): Promise<boolean> {
  const backoff = new Backoff(bounds.retryMs, bounds.retryMsMax);
  for (;;) {
    try {
      await task.process([record], new OutputBuffer(service.outputs, () => clock.nowMs()));
      return true;
    } catch (error) {
      if (!(error instanceof FarhandError && error.retriable)) return false;
      if (clock.monotonicMs() > deadlineMs) throw error;
      await clock.sleep(backoff.next());
    }
  }
}
