import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { crc32c } from './crc32c.ts';
import { decodeBatches } from './kafka-batch.ts';
import { encodeBatch } from './kafka-batch-builder.ts';
import { KafkaFeed } from './kafka-feed.ts';
import type { LogRecord, OutgoingRecord } from './log.ts';

const require = createRequire(import.meta.url);
const theirCrc = require('kafkajs/src/protocol/recordBatch/crc32C/crc32C.js') as (bytes: Buffer) => number;
const theirDecoder = require('kafkajs/src/protocol/decoder.js') as new (bytes: Buffer) => object;
const theirBatch = require('kafkajs/src/protocol/recordBatch/v0/decoder.js') as (decoder: object) => Promise<{
  records: { key: Buffer | null; value: Buffer | null; timestamp: string; offset: string }[];
}>;

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const record = fc.record({ key: bytes, value: bytes, timestampMs: fc.integer({ min: 0, max: 2 ** 45 }) }).map(
  (fields): OutgoingRecord => ({ topic: 't', partition: null, ...fields }),
);
const records = fc.array(record, { minLength: 1, maxLength: 40 });
const one: OutgoingRecord = { topic: 't', partition: null, key: null, value: Buffer.from('v'), timestampMs: 5 };
const outside = { id: -1n, epoch: -1, firstSequence: -1, transactional: false };
const where = { topic: 't', partition: 3, fromOffset: 0 };

function decode(batches: Buffer, fromOffset = 0, aborted: { producerId: bigint; firstOffset: number }[] = []) {
  const into: LogRecord[] = [];
  const next = decodeBatches(batches, { ...where, fromOffset }, aborted, into);
  return { into, next };
}

/** As a broker does when it appends: gives the batch its place. */
function placedAt(batch: Buffer, offset: number): Buffer {
  const placed = Buffer.from(batch);
  placed.writeBigInt64BE(BigInt(offset), 0);
  return placed;
}

test('the arrival of the oldest telemetry goes along with a batch, and other clients read the batch all the same', async () => {
  const some = [1, 2, 3].map((i): OutgoingRecord => ({ topic: 't', partition: null, key: Buffer.from(`k${i}`), value: Buffer.from(`v${i}`.padEnd(i === 3 ? 20_000 : 2)), timestampMs: i }));
  for (const compression of ['none', 'zstd'] as const) {
    expect(decode(encodeBatch(some, outside, compression, 1_764_285_013_123)).into.map(({ originAt }) => originAt)).toEqual([1_764_285_013_123, 1_764_285_013_123, 1_764_285_013_123]);
    expect(decode(encodeBatch(some, outside, compression)).into.map(({ originAt }) => originAt)).toEqual([undefined, undefined, undefined]);
  }
  const theirs = await theirBatch(new theirDecoder(encodeBatch(some, outside, 'none', 1_764_285_013_123)));
  expect(theirs.records.map(({ key, value }) => [String(key), String(value).trimEnd()])).toEqual([['k1', 'v1'], ['k2', 'v2'], ['k3', 'v3']]);
  expect((theirs.records[0] as unknown as { headers: Record<string, Buffer> }).headers['farhand-origin-at']?.toString()).toBe('1764285013123');
});

test('batches from 16 KiB on are packed, smaller ones are left as they are', () => {
  fc.assert(
    fc.property(records, fc.nat(32_000), (given, bytes) => {
      const batch = encodeBatch([...given, { topic: 't', partition: null, key: null, value: Buffer.alloc(bytes, 'pack'), timestampMs: 7 }], outside, 'zstd');
      const plain = encodeBatch([...given, { topic: 't', partition: null, key: null, value: Buffer.alloc(bytes, 'pack'), timestampMs: 7 }], outside, 'none');
      expect(batch.readInt16BE(21) & 7).toBe(plain.length - 61 < 16 * 1024 || batch.length === plain.length ? 0 : 4);
      const { into } = decode(placedAt(batch, 0));
      expect(into.map(({ key, value }) => [key && [...key], value && [...value]])).toEqual([...given.map(({ key, value }) => [key && [...key], value && [...value]]), [null, [...Buffer.alloc(bytes, 'pack')]]]);
    }),
  );
});

test('CRC-32C has its published check value and agrees with kafkajs', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (data) => crc32c(data) === theirCrc(Buffer.from(data)) >>> 0));
});

describe.each(['none', 'zstd'] as const)('a batch with compression %s', (compression) => {
  test('comes back as it was', () => {
    fc.assert(
      fc.property(records, fc.nat(2 ** 40), (few, offset) => {
        const given = [...few, { ...one, value: Buffer.alloc(20_000, 'long enough to be packed') }];
        const { into, next } = decode(placedAt(encodeBatch(given, outside, compression), offset));
        expect(next).toBe(offset + given.length);
        expect(into.map(({ key, value, timestampMs }) => [key && [...key], value && [...value], timestampMs])).toEqual(
          given.map(({ key, value, timestampMs }) => [key && [...key], value && [...value], timestampMs]),
        );
        expect(into.map((r) => r.offset)).toEqual(given.map((_, i) => offset + i));
      }),
    );
  });
});

test('kafkajs reads our batches', async () => {
  await fc.assert(
    fc.asyncProperty(records, async (given) => {
      const { records: theirs } = await theirBatch(new theirDecoder(encodeBatch(given, outside, 'none')));
      expect(theirs.map((r) => [r.key, r.value, Number(r.timestamp), Number(r.offset)])).toEqual(
        given.map((r, i) => [r.key && Buffer.from(r.key), r.value && Buffer.from(r.value), r.timestampMs, i]),
      );
    }),
  );
});

test('an incomplete batch at the end is left for the next fetch', () => {
  const whole = placedAt(encodeBatch([one, one], outside, 'none'), 10);
  const cut = placedAt(encodeBatch([one, one], outside, 'none'), 12);
  const { into, next } = decode(Buffer.concat([whole, cut.subarray(0, cut.length - 1)]));
  expect([into.length, next]).toEqual([2, 12]);
});

test('records before the asked offset are dropped', () => {
  const { into, next } = decode(placedAt(encodeBatch([one, one, one], outside, 'none'), 10), 12);
  expect([into.map((r) => r.offset), next]).toEqual([[12], 13]);
});

test('a batch that compaction has emptied moves the position on', () => {
  const batch = placedAt(encodeBatch([one, one, one], outside, 'none'), 7).subarray(0, 61);
  batch.writeInt32BE(61 - 12, 8);
  batch.writeInt32BE(0, 57);
  expect(decode(batch, 7)).toEqual({ into: [], next: 10 });
});

test('aborted transactions are left out until their marker, those of others stay', () => {
  const transactional = (id: bigint) => ({ id, epoch: 0, firstSequence: 0, transactional: true });
  const marker = placedAt(encodeBatch([{ ...one, key: Buffer.from([0, 0, 0, 0]) }], transactional(1n), 'none'), 12);
  marker.writeInt16BE(0x30, 21);
  const log = Buffer.concat([
    placedAt(encodeBatch([one], transactional(1n), 'none'), 10),
    placedAt(encodeBatch([one], transactional(2n), 'none'), 11),
    marker,
    placedAt(encodeBatch([one], transactional(1n), 'none'), 13),
  ]);
  const { into, next } = decode(log, 0, [{ producerId: 1n, firstOffset: 10 }]);
  expect([into.map((r) => r.offset), next]).toEqual([[11, 13], 14]);
});

test('LogAppendTime is the arrival of every record of the batch', () => {
  const batch = placedAt(encodeBatch([one, one], outside, 'none'), 0);
  batch.writeInt16BE(0x08, 21);
  batch.writeBigInt64BE(1_700_000_000_000n, 35);
  expect(decode(batch).into.map((r) => [r.arrivedAt, r.timestampMs])).toEqual([
    [1_700_000_000_000, 1_700_000_000_000],
    [1_700_000_000_000, 1_700_000_000_000],
  ]);
  expect(decode(encodeBatch([one], outside, 'none')).into[0]).toMatchObject({ arrivedAt: null, timestampMs: 5 });
});

test('a batch that unpacks to too much, or is cut inside, is refused and not believed', () => {
  const batch = encodeBatch([one], outside, 'none');
  batch[61] = 0x7e; // the record's length: 63
  expect(() => decode(batch)).toThrow(/longer than its batch/);
  const snappy = encodeBatch([one], outside, 'none');
  snappy.writeInt16BE(2, 21);
  expect(() => decode(snappy)).toThrow(/snappy or lz4/);
});

test('what lies before a batch that cannot be read is kept, and the failure says where it is', () => {
  const good = placedAt(encodeBatch([one, one], outside, 'none'), 5);
  const bomb = placedAt(encodeBatch([{ ...one, value: Buffer.alloc(129 * 1024 * 1024) }, one], outside, 'zstd'), 7);
  const cut = placedAt(encodeBatch([{ ...one, value: Buffer.alloc(20_000) }], outside, 'zstd'), 7);
  expect(cut.readInt16BE(21) & 7).toBe(4);
  cut.fill(0xff, 70);
  const old = placedAt(encodeBatch([one], outside, 'none'), 7);
  old[16] = 1;
  const short = placedAt(encodeBatch([one], outside, 'none'), 7);
  short.writeInt32BE(-12, 8);
  for (const bad of [bomb, cut, old, short]) {
    const into: LogRecord[] = [];
    const caught = attempt(() => decodeBatches(Buffer.concat([good, bad]), where, [], into));
    expect(into.map(({ offset }) => offset)).toEqual([5, 6]);
    expect(caught).toMatchObject({ code: 'FARHAND_POISON_RECORD', batch: { topic: 't', partition: 3, offset: 7, lastOffset: bad === bomb ? 8 : 7 } });
  }
});

function attempt(action: () => unknown): unknown {
  try {
    return action();
  } catch (error) {
    return error;
  }
}

test('a feed with such a batch: the records before it, then the failure, for good; it is not asked again', () => {
  let drained = 0;
  const feed = new KafkaFeed({ topic: 't', partition: 3, offset: 0 }, 1_000, () => drained++);
  const snappy = placedAt(encodeBatch([one], outside, 'none'), 1);
  snappy.writeInt16BE(2, 21);
  const bytes = Buffer.concat([placedAt(encodeBatch([one], outside, 'none'), 0), snappy]);
  expect(feed.accept({ topic: 't', partition: 3, errorCode: 0, highWatermark: 9, lastStableOffset: 9, logStartOffset: 0, aborted: [], bytes }, 1, 1)).toBe(true);
  expect([feed.headTimestamp(), feed.shift().offset, feed.broken]).toEqual([5, 0, true]);
  for (let again = 0; again < 2; again++) expect(() => feed.headTimestamp()).toThrow('t/3@1: cannot be read: compression codec 2');
  expect([feed.position, feed.lag, feed.caughtUp, drained]).toEqual([1, 8, false, 1]);
});

test('a feed unpacks a batch when it is its turn, past those without a record for us, and knows when each of them arrived', () => {
  let drained = 0;
  const feed = new KafkaFeed({ topic: 't', partition: 3, offset: 1 }, 1_000, () => drained++);
  const accept = (bytes: Buffer, asked: number, now: number, end: number): boolean =>
    feed.accept({ topic: 't', partition: 3, errorCode: 0, highWatermark: end, lastStableOffset: end, logStartOffset: 0, aborted: [], bytes }, asked, now);
  const emptied = placedAt(encodeBatch([one], outside, 'none'), 2);
  emptied.writeInt32BE(0, 57);
  const answer = Buffer.concat([placedAt(encodeBatch([one, one], outside, 'none'), 0), emptied, placedAt(encodeBatch([one], outside, 'none'), 3)]);
  expect(accept(answer, 1, 1, 5)).toBe(true);
  const packed = feed.bytes;
  answer.fill(0);
  expect(accept(placedAt(encodeBatch([one], outside, 'none'), 4), 2, 2, 5)).toBe(true);
  expect(feed.bytes).toBeGreaterThan(packed);
  const seen: unknown[] = [];
  while (feed.headTimestamp() !== undefined) seen.push([feed.position, feed.caughtUp, feed.headTick, feed.shift().offset]);
  expect(seen).toEqual([[1, false, 1, 1], [2, false, 1, 3], [4, false, 2, 4]]);
  expect([feed.position, feed.caughtUp, feed.lag, feed.bytes, drained]).toEqual([5, true, 0, 0, 1]);
});
