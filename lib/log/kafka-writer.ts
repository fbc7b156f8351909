/**
 * The writing end of one task on Kafka: one transactional id, one transaction at a time, on protocol requests of
 * kafkajs. Its own producer is not used: after a failure its sequence numbers roll back and later "committed" records
 * are lost, and a failed commit leaves it stuck. Here any failure ends the writer, and the next one of the same
 * transactional id begins with InitProducerId, which aborts or completes what was open.
 *
 * A transaction is four answers away from its end: partitions added, the group added, records and positions written, committed.
 * The first two ask for nothing but names, so they are got ahead of the commit, while the task still works on what it will hold.
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { assert } from '#lib/kernel/errors.ts';
import { Accumulator } from './kafka-accumulator.ts';
import type { BatchProducer, Compression } from './kafka-batch-builder.ts';
import { asLogError } from './kafka-client.ts';
import { closeCluster, within, type KafkaCluster } from './kafka-cluster.ts';
import { Coordinator } from './kafka-coordinator.ts';
import { batchRounds, produceRounds, type Batch } from './kafka-produce.ts';
import type { Commit, OutgoingRecord, TaskWriter } from './log.ts';

export interface WriterOptions {
  readonly clock: Clock;
  readonly compression: Compression;
  /** The broker aborts a transaction that is open longer; read_committed readers wait for it, so ≤ 15 s. */
  readonly transactionTimeoutMs: number;
  /** How long opening may wait for a coordinator or for the transaction of an earlier writer to end. */
  readonly openTimeoutMs: number;
}

const SEQUENCE_LIMIT = 2 ** 31;
/** Part of the transaction timeout after which one that was begun ahead and holds nothing is aborted: the broker would fence the writer for it. */
const AHEAD_PART = 1 / 3;

/** Partitions by topic. */
type Places = ReadonlyMap<string, ReadonlySet<number>>;

/** A transaction that was begun ahead of its commit. */
interface Ahead {
  readonly group: string;
  readonly places: Places;
  readonly begun: Promise<void>;
  /** Ends the wait for its being given up. */
  readonly taken: AbortController;
}

export class KafkaTaskWriter implements TaskWriter {
  readonly #cluster: KafkaCluster;
  readonly #options: WriterOptions;
  readonly #transaction: { transactionalId: string; producerId: string; producerEpoch: number };
  readonly #sequences = new Map<string, number>();
  /** By topic, as of the last commit that wrote to it. */
  readonly #partitions = new Map<string, number>();
  /** For the next commit. */
  #added: Accumulator;
  readonly #spare: Buffer[] = [];
  readonly #groups = new Map<string, Coordinator>();
  readonly #coordinator: Coordinator;
  /** Where the last transaction wrote: the next one most likely will, too. */
  #lastPlaces: Places = new Map();
  #ahead: Ahead | null = null;
  /** The end of a transaction that was begun ahead for nothing. */
  #givingUp: Promise<void> | null = null;
  #ended = false;

  private constructor(cluster: KafkaCluster, options: WriterOptions, coordinator: Coordinator, transaction: { transactionalId: string; producerId: string; producerEpoch: number }) {
    this.#cluster = cluster;
    this.#options = options;
    this.#coordinator = coordinator;
    this.#transaction = transaction;
    this.#added = new Accumulator(this.#partitions, this.#spare);
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

  add(records: readonly OutgoingRecord[], originAt?: number): void {
    this.#added.add(records, originAt);
  }

  prepare(group: string): void {
    if (this.#ended || this.#ahead !== null || this.#givingUp !== null) return;
    const { clock, transactionTimeoutMs } = this.#options;
    const [places, taken] = [this.#lastPlaces, new AbortController()];
    const begun = this.#begin(places, group, this.#deadline);
    const ahead = { group, places, begun, taken };
    this.#ahead = ahead;
    begun.catch(() => undefined);
    void clock.sleep(transactionTimeoutMs * AHEAD_PART, taken.signal).then(() => {
      if (this.#ahead === ahead) this.#giveUp(ahead);
    });
  }

  #giveUp({ begun }: Ahead): void {
    this.#ahead = null;
    const { transactionTimeoutMs, clock } = this.#options;
    const aborted = begun.then(() => this.#end(false, this.#deadline));
    this.#givingUp = within(clock, transactionTimeoutMs, 'giving a transaction up', aborted);
    // Where that fails nobody knows whether it is still open: then the next commit fails, too.
    this.#givingUp.then(
      () => (this.#givingUp = null),
      () => undefined,
    );
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

  get #deadline(): number {
    return this.#options.clock.monotonicMs() + this.#options.transactionTimeoutMs;
  }

  /** All that was asked for ahead is answered when this resolves. */
  async #takeAhead(): Promise<Ahead | null> {
    await this.#givingUp;
    const ahead = this.#forgetAhead();
    await ahead?.begun;
    return ahead;
  }

  /** From now on nobody gives it up. */
  #forgetAhead(): Ahead | null {
    const ahead = this.#ahead;
    this.#ahead = null;
    ahead?.taken.abort(null);
    return ahead;
  }

  async #commit({ records, group, positions, originAt }: Commit): Promise<void> {
    const deadline = this.#deadline;
    const added = this.#added;
    added.add(records, originAt);
    this.#added = new Accumulator(this.#partitions, this.#spare);
    const ahead = await this.#takeAhead();
    const rounds = await batchRounds(this.#cluster, added, (topic, partition, count) => this.#sequenceOf(topic, partition, count), this.#options.compression);
    const places = placesOf(rounds[0] ?? []);
    this.#lastPlaces = places;
    const more = ahead === null ? places : without(places, ahead.places);
    if (more.size > 0) await this.#add(more, deadline);
    const produced = produceRounds(this.#cluster, rounds, this.#transaction.transactionalId);
    const positioned = positions.length === 0 ? null : this.#position(group, positions, ahead?.group === group, deadline);
    // Both are waited for before anything else happens: no request of this transaction is left on its way.
    const [first, second] = await Promise.allSettled([produced, positioned]);
    if (first.status === 'rejected') throw first.reason;
    if (second.status === 'rejected') throw second.reason;
    added.release();
    if (ahead === null && places.size === 0 && positions.length === 0) return;
    await this.#end(true, deadline);
  }

  async #begin(places: Places, group: string, deadline: number): Promise<void> {
    if (places.size > 0) await this.#add(places, deadline);
    await this.#addGroup(group, deadline);
  }

  async #add(places: Places, deadline: number): Promise<void> {
    const topics = [...places].map(([topic, partitions]) => ({ topic, partitions: [...partitions] }));
    await this.#coordinator.ask(deadline, (broker) => broker.addPartitionsToTxn({ ...this.#transaction, topics }));
  }

  async #addGroup(groupId: string, deadline: number): Promise<void> {
    await this.#coordinator.ask(deadline, (broker) => broker.addOffsetsToTxn({ ...this.#transaction, groupId }));
  }

  async #position(group: string, positions: Commit['positions'], added: boolean, deadline: number): Promise<void> {
    if (!added) await this.#addGroup(group, deadline);
    const topics = positions.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset), metadata: null }] }));
    await this.#groupCoordinator(group).ask(deadline, (broker) => broker.txnOffsetCommit({ ...this.#transaction, groupId: group, topics }));
  }

  async #end(transactionResult: boolean, deadline: number): Promise<void> {
    await this.#coordinator.ask(deadline, (broker) => broker.endTxn({ ...this.#transaction, transactionResult }));
  }

  #groupCoordinator(group: string): Coordinator {
    let coordinator = this.#groups.get(group);
    if (coordinator === undefined) this.#groups.set(group, (coordinator = Coordinator.ofGroup(this.#cluster, this.#options.clock, group)));
    return coordinator;
  }

  #sequenceOf(topic: string, partition: number, count: number): BatchProducer {
    const name = `${topic}/${partition}`;
    const firstSequence = this.#sequences.get(name) ?? 0;
    this.#sequences.set(name, (firstSequence + count) % SEQUENCE_LIMIT);
    const { producerId, producerEpoch } = this.#transaction;
    return { id: BigInt(producerId), epoch: producerEpoch, firstSequence, transactional: true };
  }

  close(): Promise<void> {
    this.#ended = true;
    this.#forgetAhead();
    closeCluster(this.#cluster);
    return Promise.resolve();
  }
}

function placesOf(batches: readonly Batch[]): Places {
  const places = new Map<string, Set<number>>();
  for (const { topic, partition } of batches) {
    const partitions = places.get(topic);
    if (partitions === undefined) places.set(topic, new Set([partition]));
    else partitions.add(partition);
  }
  return places;
}

function without(places: Places, others: Places): Places {
  const rest = new Map<string, Set<number>>();
  for (const [topic, partitions] of places) {
    const left = new Set([...partitions].filter((partition) => others.get(topic)?.has(partition) !== true));
    if (left.size > 0) rest.set(topic, left);
  }
  return rest;
}
