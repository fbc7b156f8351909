import { constants, createZstdCompress, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GZIP, unpackRecords, ZSTD, zstdContentBytes } from './unpack.ts';

const content = fc.oneof(fc.uint8Array({ maxLength: 600 }), fc.integer({ min: 0, max: 300_000 }).map((length) => Buffer.alloc(length, 'keys and holds')));

test('what was packed is unpacked, of whatever length, with and without the length in its frame', async () => {
  await fc.assert(
    fc.asyncProperty(content, async (bytes) => {
      const whole = zstdCompressSync(bytes);
      const stated = zstdContentBytes(whole);
      expect(stated === undefined || stated === bytes.length).toBe(true);
      expect(unpackRecords(whole, ZSTD).equals(bytes)).toBe(true);
      expect(unpackRecords(gzipSync(bytes), GZIP).equals(bytes)).toBe(true);
      const stream = createZstdCompress({ params: { [constants.ZSTD_c_contentSizeFlag]: 0 } });
      stream.end(bytes);
      const streamed = Buffer.concat((await stream.toArray()) as Buffer[]);
      expect(zstdContentBytes(streamed)).toBe(undefined);
      expect(unpackRecords(streamed, ZSTD).equals(bytes)).toBe(true);
    }),
  );
});

test('the length is in the frame from 256 bytes, from 64 KiB, and as one byte where it is a single segment', () => {
  for (const length of [0, 1, 255, 256, 65_535, 65_791, 65_792, 1_000_000]) {
    const bytes = Buffer.alloc(length, 'ab');
    const stated = zstdContentBytes(zstdCompressSync(bytes));
    if (stated !== undefined) expect(stated).toBe(length);
    if (length >= 256) expect(stated).toBe(length);
  }
  const oneByte = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, 200]), Buffer.alloc(20)]);
  expect(zstdContentBytes(oneByte)).toBe(200);
  const eightBytes = Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0xe0, 0, 0, 0, 0, 1, 0, 0, 0]), Buffer.alloc(20)]);
  expect(zstdContentBytes(eightBytes)).toBe(2 ** 32);
});

test('a frame that lies about its length neither takes the memory nor changes what comes out', () => {
  const bytes = Buffer.alloc(100_000, 'ab');
  const lying = zstdCompressSync(bytes);
  const at = lying[4]! & 0x20 ? 5 : 6;
  lying.writeUInt32LE(0xffffffff, at);
  expect(zstdContentBytes(lying)).toBe(0xffffffff);
  expect(() => unpackRecords(lying, ZSTD)).toThrow();
  expect(zstdContentBytes(Buffer.from('not a frame at all'))).toBe(undefined);
  expect(() => unpackRecords(Buffer.from('not a frame at all'), ZSTD)).toThrow();
  expect(() => unpackRecords(Buffer.alloc(3), 2)).toThrow(/codec 2/);
});
