import { Readable } from 'node:stream';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteStream } from './byte-stream.ts';

test('hands out the bytes of the stream in order, whatever its chunks are and what is asked for', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(40), { maxLength: 30 }), fc.array(fc.integer({ min: 1, max: 70 }), { maxLength: 60 }), async (chunks, asked) => {
      let next = 0;
      const parts = chunks.filter((length) => length > 0).map((length) => Buffer.from(Array.from({ length }, () => next++ % 251)));
      const all = Buffer.concat(parts);
      const stream = new ByteStream(Readable.from(parts));
      let at = 0;
      for (const [i, count] of asked.entries()) {
        expect(await stream.ensure(count)).toBe(Math.min(count, all.length - at));
        if (i % 3 === 0) continue;
        const bytes = await stream.take(count);
        if (bytes === undefined) {
          expect(all.length - at).toBeLessThan(count);
          continue;
        }
        expect(bytes.equals(all.subarray(at, at + count))).toBe(true);
        at += count;
        expect(stream.offset).toBe(at);
        expect(await stream.atEnd()).toBe(at === all.length);
      }
    }),
    { numRuns: 300 },
  );
});
