/**
 * Records on their way into batches, by partition. They are copied as they come: a task's outputs wait for its commit as bytes, where
 * as objects they would outlive the young generation and be copied by the collector.
 */
import { BATCH_BYTES_MAX, BatchBuilder } from './kafka-batch-builder.ts';
import type { OutgoingRecord } from './log.ts';
import { partitionOf } from './partitioner.ts';

/** Of BATCH_BYTES_MAX each at most. */
const SPARE_MAX = 32;

export class Accumulator {
  readonly #partitions: Map<string, number>;
  readonly #spare: Buffer[];
  /** Batches in order, by topic and partition; only the last one of a partition grows. */
  readonly #batches = new Map<string, BatchBuilder[][]>();
  /** Of topics whose number of partitions was not known when they first came, in order: all of such a topic, or later ones would overtake them. */
  #held: { readonly record: OutgoingRecord; readonly originAt: number | undefined }[] = [];
  readonly #holding = new Set<string>();

  /**
   * @param partitions how many a topic has, as far as that is known; looked at whenever a record is added
   * @param spare room that earlier batches gave back: memory outside of the heap that is made anew all the time makes the collector run all the time
   */
  constructor(partitions = new Map<string, number>(), spare: Buffer[] = []) {
    this.#partitions = partitions;
    this.#spare = spare;
  }

  /** Of all that was added. */
  get topics(): string[] {
    return [...new Set([...this.#batches.keys(), ...this.#holding])];
  }

  add(records: readonly OutgoingRecord[], originAt: number | undefined): void {
    for (const record of records) {
      const partitions = this.#holding.has(record.topic) ? undefined : this.#partitions.get(record.topic);
      if (partitions !== undefined) this.#append(record, partitions, originAt);
      else {
        this.#holding.add(record.topic);
        this.#held.push({ record, originAt });
      }
    }
  }

  /** To be called before `batches`. `partitions`: of all topics, as of now; who shares the map knows them, too. */
  settle(partitions: ReadonlyMap<string, number>): void {
    for (const [topic, count] of partitions) this.#partitions.set(topic, count);
    const held = this.#held;
    this.#held = [];
    this.#holding.clear();
    for (const { record, originAt } of held) this.#append(record, this.#partitions.get(record.topic)!, originAt);
  }

  #append(record: OutgoingRecord, partitions: number, originAt: number | undefined): void {
    let ofTopic = this.#batches.get(record.topic);
    if (ofTopic === undefined) this.#batches.set(record.topic, (ofTopic = []));
    const of = (ofTopic[record.partition ?? partitionOf(record.key, partitions)] ??= [new BatchBuilder(this.#spare.pop())]);
    if (of.at(-1)!.add(record, originAt)) return;
    const next = new BatchBuilder(this.#spare.pop());
    next.add(record, originAt);
    of.push(next);
  }

  *batches(): Generator<{ readonly topic: string; readonly partition: number; readonly of: readonly BatchBuilder[] }> {
    for (const [topic, ofTopic] of this.#batches) {
      for (const [partition, of] of ofTopic.entries()) if (of !== undefined) yield { topic, partition, of };
    }
  }

  /** Its batches have been sent: their room is for others. */
  release(): void {
    for (const { of } of this.batches()) for (const builder of of) this.#keep(builder.giveBack());
  }

  #keep(room: Buffer): void {
    if (this.#spare.length < SPARE_MAX && room.length <= BATCH_BYTES_MAX) this.#spare.push(room);
  }
}
