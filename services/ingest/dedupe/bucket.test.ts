import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createMemoryState } from '#lib/state/memory.ts';
import { Bucket } from './bucket.ts';
import { CHUNK_ENTRIES_MAX, emptyChunk } from './chunk.ts';
import { EventMemory } from './memory-of-events.ts';

const half = fc.integer({ min: 0, max: 0xffffffff });

function put(bucket: Bucket, high: number, low: number): void {
  let chunk = bucket.last;
  if (chunk === null || chunk.count === CHUNK_ENTRIES_MAX) bucket.chunks.push((chunk = emptyChunk()));
  bucket.note(high, low);
  chunk.hashes.set([high, low], chunk.count++ * 2);
}

it('answers at rest what it answered before, takes more, and wakes when it is asked a lot', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { minLength: 1, maxLength: 1700 }), fc.array(fc.tuple(half, half), { maxLength: 20 }), (known, others) => {
      const bucket = new Bucket(0);
      const names = new Set<string>();
      const add = (pairs: readonly (readonly [number, number])[]): void => {
        for (const [high, low] of pairs) {
          if (!bucket.has(high, low)) put(bucket, high, low);
          names.add(`${high}.${low}`);
        }
      };
      const half = known.length >> 1;
      add(known.slice(0, half));
      bucket.rest();
      expect(bucket.rests).toBe(true);
      add(known.slice(half));
      bucket.rest();
      for (const [high, low] of [...known.slice(-200), ...others]) expect(bucket.has(high, low)).toBe(names.has(`${high}.${low}`));
      for (let i = 0; i < 300; i++) bucket.has(i, i);
      expect(bucket.rests).toBe(false);
      for (const [high, low] of [...known, ...others]) expect(bucket.has(high, low)).toBe(names.has(`${high}.${low}`));
      expect(bucket.entries).toBe(names.size);
    }),
    { numRuns: 60 },
  );
});

it('finds repeats of hours that rest as of those that do not, however batches fall', () => {
  const memory = new EventMemory(createMemoryState(), { duplicateBucketMs: 3_600_000, duplicateBucketsMax: 72, duplicateEntriesMax: 1_000_000 });
  const isFirst = (hour: number, n: number): boolean => memory.isFirst('t', `${hour}-${n}`, hour * 3_600_000);
  for (let hour = 1; hour <= 40; hour++) {
    for (let n = 0; n < 1500; n++) {
      expect(isFirst(hour, n)).toBe(true);
      if (n % 50 === 0) memory.endBatch();
    }
  }
  for (let hour = 1; hour <= 40; hour++) for (let n = 0; n < 1500; n += 7) expect(isFirst(hour, n)).toBe(false);
  expect(memory.entries).toBe(60_000);
});
