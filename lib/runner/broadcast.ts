/**
 * A broadcast reader: every worker reads all of some topics, from their first record on and for ever. Reference data
 * comes in this way; the tasks start when everything that is there has been taken in once.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import type { Feed, Log, LogRecord } from '#lib/log/log.ts';
import { Backoff } from './backoff.ts';
import { broadcastRights, requireRights } from './rights.ts';

export interface BroadcastOptions {
  readonly log: Log;
  readonly topics: readonly string[];
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Takes a batch of one topic in; a retriable rejection is tried again until it succeeds. */
  readonly apply: (records: readonly LogRecord[]) => void | Promise<void>;
  readonly onRetry: (error: Error) => void;
}

export interface Broadcast {
  /** Resolves when all that was in the topics has been applied. */
  readonly loaded: Promise<void>;
  readonly isLoaded: boolean;
  /** Resolves at the end, which the signal brings; rejects with what cannot be repeated. */
  readonly ended: Promise<void>;
}

const BATCH_RECORDS_MAX = 500;
const IDLE_MS = 1_000;
const RETRY_MS = 100;
const RETRY_MS_MAX = 5_000;
/** A group that never commits: its positions are the beginnings of the partitions. */
export const NO_GROUP = 'farhand-broadcast';

export function startBroadcast(options: BroadcastOptions): Broadcast {
  const loaded = Promise.withResolvers<void>();
  loaded.promise.catch(() => undefined);
  let isLoaded = false;
  const ended = follow(options, () => {
    isLoaded = true;
    loaded.resolve();
  });
  ended.catch((error: unknown) => loaded.reject(error));
  return {
    loaded: loaded.promise,
    ended,
    get isLoaded() {
      return isLoaded;
    },
  };
}

async function follow(options: BroadcastOptions, onLoaded: () => void): Promise<void> {
  const { log, topics, signal } = options;
  await requireRights(log.admin, broadcastRights(topics, NO_GROUP));
  const partitions = await log.partitionsOf(topics);
  const missing = topics.filter((topic) => partitions.get(topic) === 0);
  if (missing.length > 0) throw new FarhandError('FARHAND_TOPICS_WRONG', `missing: ${missing.join(', ')}; run: farhand topics`);
  const reader = await log.openReader();
  signal.addEventListener('abort', () => reader.wake(), { once: true });
  const feeds: Feed[] = [];
  for (const [topic, count] of partitions) {
    for (let partition = 0; partition < count; partition++) {
      for (const position of await log.committedPositions(NO_GROUP, [topic], partition)) feeds.push(reader.open(position));
    }
  }
  let loaded = false;
  while (!signal.aborted) {
    let taken = 0;
    for (const feed of feeds) {
      const batch: LogRecord[] = [];
      while (batch.length < BATCH_RECORDS_MAX && feed.headTimestamp() !== undefined) batch.push(feed.shift());
      taken += batch.length;
      if (batch.length > 0) await applyUntilTaken(batch, options);
    }
    if (!loaded && feeds.every((feed) => feed.caughtUp)) {
      loaded = true;
      onLoaded();
    }
    if (taken === 0) await reader.wait(IDLE_MS);
  }
  await reader.close();
}

async function applyUntilTaken(batch: readonly LogRecord[], { apply, clock, signal, onRetry }: BroadcastOptions): Promise<void> {
  const backoff = new Backoff(RETRY_MS, RETRY_MS_MAX);
  while (!signal.aborted) {
    try {
      await apply(batch);
      return;
    } catch (error) {
      if (!(error instanceof FarhandError && error.retriable)) throw error;
      onRetry(error);
      await clock.sleep(backoff.next(), signal);
    }
  }
}
