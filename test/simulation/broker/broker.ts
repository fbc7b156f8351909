/**
 * A simulated broker cluster as far as exactly-once can tell: partitions with offsets that transactions' markers use up
 * too, a last stable offset, producer epochs, pending offset commits, and transactions that time out. Every method is
 * one request as the broker executes it: at once and whole. Delays and losses are the network's (network.ts).
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { LogRecord, OutgoingRecord, Position, TopicSpec } from '#lib/log/log.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import { Partition, type Read, type Transaction } from './partition.ts';

/** What the checkers read: decisions in the order in which the coordinator took them. */
export type AuditEvent =
  | { readonly kind: 'init'; readonly id: string; readonly epoch: number }
  | { readonly kind: 'commit' | 'abort'; readonly id: string; readonly epoch: number; readonly transaction: Transaction };

interface Producer {
  epoch: number;
  transaction: Transaction | null;
}

const positionKey = (group: string, topic: string, partition: number): string => `${group}\0${topic}\0${partition}`;

/** An error that a client of Kafka tries again by itself: the markers of the last transaction are not written yet. */
export class ConcurrentTransactions extends Error {}

export class Broker {
  readonly clock: Clock;
  readonly audit: AuditEvent[] = [];
  readonly #transactionTimeoutMs: number;
  readonly #topics = new Map<string, { readonly spec: TopicSpec; readonly partitions: Partition[] }>();
  readonly #producers = new Map<string, Producer>();
  readonly #positions = new Map<string, number>();
  /** Pending commits of positions per partition are nobody's business until they are decided. */
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock, transactionTimeoutMs: number) {
    this.clock = clock;
    this.#transactionTimeoutMs = transactionTimeoutMs;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  create(topics: readonly TopicSpec[]): void {
    for (const spec of topics) {
      if (this.#topics.has(spec.name)) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${spec.name} exists`);
      const partitions = Array.from({ length: spec.partitions }, (_, number) => new Partition(spec.name, number));
      this.#topics.set(spec.name, { spec, partitions });
    }
  }

  describe(name: string): TopicSpec | null {
    return this.#topics.get(name)?.spec ?? null;
  }

  get topicNames(): string[] {
    return [...this.#topics.keys()];
  }

  partitions(name: string): readonly Partition[] {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${name} does not exist`);
    return topic.partitions;
  }

  partition(name: string, number: number): Partition {
    const partition = this.partitions(name)[number];
    if (partition === undefined) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `${name} has no partition ${number}`);
    return partition;
  }

  /** Without a transaction. `arrivals` replaces the broker's time where a history says when its records arrived. */
  append(records: readonly OutgoingRecord[], arrivals?: readonly number[]): void {
    for (const record of records) this.partitions(record.topic);
    records.forEach((record, i) => this.#write(record, null, arrivals?.[i] ?? this.clock.nowMs()));
    this.#changed();
  }

  #write(record: OutgoingRecord, transaction: Transaction | null, nowMs: number): void {
    const { topic: name, key, value, timestampMs } = record;
    const { spec, partitions } = this.#topics.get(name)!;
    const partition = this.partition(name, record.partition ?? partitionOf(key, partitions.length));
    const arrivedAt = spec.settings['message.timestamp.type'] === 'LogAppendTime' ? nowMs : null;
    const entry: LogRecord = { topic: name, partition: partition.number, offset: partition.end, arrivedAt, key, value, timestampMs: arrivedAt ?? timestampMs };
    partition.append(entry, transaction);
  }

  /** Fences every earlier producer of the id and ends its transaction: aborts what is open, completes what is decided. */
  initProducer(id: string): number {
    const producer = this.#producers.get(id) ?? { epoch: -1, transaction: null };
    this.#producers.set(id, producer);
    if (producer.transaction !== null) this.#end(producer, producer.transaction.state === 'committing');
    producer.epoch++;
    this.audit.push({ kind: 'init', id, epoch: producer.epoch });
    return producer.epoch;
  }

  /** A coordinator that gave the producer up: what it holds now is fenced although nobody else has come. */
  fence(id: string): boolean {
    const producer = this.#producers.get(id);
    if (producer === undefined) return false;
    this.initProducer(id);
    return true;
  }

  #producer(id: string, epoch: number): Producer {
    const producer = this.#producers.get(id);
    if (producer === undefined || producer.epoch !== epoch) throw new FarhandError('FARHAND_FENCED', `${id}: epoch ${epoch} is not the newest`);
    return producer;
  }

  begin(id: string, epoch: number): void {
    const producer = this.#producer(id, epoch);
    if (producer.transaction?.state === 'committing') throw new ConcurrentTransactions(id);
    producer.transaction ??= { id, epoch, state: 'open', startedAtMs: this.clock.monotonicMs(), partitions: new Set(), positions: [] };
  }

  #open(id: string, epoch: number): Transaction {
    const { transaction } = this.#producer(id, epoch);
    if (transaction?.state !== 'open') throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `INVALID_TXN_STATE of ${id}`);
    return transaction;
  }

  produce(id: string, epoch: number, records: readonly OutgoingRecord[]): void {
    const transaction = this.#open(id, epoch);
    for (const record of records) this.partitions(record.topic);
    for (const record of records) this.#write(record, transaction, this.clock.nowMs());
  }

  addPositions(id: string, epoch: number, group: string, positions: readonly Position[]): void {
    this.#open(id, epoch).positions.push(...positions.map((position) => ({ ...position, group })));
  }

  /** The decision; markers follow by `complete`, or with the next producer of the id. */
  prepareCommit(id: string, epoch: number): void {
    const transaction = this.#open(id, epoch);
    transaction.state = 'committing';
    this.audit.push({ kind: 'commit', id, epoch, transaction });
  }

  complete(id: string, epoch: number): void {
    const producer = this.#producers.get(id);
    if (producer?.transaction?.epoch === epoch && producer.transaction.state === 'committing') this.#end(producer, true);
  }

  #end(producer: Producer, committed: boolean): void {
    const transaction = producer.transaction!;
    producer.transaction = null;
    if (!committed) this.audit.push({ kind: 'abort', id: transaction.id, epoch: transaction.epoch, transaction });
    transaction.state = committed ? 'committed' : 'aborted';
    for (const partition of transaction.partitions) partition.close(transaction);
    if (committed) {
      for (const { group, topic, partition, offset } of transaction.positions) this.#positions.set(positionKey(group, topic, partition), offset);
    }
    this.#changed();
  }

  /** Aborts transactions that have been open too long, and fences their producers. */
  expire(): void {
    for (const [id, producer] of this.#producers) {
      const open = producer.transaction;
      if (open?.state === 'open' && this.clock.monotonicMs() - open.startedAtMs > this.#transactionTimeoutMs) this.fence(id);
    }
  }

  get openTransactions(): number {
    return [...this.#producers.values()].filter((producer) => producer.transaction !== null).length;
  }

  position(group: string, topic: string, partition: number): number {
    return this.#positions.get(positionKey(group, topic, partition)) ?? 0;
  }

  read(topic: string, partition: number, offset: number, max: number, committedOnly = true): Read {
    return this.partition(topic, partition).read(offset, max, committedOnly);
  }

  /** Everything that a read_committed reader sees of a topic, by partition. */
  committed(topic: string): LogRecord[][] {
    return this.partitions(topic).map((partition) => partition.read(0, Infinity, true).records);
  }
}
