/**
 * What the bench asks of the broker beside the log port: offsets from outside, the end of topics, and a plain kafkajs
 * consumer as a floor. It measures kafkajs itself, so it is allowed to import it.
 */
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import kafkajs, { type Admin, type Kafka } from 'kafkajs';
import { systemClock } from '#lib/kernel/clock.ts';

/** A consumer group and what it reads. */
export interface Stage {
  readonly group: string;
  readonly topics: readonly string[];
}

export class BenchBroker {
  readonly #kafka: Kafka;
  #admin: Admin;

  private constructor(kafka: Kafka) {
    this.#kafka = kafka;
    this.#admin = kafka.admin();
  }

  static async open(brokers: string): Promise<BenchBroker> {
    const { ZSTD } = kafkajs.CompressionTypes;
    kafkajs.CompressionCodecs[ZSTD] = () => ({
      compress: (encoder: { buffer: Buffer }) => promisify(zstdCompress)(encoder.buffer),
      decompress: (buffer: Buffer) => promisify(zstdDecompress)(buffer),
    });
    const broker = new BenchBroker(new kafkajs.Kafka({ brokers: brokers.split(','), clientId: 'farhand-bench', logLevel: kafkajs.logLevel.NOTHING }));
    await broker.#admin.connect();
    return broker;
  }

  /** Records, control records included, by topic and partition. */
  async ends(topics: readonly string[]): Promise<Map<string, number>> {
    const ends = new Map<string, number>();
    for (const topic of topics) {
      for (const { partition, high } of await this.#admin.fetchTopicOffsets(topic)) ends.set(`${topic}/${partition}`, Number(high));
    }
    return ends;
  }

  /** Committed positions by topic and partition; nothing for what was never committed. */
  async committed(groupId: string, topics: readonly string[]): Promise<Map<string, number>> {
    const committed = new Map<string, number>();
    for (const { topic, partitions } of await this.#admin.fetchOffsets({ groupId, topics: [...topics] })) {
      for (const { partition, offset } of partitions) if (Number(offset) >= 0) committed.set(`${topic}/${partition}`, Number(offset));
    }
    return committed;
  }

  /**
   * Whether every stage has committed all of its input; the first one, which reads what was appended, first. Behind what a stage before has
   * written, a transaction may have left one control record in each partition.
   */
  async isThrough(stages: readonly Stage[]): Promise<boolean> {
    for (const [index, { group, topics }] of stages.entries()) {
      const [ends, committed] = [await this.ends(topics), await this.committed(group, topics)];
      for (const [place, end] of ends) if ((committed.get(place) ?? 0) < end - (index === 0 ? 0 : 1)) return false;
    }
    return true;
  }

  /** A consumer that only takes: seconds from its first batch to the last record. */
  async readWithKafkajs(topics: readonly string[], records: number): Promise<number> {
    const consumer = this.#kafka.consumer({ groupId: `bench-floor-${randomUUID().slice(0, 8)}`, maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    const done = Promise.withResolvers<void>();
    let [taken, began] = [0, 0];
    await consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 8,
      eachBatch: ({ batch }) => {
        if (taken === 0) began = systemClock.monotonicMs();
        taken += batch.messages.length;
        if (taken >= records) done.resolve();
        return Promise.resolve();
      },
    });
    const crashed = new Promise<never>((_, reject) => consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error)));
    await Promise.race([done.promise, crashed]);
    const seconds = (systemClock.monotonicMs() - began) / 1_000;
    await consumer.disconnect();
    return seconds;
  }

  /** Goes on with a new client: kafkajs asks for every topic it ever saw, and fails when one is no more. */
  async deleteTopics(topics: readonly string[]): Promise<void> {
    if (topics.length > 0) await this.#admin.deleteTopics({ topics: [...topics], timeout: 30_000 }).catch(() => undefined);
    await this.#admin.disconnect();
    this.#admin = this.#kafka.admin();
    await this.#admin.connect();
  }

  async close(): Promise<void> {
    await this.#admin.disconnect();
  }
}
