/**
 * Merges the co-partitioned inputs of a task by the records' timestamps (arrival), as Kafka Streams does: always the
 * smaller head first. An input with nothing waiting holds the others up until it has answered that it is at its end,
 * or until `idleMsMax` has passed, whichever is first. Requests (the topics `controls`) are taken as soon as they are
 * there, and nobody waits for them.
 */
import type { RawRecord } from '#lib/runner/task.ts';
import type { Feed, Position } from './log.ts';

/** Whether the end of `feed` was asked for after the head of `other` had arrived. */
function endsBefore(feed: Feed, other: Feed): boolean {
  return feed.endTick === undefined || other.headTick === undefined || feed.endTick > other.headTick;
}

function readableHead(feed: Feed): number | undefined {
  try {
    return feed.headTimestamp();
  } catch {
    return undefined; // `take` reports it
  }
}

export class MergedFeeds {
  readonly #feeds: readonly Feed[];
  readonly #controls: readonly Feed[];
  readonly #data: readonly Feed[];
  readonly #idleMsMax: number;
  /** Monotonic time since when an input has been waited for; null while none is. */
  #waitingSinceMs: number | null = null;

  constructor(feeds: readonly Feed[], idleMsMax: number, controls: readonly string[] = []) {
    this.#feeds = feeds;
    this.#controls = feeds.filter((feed) => controls.includes(feed.topic));
    this.#data = feeds.filter((feed) => !controls.includes(feed.topic));
    this.#idleMsMax = idleMsMax;
  }

  /**
   * Appends at most `max` records to `into`, in merged order. `nowMs` is monotonic and only bounds the waiting. Throws
   * UnreadableRecords where an input has come to records that cannot be read; `into` holds what was taken before.
   */
  take(into: RawRecord[], max: number, nowMs: number): number {
    let taken = 0;
    while (taken < max) {
      const feed = this.#next(nowMs);
      if (feed === null) break;
      into.push(feed.shift());
      taken++;
    }
    return taken;
  }

  /** Requests alone, at most `max`. */
  takeControls(into: RawRecord[], max: number): number {
    let taken = 0;
    for (const feed of this.#controls) for (; taken < max && feed.headTimestamp() !== undefined; taken++) into.push(feed.shift());
    return taken;
  }

  /** No input has anything waiting, and each has said that it is at its end. */
  get atEnd(): boolean {
    return this.#data.every((feed) => readableHead(feed) === undefined && feed.caughtUp);
  }

  #next(nowMs: number): Feed | null {
    for (const feed of this.#controls) if (feed.headTimestamp() !== undefined) return feed;
    let best = null as Feed | null;
    let bestTimestamp = Infinity;
    let missing = false;
    let empty = false;
    for (const feed of this.#data) {
      const timestamp = feed.headTimestamp();
      if (timestamp === undefined) {
        empty = true;
        missing ||= !feed.caughtUp;
      } else if (timestamp < bestTimestamp) {
        best = feed;
        bestTimestamp = timestamp;
      }
    }
    missing ||= empty && best !== null && this.#data.some((feed) => feed.headTimestamp() === undefined && !endsBefore(feed, best));
    if (best === null || !missing) {
      this.#waitingSinceMs = null;
      return best;
    }
    this.#waitingSinceMs ??= nowMs;
    return nowMs - this.#waitingSinceMs >= this.#idleMsMax ? best : null;
  }

  /** Where the inputs are to be read next. */
  positions(): Position[] {
    return this.#feeds.map((feed) => ({ topic: feed.topic, partition: feed.partition, offset: feed.position }));
  }

  /** Timestamp of the oldest record that waits and can be read, epoch ms; undefined where none does. */
  headTimestamp(): number | undefined {
    let oldest: number | undefined;
    for (const feed of this.#feeds) {
      const timestamp = readableHead(feed);
      if (timestamp !== undefined && !(timestamp >= (oldest ?? Infinity))) oldest = timestamp;
    }
    return oldest;
  }

  /** How full the fullest input is. */
  get fill(): number {
    let fill = 0;
    for (const feed of this.#feeds) fill = Math.max(fill, feed.fill ?? 0);
    return fill;
  }

  get lag(): number {
    let lag = 0;
    for (const feed of this.#feeds) lag += feed.lag;
    return lag;
  }

  close(): void {
    for (const feed of this.#feeds) feed.close();
  }
}
