/**
 * Prefetching readers of single partitions on Kafka: one long poll per broker at a time, on connections of its own, in
 * the background of the processing. No group is involved; who reads what is decided in kafka-group.ts.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import type { FarhandError } from '#lib/kernel/errors.ts';
import { asLogError, isForbidden, protocolError, UNPLACED, type KafkaFailure } from './kafka-client.ts';
import type { KafkaCluster, SharedCluster } from './kafka-cluster.ts';
import { KafkaFeed } from './kafka-feed.ts';
import { findEnd, OFFSET_OUT_OF_RANGE, REQUEST_MS_MAX } from './kafka-partition.ts';
import { fetchRequest, type FetchOptions } from './kafka-wire.ts';
import { readerClosed, type Feed, type Position, type Reader } from './log.ts';

export interface ReaderOptions {
  readonly clock: Clock;
  /** A feed is not fetched for while more than this waits in it. */
  readonly prefetchBytesMax: number;
  readonly partitionBytesMax: number;
  readonly fetchBytesMax: number;
  /** How long a broker may hold an answer back when there is nothing to read. */
  readonly pollMs: number;
  /** Records were deleted by retention before we read them: a loss to be reported aloud. `to` < `from`: the partition was begun anew. */
  readonly onGap?: (topic: string, partition: number, from: number, to: number) => void;
  /** A fetch failed and is tried again: nothing comes from the brokers it asked until it succeeds. */
  readonly onFetchFailure?: (error: Error) => void;
}

const RETRY_MS = 50;
const RETRY_MS_MAX = 2_000;
/**
 * While a feed is full, or waits for the end of another, these are polled without patience: the one is not starved when it
 * has drained, the other is not held up.
 */
const IMPATIENT_POLL_MS = 5;

export class KafkaReader implements Reader {
  readonly #cluster: SharedCluster;
  readonly #options: ReaderOptions;
  #feeds: KafkaFeed[] = [];
  /** Leader by feed, as of the last look at the metadata. */
  #leaders = new Map<KafkaFeed, number>();
  readonly #pumps = new Map<number, Promise<void>>();
  /** The search for leaders that is on its way. */
  #placing: Promise<void> | null = null;
  #placeAgain = false;
  #waiters = new Set<() => void>();
  #changed = Promise.withResolvers<void>();
  readonly #end = new AbortController();
  /** A right that was taken away: nothing comes any more, and whoever waits is told why. */
  #forbidden: FarhandError | null = null;
  /** Counts the fetches; tells whether one was sent before or after a record arrived. */
  #tick = 0;

  constructor(cluster: SharedCluster, options: ReaderOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  open(position: Position, options?: { readonly awaited: boolean }): Feed {
    const feed = new KafkaFeed(position, this.#options.prefetchBytesMax, () => this.#signal(), options?.awaited);
    this.#feeds.push(feed);
    this.#place();
    return feed;
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#forbidden !== null) throw this.#forbidden;
    // Answered at once it would be asked again at once: a loop that leaves no time for any timer.
    if (this.#closed) throw readerClosed();
    if (timeoutMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    const abort = new AbortController();
    await Promise.race([promise, this.#options.clock.sleep(timeoutMs, abort.signal)]);
    abort.abort(null); // without a reason, an error would be made for each wait
    this.#waiters.delete(resolve);
    if (this.#forbidden !== null) throw this.#forbidden;
  }

  #refused(error: unknown): void {
    if (!isForbidden(error)) return;
    this.#forbidden ??= asLogError(error, 'reading');
    this.wake();
  }

  wake(): void {
    const woken = this.#waiters;
    this.#waiters = new Set();
    for (const resolve of woken) resolve();
  }

  async close(): Promise<void> {
    this.#end.abort();
    this.#signal();
    this.wake();
    await this.#cluster.close();
    await Promise.all([...this.#pumps.values(), this.#placing]);
  }

  get #closed(): boolean {
    return this.#end.signal.aborted;
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Looks (again) which broker leads which feed, and starts the pumps that are missing. */
  #place(): void {
    this.#placeAgain = true;
    this.#placing ??= this.#placeFeeds();
  }

  /** Says itself, in its last step, that it is over: who asked between its end and a note of that would wait for a look that never comes. */
  async #placeFeeds(): Promise<void> {
    for (let retryMs = RETRY_MS; this.#placeAgain && !this.#closed; ) {
      this.#placeAgain = false;
      try {
        this.#leaders = await this.#cluster.use('finding the leaders', REQUEST_MS_MAX, (cluster) => this.#findLeaders(cluster));
        if (![...this.#leaders.values()].includes(-1)) retryMs = RETRY_MS;
        else this.#placeAgain = true;
      } catch (error) {
        this.#refused(error);
        this.#placeAgain = true;
      }
      for (const node of new Set(this.#leaders.values())) if (node >= 0 && !this.#pumps.has(node)) this.#pumps.set(node, this.#pump(node));
      this.#signal();
      if (!this.#placeAgain) break;
      await this.#options.clock.sleep(retryMs, this.#end.signal);
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
    }
    this.#placing = null;
  }

  /** −1 where a partition has no leader now. */
  async #findLeaders(cluster: KafkaCluster): Promise<Map<KafkaFeed, number>> {
    const feeds = this.#feeds.filter((feed) => !feed.closed);
    await cluster.addMultipleTargetTopics([...new Set(feeds.map((feed) => feed.topic))]);
    const leaderOf = (feed: KafkaFeed): number =>
      cluster.findTopicPartitionMetadata(feed.topic).find((p) => p.partitionId === feed.partition)?.leader ?? -1;
    return new Map(feeds.map((feed) => [feed, leaderOf(feed)]));
  }

  async #pump(node: number): Promise<void> {
    let retryMs = RETRY_MS;
    while (!this.#closed) {
      this.#feeds = this.#feeds.filter((feed) => !feed.closed);
      const mine = this.#feeds.filter((feed) => this.#leaders.get(feed) === node && !feed.broken);
      const hungry = mine.filter((feed) => feed.bytes < this.#options.prefetchBytesMax);
      if (hungry.length === 0) {
        await this.#changed.promise;
        continue;
      }
      const pollMs = hungry.length < mine.length || hungry.some((feed) => isWaitedFor(feed, this.#feeds)) ? IMPATIENT_POLL_MS : this.#options.pollMs;
      try {
        await this.#cluster.use('fetching', pollMs + REQUEST_MS_MAX, (cluster) => this.#fetch(cluster, node, hungry, pollMs));
        retryMs = RETRY_MS;
      } catch (error) {
        this.#refused(error);
        if (!this.#closed) this.#options.onFetchFailure?.(error as Error);
        await this.#options.clock.sleep(retryMs, this.#end.signal);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
        for (const feed of this.#feeds) if (feed.settledOn === node) feed.settledOn = null;
        // The failure has cost us the cluster: with the next one come fresh metadata.
        this.#leaders = new Map();
        this.#place();
      }
    }
  }

  async #fetch(cluster: KafkaCluster, node: number, feeds: readonly KafkaFeed[], waitMsMax: number): Promise<void> {
    const { partitionBytesMax, fetchBytesMax: bytesMax } = this.#options;
    const options: FetchOptions = { waitMsMax, bytesMax, partitionBytesMax, requestTimeoutMs: waitMsMax + REQUEST_MS_MAX };
    for (const feed of feeds) if (feed.settledOn !== node) await settle(cluster, feed, node);
    const asked = feeds.map((feed) => ({ topic: feed.topic, partition: feed.partition, offset: feed.fetchOffset }));
    const broker = await cluster.findBroker({ nodeId: node });
    const tick = ++this.#tick;
    const answer = await broker.connectionPool.send(fetchRequest(asked, options));
    if (answer.errorCode !== 0) throw protocolError(answer.errorCode);
    let changed = false;
    let failed: Error | null = null;
    for (const partition of answer.partitions) {
      const feed = feeds.find((f) => f.topic === partition.topic && f.partition === partition.partition && !f.closed && !f.broken);
      if (feed === undefined) continue;
      const awaited = isWaitedFor(feed, this.#feeds);
      if (partition.errorCode === 0) changed = feed.accept(partition, feed.settledOn === node ? tick : null, this.#tick) || awaited || changed;
      else if (partition.errorCode === OFFSET_OUT_OF_RANGE) await this.#skipGap(cluster, feed);
      else failed = partitionError(partition);
    }
    // The feeds that come first in a request are served first: next time it is the others' turn.
    this.#feeds.push(...this.#feeds.splice(0, 1));
    if (changed) this.wake();
    if (failed !== null) throw failed;
  }

  async #skipGap(cluster: KafkaCluster, feed: KafkaFeed): Promise<void> {
    const [start] = await cluster.fetchTopicsOffset([{ topic: feed.topic, partitions: [{ partition: feed.partition }], fromBeginning: true }]);
    const to = Number(start?.partitions[0]?.offset ?? feed.fetchOffset);
    if (to === feed.fetchOffset) throw protocolError(OFFSET_OUT_OF_RANGE);
    this.#options.onGap?.(feed.topic, feed.partition, feed.fetchOffset, to);
    feed.fetchOffset = to;
  }
}

/**
 * The end of a partition whose leader does not know yet how far its predecessor had come is refused (KIP-207), where a fetch answers with
 * an earlier one. Not there yet: the records are read all the same, and the end is asked for again with the next fetch.
 */
async function settle(cluster: KafkaCluster, feed: KafkaFeed, node: number): Promise<void> {
  try {
    await cluster.addMultipleTargetTopics([feed.topic]);
    await findEnd(cluster, feed);
    feed.settledOn = node;
  } catch (error) {
    if (!UNPLACED.has((error as KafkaFailure).type ?? '')) throw error;
  }
}

function partitionError({ topic, partition, errorCode }: { topic: string; partition: number; errorCode: number }): Error {
  const error = protocolError(errorCode);
  error.message = `${topic}/${partition}: ${error.message}`;
  return error;
}

/** Whether another input of the same task cannot go on before this one has told its end anew. */
function isWaitedFor(feed: KafkaFeed, feeds: readonly KafkaFeed[]): boolean {
  if (feed.bytes > 0 || !feed.awaited) return false;
  return feeds.some((other) => other.partition === feed.partition && other.bytes > 0 && other.headTick >= feed.endTick);
}
