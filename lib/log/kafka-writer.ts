/**
 * The writing end of one task on Kafka: one transactional id, one transaction at a time, on protocol requests of
 * kafkajs. Its own producer is not used: after a failure its sequence numbers roll back and later "committed" records
 * are lost, and a failed commit leaves it stuck. Here any failure ends the writer, and the next one of the same
 * transactional id begins with InitProducerId, which aborts or completes what was open.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import { encodeBatch, sizeBound, type Compression } from './kafka-batch.ts';
import { asLogError, protocolError } from './kafka-client.ts';
import { closeCluster, within, type KafkaCluster } from './kafka-cluster.ts';
import { Coordinator } from './kafka-coordinator.ts';
import { produceRequest, type ProducePartition } from './kafka-wire.ts';
import type { Commit, OutgoingRecord, TaskWriter } from './log.ts';
import { partitionOf } from './partitioner.ts';

export interface WriterOptions {
  readonly clock: Clock;
  readonly compression: Compression;
  /** The broker aborts a transaction that is open longer; read_committed readers wait for it, so ≤ 15 s. */
  readonly transactionTimeoutMs: number;
  /** How long opening may wait for a coordinator or for the transaction of an earlier writer to end. */
  readonly openTimeoutMs: number;
}

/** Uncompressed bytes of one batch; brokers refuse more than 1 MiB by default. */
const BATCH_BYTES_MAX = 512 * 1024;
const PRODUCE_TIMEOUT_MS = 10_000;
const RETRY_PLACE_MS = 50;
const SEQUENCE_LIMIT = 2 ** 31;
interface Batch extends ProducePartition {
  readonly leader: number;
}

export class KafkaTaskWriter implements TaskWriter {
  readonly #cluster: KafkaCluster;
  readonly #options: WriterOptions;
  readonly #transaction: { transactionalId: string; producerId: string; producerEpoch: number };
  readonly #sequences = new Map<string, number>();
  readonly #groups = new Map<string, Coordinator>();
  readonly #coordinator: Coordinator;
  #ended = false;

  private constructor(cluster: KafkaCluster, options: WriterOptions, coordinator: Coordinator, transaction: { transactionalId: string; producerId: string; producerEpoch: number }) {
    this.#cluster = cluster;
    this.#options = options;
    this.#coordinator = coordinator;
    this.#transaction = transaction;
  }

  get fence(): TaskWriter['fence'] {
    return { producer: this.#transaction.producerId, epoch: this.#transaction.producerEpoch };
  }

  /** InitProducerId at once: it fences every earlier writer and waits until its transaction has ended. */
  static async open(cluster: KafkaCluster, transactionalId: string, options: WriterOptions): Promise<KafkaTaskWriter> {
    const { clock } = options;
    try {
      const deadline = clock.monotonicMs() + options.openTimeoutMs;
      const coordinator = Coordinator.ofTransactions(cluster, clock, transactionalId);
      const opening = coordinator.ask(deadline, (broker) => broker.initProducerId({ transactionalId, transactionTimeout: options.transactionTimeoutMs }));
      const init = await within(clock, options.openTimeoutMs, `the writer ${transactionalId}`, opening);
      return new KafkaTaskWriter(cluster, options, coordinator, { transactionalId, producerId: String(init.producerId), producerEpoch: init.producerEpoch });
    } catch (error) {
      throw asLogError(error, `cannot open the writer ${transactionalId}`);
    }
  }

  async commit(commit: Commit): Promise<void> {
    assert(!this.#ended, 'a writer that failed is not used again');
    try {
      await within(this.#options.clock, this.#options.transactionTimeoutMs, 'the transaction', this.#commit(commit));
    } catch (error) {
      this.#ended = true;
      throw asLogError(error, `commit of ${this.#transaction.transactionalId}`);
    }
  }

  async #commit({ records, group, positions, originAt }: Commit): Promise<void> {
    const rounds = await this.#encode(records, originAt);
    const deadline = this.#options.clock.monotonicMs() + this.#options.transactionTimeoutMs;
    const topics = new Map<string, number[]>();
    for (const { topic, partition } of rounds[0] ?? []) topics.set(topic, [...(topics.get(topic) ?? []), partition]);
    if (topics.size > 0) {
      const added = [...topics].map(([topic, partitions]) => ({ topic, partitions }));
      await this.#coordinator.ask(deadline, (broker) => broker.addPartitionsToTxn({ ...this.#transaction, topics: added }));
    }
    const produced = (async () => {
      for (const round of rounds) await this.#produce(round);
    })();
    const positioned = positions.length === 0 ? null : this.#position(group, positions, deadline);
    // Both are waited for before anything else happens: no request of this transaction is left on its way.
    const [first, second] = await Promise.allSettled([produced, positioned]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    if (topics.size === 0 && positions.length === 0) return;
    await this.#coordinator.ask(deadline, (broker) => broker.endTxn({ ...this.#transaction, transactionResult: true }));
  }

  async #position(group: string, positions: Commit['positions'], deadline: number): Promise<void> {
    await this.#coordinator.ask(deadline, (broker) => broker.addOffsetsToTxn({ ...this.#transaction, groupId: group }));
    const topics = positions.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset), metadata: null }] }));
    await this.#groupCoordinator(group).ask(deadline, (broker) => broker.txnOffsetCommit({ ...this.#transaction, groupId: group, topics }));
  }

  #groupCoordinator(group: string): Coordinator {
    let coordinator = this.#groups.get(group);
    if (coordinator === undefined) this.#groups.set(group, (coordinator = Coordinator.ofGroup(this.#cluster, this.#options.clock, group)));
    return coordinator;
  }

  /** Batches by round: a request may hold one batch of a partition, and a batch has a limited size. */
  async #encode(records: readonly OutgoingRecord[], originAt: number | undefined): Promise<Batch[][]> {
    const parts = await partitionRecords(this.#cluster, records);
    const { producerId, producerEpoch } = this.#transaction;
    const rounds: Batch[][] = [];
    for (const part of parts.values()) {
      const name = `${part.topic}/${part.partition}`;
      splitBySize(part.records).forEach((slice, round) => {
        const firstSequence = this.#sequences.get(name) ?? 0;
        this.#sequences.set(name, (firstSequence + slice.length) % SEQUENCE_LIMIT);
        const producer = { id: BigInt(producerId), epoch: producerEpoch, firstSequence, transactional: true };
        (rounds[round] ??= []).push({ ...part, batch: encodeBatch(slice, producer, this.#options.compression, originAt) });
      });
    }
    return rounds;
  }

  async #produce(batches: readonly Batch[]): Promise<void> {
    const [refused] = await sendBatches(this.#cluster, batches, this.#transaction.transactionalId);
    if (refused !== undefined) throw refusal(refused);
  }

  close(): Promise<void> {
    this.#ended = true;
    closeCluster(this.#cluster);
    return Promise.resolve();
  }
}

interface Part {
  readonly topic: string;
  readonly partition: number;
  readonly leader: number;
  readonly records: OutgoingRecord[];
}

async function partitionRecords(cluster: KafkaCluster, records: readonly OutgoingRecord[]): Promise<Map<string, Part>> {
  await cluster.addMultipleTargetTopics([...new Set(records.map((r) => r.topic))]);
  const metadata = new Map<string, { parts: (Part | undefined)[]; leaders: number[] }>();
  const parts = new Map<string, Part>();
  for (const record of records) {
    let topic = metadata.get(record.topic);
    if (topic === undefined) {
      const leaders: number[] = [];
      for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(record.topic)) leaders[partitionId] = leader;
      if (leaders.length === 0) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${record.topic} does not exist`);
      metadata.set(record.topic, (topic = { parts: [], leaders }));
    }
    const partition = record.partition ?? partitionOf(record.key, topic.leaders.length);
    let part = topic.parts[partition];
    if (part === undefined) {
      part = topic.parts[partition] = { topic: record.topic, partition, leader: topic.leaders[partition]!, records: [] };
      parts.set(`${record.topic}/${partition}`, part);
    }
    part.records.push(record);
  }
  return parts;
}

function splitBySize(records: readonly OutgoingRecord[]): OutgoingRecord[][] {
  const slices: OutgoingRecord[][] = [];
  let bytes = Infinity;
  for (const record of records) {
    const size = sizeBound(record);
    if (bytes + size > BATCH_BYTES_MAX) {
      slices.push([]);
      bytes = 0;
    }
    slices.at(-1)!.push(record);
    bytes += size;
  }
  return slices;
}

interface Refused {
  readonly batch: Batch;
  readonly errorCode: number;
}

/** One request to each leader; answers the batches that a leader refused. */
async function sendBatches(cluster: KafkaCluster, batches: readonly Batch[], transactionalId: string | null): Promise<Refused[]> {
  const byLeader = Map.groupBy(batches, (batch) => batch.leader);
  const requests = [...byLeader].map(async ([nodeId, of]) => {
    const broker = await cluster.findBroker({ nodeId });
    const { partitions } = await broker.connectionPool.send(produceRequest(of, transactionalId, PRODUCE_TIMEOUT_MS));
    return partitions.flatMap(({ topic, partition, errorCode }) => {
      if (errorCode === 0) return [];
      return [{ errorCode, batch: of.find((batch) => batch.topic === topic && batch.partition === partition)! }];
    });
  });
  const refused: Refused[] = [];
  for (const result of await Promise.allSettled(requests)) {
    if (result.status === 'rejected') throw result.reason;
    refused.push(...result.value);
  }
  return refused;
}

function refusal({ batch, errorCode }: Refused): Error {
  const error = protocolError(errorCode);
  error.message = `${batch.topic}/${batch.partition}: ${error.message}`;
  return error;
}

/** UNKNOWN_TOPIC_OR_PARTITION, LEADER_NOT_AVAILABLE, NOT_LEADER: the broker has written nothing. */
const NOT_THERE = new Set([3, 5, 6]);

/** Appends outside of any transaction; a failure says nothing about what was written. A leader that moves is followed. */
export async function appendRecords(cluster: KafkaCluster, records: readonly OutgoingRecord[], compression: Compression, clock: Clock): Promise<void> {
  const producer = { id: -1n, epoch: -1, firstSequence: -1, transactional: false };
  const parts = await partitionRecords(cluster, records);
  const rounds: Batch[][] = [];
  for (const part of parts.values()) {
    splitBySize(part.records).forEach((slice, round) => {
      (rounds[round] ??= []).push({ ...part, batch: encodeBatch(slice, producer, compression) });
    });
  }
  for (const round of rounds) await appendRound(cluster, round, clock);
}

async function appendRound(cluster: KafkaCluster, round: readonly Batch[], clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + PRODUCE_TIMEOUT_MS;
  for (let batches = round; batches.length > 0; ) {
    const refused = await sendBatches(cluster, batches, null);
    const lasting = refused.find(({ errorCode }) => !NOT_THERE.has(errorCode) || clock.monotonicMs() > deadline);
    if (lasting !== undefined) throw refusal(lasting);
    if (refused.length === 0) return;
    await clock.sleep(RETRY_PLACE_MS);
    await cluster.refreshMetadata();
    batches = refused.map(({ batch }) => {
      const found = cluster.findTopicPartitionMetadata(batch.topic).find((p) => p.partitionId === batch.partition);
      return { ...batch, leader: found?.leader ?? batch.leader };
    });
  }
}
