import { createRequire } from 'node:module';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { murmur2, partitionOf } from './partitioner.ts';

// The other implementation: kafkajs's, which its own tests hold against the Java client.
const theirs = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2.js') as (key: Buffer) => number;

test('hashes as the Java client does', () => {
  // org.apache.kafka.common.utils.UtilsTest.testMurmur2
  const known: [string, number][] = [
    ['21', -973932308], ['foobar', -790332482], ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829], ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971], ['abc', 479470107],
  ];
  for (const [key, hash] of known) expect(murmur2(Buffer.from(key)), key).toBe(hash);
});

test('agrees with kafkajs on any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (key) => murmur2(key) === theirs(Buffer.from(key))));
});

test('a partition is always one that exists, and a record without a key goes to the first', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 32 }), fc.integer({ min: 1, max: 1000 }), (key, partitions) => {
      const partition = partitionOf(key, partitions);
      return Number.isInteger(partition) && partition >= 0 && partition < partitions;
    }),
  );
  expect(partitionOf(null, 8)).toBe(0);
});
