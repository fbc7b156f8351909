import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Accumulator } from './kafka-accumulator.ts';
import { decodeBatches } from './kafka-batch.ts';
import type { LogRecord, OutgoingRecord } from './log.ts';
import { partitionOf } from './partitioner.ts';

const PARTITIONS: Readonly<Record<string, number>> = { a: 3, b: 1 };
const nobody = { id: -1n, epoch: -1, firstSequence: -1, transactional: false };

/** What an accumulator has of each partition, in order, as a reader would see it. */
function contentOf(accumulator: Accumulator): Map<string, string[]> {
  const content = new Map<string, string[]>();
  for (const { topic, partition, of } of accumulator.batches()) {
    const into: LogRecord[] = [];
    for (const builder of of) decodeBatches(builder.finish(nobody, 'zstd'), { topic, partition, fromOffset: 0 }, [], into);
    content.set(`${topic}/${partition}`, into.map(({ value }) => value!.toString()));
  }
  return content;
}

const added = fc.record({ topic: fc.constantFrom('a', 'b'), partition: fc.constantFrom(null, 0), key: fc.constantFrom('k', 'l', 'm', 'n'), large: fc.boolean() });

test('each partition has its records in the order in which they were added, whenever the number of partitions becomes known', () => {
  fc.assert(
    fc.property(fc.array(added, { maxLength: 40 }), fc.nat(40), fc.nat(40), (given, knowA, knowB) => {
      const partitions = new Map<string, number>();
      const accumulator = new Accumulator(partitions);
      const expected = new Map<string, string[]>();
      for (const [n, { topic, partition, key, large }] of given.entries()) {
        if (n === knowA) partitions.set('a', PARTITIONS['a']!);
        if (n === knowB) partitions.set('b', PARTITIONS['b']!);
        const value = `${n}-${'x'.repeat(large ? 200_000 : 0)}`;
        const record: OutgoingRecord = { topic, partition, key: Buffer.from(key), value: Buffer.from(value), timestampMs: 1_000 - n };
        accumulator.add([record], n);
        const place = `${topic}/${partition ?? partitionOf(Buffer.from(key), PARTITIONS[topic]!)}`;
        expected.set(place, [...(expected.get(place) ?? []), value]);
      }
      expect(new Set(accumulator.topics)).toEqual(new Set(given.map(({ topic }) => topic)));
      accumulator.settle(new Map(Object.entries(PARTITIONS)));
      expect(contentOf(accumulator)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
