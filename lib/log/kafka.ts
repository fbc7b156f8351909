/** The log port on Apache Kafka. Open it with `openKafkaLog`; the parts are in the files kafka-*.ts beside this one. */
import type { Kafka } from 'kafkajs';
import { FarhandError } from '#lib/kernel/errors.ts';
import { KafkaAdmin } from './kafka-admin.ts';
import type { Compression } from './kafka-batch-builder.ts';
import { asLogError, createKafka, retrySoon, UNPLACED, type KafkaLogOptions } from './kafka-client.ts';
import { closeCluster, openCluster, SharedCluster } from './kafka-cluster.ts';
import { KafkaMembership } from './kafka-group.ts';
import type { GroupOptions } from './kafka-member.ts';
import { committedOffsets } from './kafka-positions.ts';
import { findEnds, hasMore, readPartitionToEnd } from './kafka-partition.ts';
import { KafkaReader, type ReaderOptions } from './kafka-reader.ts';
import { appendRecords } from './kafka-produce.ts';
import { KafkaTaskWriter } from './kafka-writer.ts';
import type { GroupMember, JoinOptions, Log, LogRecord, LogTimes, Membership, OutgoingRecord, Position, Reader, TaskWriter } from './log.ts';

export interface OpenKafkaOptions extends KafkaLogOptions {
  readonly compression: Compression;
  readonly transactionTimeoutMs: number;
  readonly group: GroupOptions;
  readonly reader: Omit<ReaderOptions, 'clock'>;
}

/** Defaults that the configuration may override; see the kafka section of its reference. */
export const KAFKA_DEFAULTS = {
  compression: 'zstd',
  transactionTimeoutMs: 15_000,
  group: { sessionTimeoutMs: 10_000, heartbeatMs: 1_000, rebalanceTimeoutMs: 30_000 },
  reader: { prefetchBytesMax: 4 * 1024 * 1024, partitionBytesMax: 1024 * 1024, fetchBytesMax: 16 * 1024 * 1024, pollMs: 100 },
} as const;

/** How long a new writer may wait for the end of its predecessor's transaction. */
const WRITER_OPEN_TIMEOUT_MS = 30_000;
/**
 * Records of one request get one LogAppendTime, and readers merge topics by it: what is further apart than this goes in
 * a request of its own, so that a history that is sent fast keeps its order between topics.
 */
const APPEND_SPAN_MS = 5_000;
/** How long a group's coordinator may load before that is an error. */
const COORDINATOR_TIMEOUT_MS = 15_000;
const REQUEST_MS_MAX = 30_000;
const UNPLACED_MS_MAX = 5_000;
const CONNECT_MS_MAX = 15_000;

export class KafkaLog implements Log, LogTimes {
  readonly admin: KafkaAdmin;
  readonly #kafka: Kafka;
  readonly #options: OpenKafkaOptions;
  readonly #control: SharedCluster;
  readonly #open = new Set<{ close(): Promise<void> }>();

  constructor(kafka: Kafka, options: OpenKafkaOptions) {
    this.#kafka = kafka;
    this.#options = options;
    this.#control = new SharedCluster(kafka, options.clock);
    this.admin = new KafkaAdmin(kafka, options.clock);
  }

  async connect(): Promise<void> {
    await this.#control.use('connecting', CONNECT_MS_MAX, () => Promise.resolve());
  }

  async join(options: JoinOptions, member: GroupMember): Promise<Membership> {
    const membership = new KafkaMembership(this.#kafka, options, this.#options.group, member, this.#options.clock);
    await membership.start();
    return membership;
  }

  openReader(): Promise<Reader> {
    const reader = new KafkaReader(new SharedCluster(this.#kafka, this.#options.clock), this.#readerOptions);
    this.#open.add(reader);
    return Promise.resolve(reader);
  }

  async openWriter(transactionalId: string): Promise<TaskWriter> {
    const { clock, compression, transactionTimeoutMs } = this.#options;
    const cluster = await openCluster(this.#kafka, clock);
    const writerOptions = { clock, compression, transactionTimeoutMs, openTimeoutMs: WRITER_OPEN_TIMEOUT_MS };
    try {
      return await KafkaTaskWriter.open(cluster, transactionalId, writerOptions);
    } catch (error) {
      closeCluster(cluster);
      throw error;
    }
  }

  get #readerOptions(): ReaderOptions {
    return { clock: this.#options.clock, ...this.#options.reader };
  }

  committedPositions(group: string, topics: readonly string[], partition: number): Promise<Position[]> {
    return this.#control.use(`committed positions of ${group}`, REQUEST_MS_MAX, async (cluster) => {
      await this.#placed(() => cluster.addMultipleTargetTopics([...topics]));
      const { clock } = this.#options;
      const committed = await committedOffsets(cluster, clock, group, topics, partition, clock.monotonicMs() + COORDINATOR_TIMEOUT_MS);
      const missing = topics.filter((topic) => !committed.has(topic));
      if (missing.length > 0) {
        const starts = await this.#placed(async () => {
          await cluster.refreshMetadata();
          return cluster.fetchTopicsOffset(missing.map((topic) => ({ topic, partitions: [{ partition }], fromBeginning: true })));
        });
        for (const { topic, partitions } of starts) committed.set(topic, Number(partitions[0]!.offset));
      }
      return topics.map((topic) => ({ topic, partition, offset: committed.get(topic)! }));
    });
  }

  /** See LogTimes. */
  offsetAt(topic: string, partition: number, timestampMs: number | null): Promise<number> {
    return this.#control.use(`offsets of ${topic}`, REQUEST_MS_MAX, async (cluster) => {
      await this.#placed(() => cluster.addMultipleTargetTopics([topic]));
      const ask = async (since: { fromTimestamp: number } | { fromBeginning: boolean }): Promise<number> => {
        const [answer] = await this.#placed(() => cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], ...since } as never]));
        return Number(answer?.partitions[0]?.offset ?? -1);
      };
      const found = timestampMs === null ? -1 : await ask({ fromTimestamp: timestampMs });
      return found >= 0 ? found : ask({ fromBeginning: false });
    });
  }

  #placed<T>(request: () => Promise<T>): Promise<T> {
    const { clock } = this.#options;
    return retrySoon(clock, clock.monotonicMs() + UNPLACED_MS_MAX, request, UNPLACED);
  }

  offsetsOf(topic: string, partition: number): Promise<{ start: number; end: number }> {
    return this.#control.use(`offsets of ${topic}/${partition}`, REQUEST_MS_MAX, async (cluster) => {
      const { start, end } = await this.#placed(() => findEnds(cluster, topic, partition));
      return { start, end };
    });
  }

  async readToEnd(topic: string, partition: number, take: (records: readonly LogRecord[], end?: number) => void, from?: number): Promise<number> {
    const cluster = await openCluster(this.#kafka, this.#options.clock);
    try {
      return await readPartitionToEnd(cluster, { topic, partition, ...(from === undefined ? {} : { from }) }, this.#readerOptions, take);
    } finally {
      closeCluster(cluster);
    }
  }

  hasMore(position: Position): Promise<boolean> {
    return this.#control.use(`what follows in ${position.topic}/${position.partition}`, REQUEST_MS_MAX, (cluster) => hasMore(cluster, position));
  }

  partitionsOf(topics: readonly string[]): Promise<Map<string, number>> {
    return this.admin.partitionsOf(topics);
  }

  async append(records: readonly OutgoingRecord[]): Promise<void> {
    for (const slice of splitByTime(records)) {
      await this.#control.use('appending', REQUEST_MS_MAX, (cluster) => appendRecords(cluster, slice, this.#options.compression, this.#options.clock));
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open].map((part) => part.close()));
    await this.#control.close();
  }
}

function splitByTime(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const slices: OutgoingRecord[][] = [];
  let from = NaN;
  for (const record of records) {
    if (!(Math.abs(record.timestampMs - from) <= APPEND_SPAN_MS)) {
      slices.push([]);
      from = record.timestampMs;
    }
    slices.at(-1)!.push(record);
  }
  return slices;
}

/** Connects; FARHAND_LOG_UNAVAILABLE where no broker answers. */
export async function openKafkaLog(options: OpenKafkaOptions): Promise<Log & LogTimes> {
  const log = new KafkaLog(createKafka(options), options);
  try {
    await log.connect();
    return log;
  } catch (error) {
    await log.close();
    const { message } = asLogError(error, `no broker of ${options.brokers.join(', ')} answers`);
    throw new FarhandError('FARHAND_LOG_UNAVAILABLE', message, { cause: error });
  }
}
