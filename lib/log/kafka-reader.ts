/**
 * Prefetching readers of single partitions on Kafka: one long poll per broker at a time, on a connection of its own, in
 * the background of the processing. No group is involved; who reads what is decided in kafka-group.ts.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { decodeBatches } from './kafka-batch.ts';
import { asLogError, protocolError, recoverCluster, type KafkaCluster } from './kafka-client.ts';
import { fetchRequest, type FetchedPartition, type FetchOptions } from './kafka-wire.ts';
import type { Feed, LogRecord, Position, Reader } from './log.ts';

export interface ReaderOptions {
  readonly clock: Clock;
  /** A feed is not fetched for while more than this waits in it. */
  readonly prefetchBytesMax: number;
  readonly partitionBytesMax: number;
  readonly fetchBytesMax: number;
  /** How long a broker may hold an answer back when there is nothing to read. */
  readonly pollMs: number;
  /** Records were deleted by retention before we read them: a loss to be reported aloud. */
  readonly onGap?: (topic: string, partition: number, from: number, to: number) => void;
}

const OFFSET_OUT_OF_RANGE = 1;
const RETRY_MS = 100;
const RETRY_MS_MAX = 2_000;
const REQUEST_TIMEOUT_MS = 30_000;
/** While a feed is full, the others are polled without patience, so that it is not starved when it has drained. */
const IMPATIENT_POLL_MS = 5;

class KafkaFeed implements Feed {
  readonly topic: string;
  readonly partition: number;
  records: LogRecord[] = [];
  head = 0;
  /** Bytes of the keys and values that wait. */
  bytes = 0;
  fetchOffset: number;
  endOffset: number | null = null;
  closed = false;
  /** The last fetch failed or left this feed out, as it was full: the end that was known is of before, more may have come. */
  unsure = false;
  #position: number;
  readonly #onDrained: () => void;

  constructor({ topic, partition, offset }: Position, onDrained: () => void) {
    this.topic = topic;
    this.partition = partition;
    this.fetchOffset = offset;
    this.#position = offset;
    this.#onDrained = onDrained;
  }

  headTimestamp(): number | undefined {
    return this.records[this.head]?.timestampMs;
  }

  shift(): LogRecord {
    const record = this.records[this.head++]!;
    this.#position = record.offset + 1;
    this.bytes -= (record.value?.length ?? 0) + (record.key?.length ?? 0);
    if (this.head === this.records.length) {
      this.records = [];
      this.head = 0;
      this.bytes = 0;
      this.#onDrained();
    }
    return record;
  }

  get position(): number {
    return this.records.length === 0 ? this.fetchOffset : this.#position;
  }

  get caughtUp(): boolean {
    return this.records.length === 0 && !this.unsure && this.endOffset !== null && this.fetchOffset >= this.endOffset;
  }

  get lag(): number {
    return Math.max(0, (this.endOffset ?? this.position) - this.position);
  }

  /** Takes an answer in; tells whether anything changed that a waiting task would want to know. */
  accept(answer: FetchedPartition): boolean {
    const before = this.caughtUp;
    const fetched: LogRecord[] = this.head === 0 ? this.records : this.records.slice(this.head);
    this.head = 0;
    const count = fetched.length;
    const where = { topic: this.topic, partition: this.partition, fromOffset: this.fetchOffset };
    this.fetchOffset = decodeBatches(answer.bytes, where, answer.aborted, fetched);
    this.records = fetched;
    for (let i = count; i < fetched.length; i++) this.bytes += (fetched[i]!.value?.length ?? 0) + (fetched[i]!.key?.length ?? 0);
    this.endOffset = answer.lastStableOffset;
    this.unsure = false;
    return fetched.length > count || this.caughtUp !== before;
  }

  close(): void {
    this.closed = true;
    this.#onDrained();
  }
}

export class KafkaReader implements Reader {
  readonly #cluster: KafkaCluster;
  readonly #options: ReaderOptions;
  #feeds: KafkaFeed[] = [];
  readonly #pumps = new Map<number, Promise<void>>();
  #waiters: (() => void)[] = [];
  #changed = Promise.withResolvers<void>();
  #closed = false;

  constructor(cluster: KafkaCluster, options: ReaderOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  open(position: Position): Feed {
    const feed = new KafkaFeed(position, () => this.#signal());
    this.#feeds.push(feed);
    void this.#placeFeeds();
    return feed;
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#closed || timeoutMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    const abort = new AbortController();
    await Promise.race([promise, this.#options.clock.sleep(timeoutMs, abort.signal)]);
    abort.abort();
    const at = this.#waiters.indexOf(resolve);
    if (at >= 0) this.#waiters.splice(at, 1);
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#signal();
    this.wake();
    await this.#cluster.disconnect();
    await Promise.all(this.#pumps.values());
  }

  #signal(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers<void>();
  }

  /** Starts a pump for every broker that leads a feed's partition; waits for the metadata where it is not known yet. */
  async #placeFeeds(): Promise<void> {
    for (let retryMs = RETRY_MS; !this.#closed; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
      try {
        await this.#cluster.addMultipleTargetTopics([...new Set(this.#feeds.map((feed) => feed.topic))]);
        const nodes = new Set(this.#feeds.filter((feed) => !feed.closed).map((feed) => this.#leaderOf(feed)));
        for (const node of nodes) if (node >= 0 && !this.#pumps.has(node)) this.#pumps.set(node, this.#pump(node));
        this.#signal();
        if (!nodes.has(-1)) return;
      } catch (error) {
        await recoverCluster(this.#cluster, error);
      }
      await this.#options.clock.sleep(retryMs);
    }
  }

  /** The broker that leads the feed's partition; −1 where none is known. */
  #leaderOf(feed: KafkaFeed): number {
    return this.#cluster.findTopicPartitionMetadata(feed.topic).find((p) => p.partitionId === feed.partition)?.leader ?? -1;
  }

  async #pump(node: number): Promise<void> {
    let retryMs = RETRY_MS;
    while (!this.#closed) {
      try {
        this.#feeds = this.#feeds.filter((feed) => !feed.closed);
        const mine = this.#feeds.filter((feed) => this.#leaderOf(feed) === node);
        const hungry = mine.filter((feed) => feed.bytes < this.#options.prefetchBytesMax);
        for (const feed of mine) feed.unsure ||= feed.bytes >= this.#options.prefetchBytesMax;
        if (hungry.length === 0) {
          await this.#changed.promise;
          continue;
        }
        await this.#fetch(node, hungry, hungry.length < mine.length ? IMPATIENT_POLL_MS : this.#options.pollMs);
        retryMs = RETRY_MS;
      } catch (error) {
        if (this.#closed) break;
        for (const feed of this.#feeds) if (this.#leaderOf(feed) === node) feed.unsure = true;
        await this.#options.clock.sleep(retryMs);
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX);
        await recoverCluster(this.#cluster, error);
        void this.#placeFeeds();
      }
    }
    this.#pumps.delete(node);
  }

  async #fetch(node: number, feeds: readonly KafkaFeed[], waitMsMax: number): Promise<void> {
    const { partitionBytesMax, fetchBytesMax: bytesMax } = this.#options;
    const options: FetchOptions = { waitMsMax, bytesMax, partitionBytesMax, requestTimeoutMs: waitMsMax + REQUEST_TIMEOUT_MS };
    const asked = feeds.map((feed) => ({ topic: feed.topic, partition: feed.partition, offset: feed.fetchOffset }));
    const broker = await this.#cluster.findBroker({ nodeId: node });
    const answer = await broker.connectionPool.send(fetchRequest(asked, options));
    if (answer.errorCode !== 0) throw protocolError(answer.errorCode);
    let changed = false;
    let failed: number | null = null;
    for (const partition of answer.partitions) {
      const feed = feeds.find((f) => f.topic === partition.topic && f.partition === partition.partition && !f.closed);
      if (feed === undefined) continue;
      if (partition.errorCode === 0) changed = feed.accept(partition) || changed;
      else if (partition.errorCode === OFFSET_OUT_OF_RANGE) await this.#skipGap(feed);
      else failed = partition.errorCode;
    }
    // The feeds that come first in a request are served first: next time it is the others' turn.
    this.#feeds.push(...this.#feeds.splice(0, 1));
    if (changed) this.wake();
    if (failed !== null) throw protocolError(failed);
  }

  async #skipGap(feed: KafkaFeed): Promise<void> {
    const [start] = await this.#cluster.fetchTopicsOffset([{ topic: feed.topic, partitions: [{ partition: feed.partition }], fromBeginning: true }]);
    const to = Number(start?.partitions[0]?.offset ?? feed.fetchOffset);
    if (to === feed.fetchOffset) throw protocolError(OFFSET_OUT_OF_RANGE);
    this.#options.onGap?.(feed.topic, feed.partition, feed.fetchOffset, to);
    feed.fetchOffset = to;
  }
}

/** Reads one partition from its first record to its committed end as of now; answers the offset after what it read. */
export async function readPartitionToEnd(
  cluster: KafkaCluster,
  topic: string,
  partition: number,
  options: ReaderOptions,
  take: (records: readonly LogRecord[]) => void,
): Promise<number> {
  try {
    await cluster.addMultipleTargetTopics([topic]);
    const [start] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: true }]);
    const [last] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: false }]);
    const end = Number(last!.partitions[0]!.offset);
    let offset = Number(start!.partitions[0]!.offset);
    const leader = cluster.findTopicPartitionMetadata(topic).find((p) => p.partitionId === partition)!.leader;
    const broker = await cluster.findBroker({ nodeId: leader });
    const { fetchBytesMax: bytesMax } = options;
    const fetchOptions = { waitMsMax: options.pollMs, bytesMax, partitionBytesMax: bytesMax, requestTimeoutMs: REQUEST_TIMEOUT_MS };
    while (offset < end) {
      const answer = await broker.connectionPool.send(fetchRequest([{ topic, partition, offset }], fetchOptions));
      const [fetched] = answer.partitions;
      if (fetched === undefined || fetched.errorCode !== 0) throw protocolError(fetched?.errorCode ?? answer.errorCode);
      const records: LogRecord[] = [];
      offset = decodeBatches(fetched.bytes, { topic, partition, fromOffset: offset }, fetched.aborted, records);
      if (records.length > 0) take(records);
    }
    return offset;
  } catch (error) {
    throw asLogError(error, `reading ${topic}/${partition} to its end`);
  }
}
