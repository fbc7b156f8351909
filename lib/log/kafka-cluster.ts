/**
 * kafkajs's clusters (metadata, connections, coordinators), each with a deadline on everything that is asked of it: a
 * request that hangs in kafkajs must hold up one caller for a bounded time, and nobody after it.
 */
import type { Kafka, PartitionAssigner } from 'kafkajs';
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { asLogError, RETRY } from './kafka-client.ts';
import type { KafkaConnection } from './kafka-produce-request.ts';
import type { WireRequest } from './kafka-wire.ts';

export interface KafkaBroker {
  readonly nodeId: number | string;
  readonly connectionPool: { readonly host: string; readonly port: number; send<T>(request: WireRequest<T>): Promise<T>; getConnection(): Promise<KafkaConnection> };
  initProducerId(of: { transactionalId: string; transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>;
  addPartitionsToTxn(of: Transaction & { topics: { topic: string; partitions: number[] }[] }): Promise<unknown>;
  addOffsetsToTxn(of: Transaction & { groupId: string }): Promise<unknown>;
  txnOffsetCommit(of: Transaction & { groupId: string; topics: { topic: string; partitions: { partition: number; offset: string; metadata: string | null }[] }[] }): Promise<unknown>;
  endTxn(of: Transaction & { transactionResult: boolean }): Promise<unknown>;
  disconnect(): Promise<void>;
}

interface Transaction {
  transactionalId: string;
  producerId: string;
  producerEpoch: number;
}

export interface KafkaCluster {
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  refreshMetadata(): Promise<void>;
  addMultipleTargetTopics(topics: string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number; leader: number }[];
  findControllerBroker(): Promise<KafkaBroker>;
  findBroker(of: { nodeId: number | string }): Promise<KafkaBroker>;
  findGroupCoordinator(of: { groupId: string; coordinatorType?: number }): Promise<KafkaBroker>;
  fetchTopicsOffset(topics: { topic: string; partitions: { partition: number }[]; fromBeginning: boolean }[]): Promise<
    { topic: string; partitions: { partition: number; offset: string }[] }[]
  >;
  removeBroker(of: { host: string; port: number }): void;
}

/** Longest time to find and connect the brokers. */
const CONNECT_MS_MAX = 6_000;

/** The work, or FARHAND_LOG_UNAVAILABLE after `ms`; the work itself goes on where nobody sees it. */
export async function within<T>(clock: Clock, ms: number, what: string, work: Promise<T>): Promise<T> {
  const abort = new AbortController();
  const expired = clock.sleep(ms, abort.signal).then(() => {
    if (!abort.signal.aborted) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `${what}: no answer within ${ms} ms`);
    return undefined as never;
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    abort.abort(null); // without a reason, an error would be made for each request
    work.catch(() => undefined);
  }
}

/** A cluster of its own: its own connections, so that a long poll of one user never delays another. */
export async function openCluster(kafka: Kafka, clock: Clock): Promise<KafkaCluster> {
  let cluster: KafkaCluster | undefined;
  const capture: PartitionAssigner = (config) => {
    cluster = (config as unknown as { cluster: KafkaCluster }).cluster;
    return { name: 'farhand', version: 0, assign: () => Promise.resolve([]), protocol: () => ({ name: 'farhand', metadata: Buffer.alloc(0) }) };
  };
  kafka.consumer({ groupId: 'farhand', partitionAssigners: [capture], allowAutoTopicCreation: false, retry: RETRY });
  if (cluster === undefined) throw new FarhandError('FARHAND_INVARIANT', 'kafkajs did not hand out its cluster');
  try {
    await within(clock, CONNECT_MS_MAX, 'connecting to the brokers', cluster.connect());
    return cluster;
  } catch (error) {
    closeCluster(cluster);
    throw asLogError(error, 'connecting to the brokers');
  }
}

/** Lets go of the connections; nobody waits for that. */
export function closeCluster(cluster: KafkaCluster): void {
  cluster.disconnect().catch(() => undefined);
}

/**
 * A cluster that is shared by several callers. After any failure it is thrown away and the next caller gets another,
 * with fresh metadata: what state the failed one is in is not worth knowing.
 */
export class SharedCluster {
  readonly #kafka: Kafka;
  readonly #clock: Clock;
  #opening: Promise<KafkaCluster> | null = null;
  #closed = false;

  constructor(kafka: Kafka, clock: Clock) {
    this.#kafka = kafka;
    this.#clock = clock;
  }

  async use<T>(what: string, msMax: number, request: (cluster: KafkaCluster) => Promise<T>): Promise<T> {
    if (this.#closed) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `${what}: the log is closed`);
    const opening = (this.#opening ??= openCluster(this.#kafka, this.#clock));
    try {
      const cluster = await opening;
      return await within(this.#clock, msMax, what, request(cluster));
    } catch (error) {
      if (this.#opening === opening) this.#opening = null;
      opening.then(closeCluster, () => undefined);
      throw asLogError(error, what);
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    const opening = this.#opening;
    this.#opening = null;
    if (opening !== null) await opening.then((cluster) => cluster.disconnect()).catch(() => undefined);
  }
}
