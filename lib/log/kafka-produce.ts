/** Batches on their way to the leaders of their partitions: who gets what, in requests of which size, and what was refused. */
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { Accumulator } from './kafka-accumulator.ts';
import type { BatchProducer, Compression } from './kafka-batch-builder.ts';
import { protocolError } from './kafka-client.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { produce, ready, type KafkaConnection, type ProducePartition } from './kafka-produce-request.ts';
import type { OutgoingRecord } from './log.ts';

const PRODUCE_TIMEOUT_MS = 10_000;
const RETRY_PLACE_MS = 50;

export interface Batch extends ProducePartition {
  readonly leader: number;
}

/** Leaders by partition, of topics that exist. */
async function findLeaders(cluster: KafkaCluster, topics: string[]): Promise<Map<string, number[]>> {
  await cluster.addMultipleTargetTopics(topics);
  const found = new Map<string, number[]>();
  for (const topic of topics) {
    const leaders: number[] = [];
    for (const { partitionId, leader } of cluster.findTopicPartitionMetadata(topic)) leaders[partitionId] = leader;
    if (leaders.length === 0) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${topic} does not exist`);
    found.set(topic, leaders);
  }
  return found;
}

/**
 * Batches by round: a request may hold one batch of a partition, and a batch has a limited size. The first round has one for every
 * partition.
 * @param producerOf of a batch, by its partition and the number of its records; asked in the order of each partition
 */
export async function batchRounds(
  cluster: KafkaCluster,
  accumulator: Accumulator,
  producerOf: (topic: string, partition: number, count: number) => BatchProducer,
  compression: Compression,
): Promise<Batch[][]> {
  const leaders = await findLeaders(cluster, accumulator.topics);
  accumulator.settle(new Map([...leaders].map(([topic, { length }]) => [topic, length])));
  const rounds: Batch[][] = [];
  for (const { topic, partition, of } of accumulator.batches()) {
    const leader = leaders.get(topic)![partition]!;
    of.forEach((builder, round) => {
      const batch = builder.finish(producerOf(topic, partition, builder.count), compression);
      (rounds[round] ??= []).push({ topic, partition, leader, batch });
    });
  }
  return rounds;
}

/**
 * Sends all rounds at once: each leader has its requests in order on one connection, and answers them in order. Waiting for each
 * before the next would cost a commit of many megabytes a turn of the event loop per half a megabyte. Resolves when all are
 * answered; throws where a leader refuses one, naming the first: those behind it are refused because of it.
 */
export async function produceRounds(cluster: KafkaCluster, rounds: readonly (readonly Batch[])[], transactionalId: string): Promise<void> {
  const leaders = await connectionsTo(cluster, rounds.flat());
  const answered = await Promise.allSettled(rounds.map((round) => sendBatches(leaders, round, transactionalId)));
  for (const answer of answered) {
    if (answer.status === 'rejected') throw answer.reason;
    const [refused] = answer.value;
    if (refused !== undefined) throw refusal(refused);
  }
}

interface Refused {
  readonly batch: Batch;
  readonly errorCode: number;
}

type Leaders = ReadonlyMap<number, KafkaConnection>;

async function connectionsTo(cluster: KafkaCluster, batches: readonly Batch[]): Promise<Leaders> {
  const nodeIds = new Set(batches.map(({ leader }) => leader));
  const connect = async (nodeId: number) => {
    const { connectionPool } = await cluster.findBroker({ nodeId });
    return [nodeId, await ready(await connectionPool.getConnection())] as const;
  };
  return new Map(await Promise.all([...nodeIds].map(connect)));
}

/** One request to each leader, sent before this returns; answers the batches that a leader refused. */
async function sendBatches(leaders: Leaders, batches: readonly Batch[], transactionalId: string | null): Promise<Refused[]> {
  const byLeader = Map.groupBy(batches, (batch) => batch.leader);
  const requests = [...byLeader].map(async ([nodeId, of]) => {
    const partitions = await produce(leaders.get(nodeId)!, of, { transactionalId, timeoutMs: PRODUCE_TIMEOUT_MS });
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
  const nobody = { id: -1n, epoch: -1, firstSequence: -1, transactional: false };
  const accumulator = new Accumulator();
  accumulator.add(records, undefined);
  const rounds = await batchRounds(cluster, accumulator, () => nobody, compression);
  for (const round of rounds) await appendRound(cluster, round, clock);
}

async function appendRound(cluster: KafkaCluster, round: readonly Batch[], clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + PRODUCE_TIMEOUT_MS;
  for (let batches = round; batches.length > 0; ) {
    const refused = await sendBatches(await connectionsTo(cluster, batches), batches, null);
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
