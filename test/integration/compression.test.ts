/** Whatever compression the clients of others prefer: the broker turns it into one that we read. */
import kafkajs from 'kafkajs';
import { afterAll, describe, expect, inject, test } from 'vitest';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { topicLayouts } from '../../tools/topics/layout.ts';
import { kafkaLog, readAll, text, unique } from '../infrastructure/logs.ts';

const brokers = inject('kafkaBrokers');
const { CompressionCodecs, CompressionTypes, Kafka, Partitioners, logLevel } = kafkajs;

/** Snappy that compresses nothing (literals only), in the frame of Kafka's Java clients. */
function snappy(bytes: Buffer): Buffer {
  const chunks: Buffer[] = [Buffer.from('\u0082SNAPPY\0', 'latin1'), Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])];
  for (let at = 0; at < bytes.length; at += 60) {
    const literal = bytes.subarray(at, at + 60);
    chunks.push(Buffer.from([0, 0, 0, literal.length + 2, literal.length, (literal.length - 1) << 2]), literal);
  }
  return Buffer.concat(chunks);
}

describe.skipIf(brokers === null)('compression of the topics that others write', () => {
  const kafka = new Kafka({ brokers: (brokers ?? '').split(','), logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 12 } });
  const before = CompressionCodecs[CompressionTypes.Snappy] as () => unknown;
  afterAll(() => void (CompressionCodecs[CompressionTypes.Snappy] = before));

  test('records that a producer sent as snappy are read', async () => {
    CompressionCodecs[CompressionTypes.Snappy] = () => ({ compress: ({ buffer }: { buffer: Buffer }) => Promise.resolve(snappy(buffer)) });
    const log = await kafkaLog(brokers!);
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    try {
      const defaults = topicsSectionSchema.parse({});
      const layouts = topicLayouts(defaults).filter(({ name }) => /^(telemetry|reference)\./.test(name));
      expect(layouts).toHaveLength(6);
      const expected = Array.from({ length: 20 }, (_, i) => `record ${i}`);
      const topics = layouts.map(({ name, required }) => ({ name: unique(name), partitions: 1, settings: required }));
      const raw = unique('as-sent');
      await log.admin.create([...topics, { name: raw, partitions: 1, settings: {} }], 1);
      const messages = expected.map((value) => ({ key: value, value }));
      for (const { name } of topics) {
        await producer.send({ topic: name, compression: CompressionTypes.Snappy, messages });
        expect((await readAll(log, name, 0)).map((record) => text(record.value))).toEqual(expected);
      }
      await producer.send({ topic: raw, compression: CompressionTypes.Snappy, messages });
      await expect(readAll(log, raw, 0)).rejects.toThrow(/snappy or lz4/); // else the above would show nothing
    } finally {
      await Promise.all([producer.disconnect(), log.close()]);
    }
  });
});
