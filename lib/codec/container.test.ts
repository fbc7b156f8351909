import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { crc32 } from 'node:zlib';
import avro from 'avsc';
import { afterAll, describe, expect, test } from 'vitest';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import { DEFAULT_CONTAINER_LIMITS } from './container-format.ts';
import { type ContainerReadOptions, type ContainerRecord, isAvroContainer, readAvroContainer } from './container-read.ts';
import { ContainerWriter, writeAvroContainer } from './container-write.ts';
import { HISTORY_RECORDS, type RecordName } from './decoder.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { schemaOf } from './schemas.ts';

const folder = mkdtempSync(join(tmpdir(), 'farhand-container-'));
afterAll(() => rmSync(folder, { recursive: true }));

function keystrokes(i: number): HistoryRecord {
  return { ...SAMPLE_RECORDS.KeystrokeLatency, eventId: `e-${i}`, observedAt: 1_795_414_000_000 + i };
}

function containerOf(records: readonly HistoryRecord[], codec: 'null' | 'deflate' | 'zstandard' = 'null', names: readonly RecordName[] = HISTORY_RECORDS): Buffer {
  const writer = new ContainerWriter<RecordName>({ codec, names });
  const parts = [writer.header()];
  for (const record of records) {
    const block = writer.add(record);
    if (block !== null) parts.push(block);
  }
  const last = writer.flush();
  return Buffer.concat(last === null ? parts : [...parts, last]);
}

async function read(bytes: Buffer, chunkBytes = 997, options: ContainerReadOptions<RecordName> = {}): Promise<ContainerRecord<unknown>[]> {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) chunks.push(bytes.subarray(at, at + chunkBytes));
  const all: ContainerRecord<unknown>[] = [];
  for await (const batch of readAvroContainer<RecordName>(Readable.from(chunks), { names: HISTORY_RECORDS, label: 'day.avro', ...options })) all.push(...batch);
  return all;
}

async function failure(work: Promise<unknown>): Promise<FarhandError> {
  const error: unknown = await work.then(() => undefined, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(FarhandError);
  return error as FarhandError;
}

describe('round trip', () => {
  for (const codec of ['null', 'deflate', 'zstandard'] as const) {
    test(`a union of every history record, codec ${codec}, in chunks of any size`, async () => {
      const records: HistoryRecord[] = [];
      for (let i = 0; i < 300; i++) records.push(keystrokes(i), SAMPLE_RECORDS[HISTORY_RECORDS[i % HISTORY_RECORDS.length] as 'Vantage']);
      const bytes = containerOf(records, codec);
      for (const chunk of [1, 13, 65_536]) {
        const back = await read(bytes, chunk);
        expect(back.map(({ result }) => (result.ok ? result.event : result))).toEqual(records);
        expect(back.map(({ position }) => position)).toEqual(records.map((_, i) => i + 1));
      }
    });
  }

  test('a file of one record type, in several blocks, the same bytes twice', async () => {
    const records = Array.from({ length: 2_000 }, (_, i) => keystrokes(i)) as (typeof SAMPLE_RECORDS.KeystrokeLatency)[];
    const paths = [join(folder, 'a.avro'), join(folder, 'b.avro')];
    for (const path of paths) expect(await writeAvroContainer(path, [records.slice(0, 700), records.slice(700)], { names: ['KeystrokeLatency'], codec: 'deflate' })).toBe(2_000);
    expect(readFileSync(paths[0] as string).equals(readFileSync(paths[1] as string))).toBe(true);
    const back: unknown[] = [];
    let largest = 0;
    for await (const batch of readAvroContainer(paths[0] as string)) {
      largest = Math.max(largest, batch.length);
      for (const { result } of batch) back.push(result.ok ? result.event : result);
    }
    expect(back).toEqual(records);
    expect(largest).toBeLessThanOrEqual(DEFAULT_CONTAINER_LIMITS.batchRecordsMax);
  });

  test('the Avro library reads what we write and we read what it writes', async () => {
    const path = join(folder, 'ours.avro');
    writeFileSync(path, containerOf([keystrokes(1), keystrokes(2)], 'deflate', ['KeystrokeLatency']));
    const seen: unknown[] = [];
    await new Promise((resolve, reject) => avro.createFileDecoder(path).on('data', (value: object) => seen.push({ type: 'KeystrokeLatency', ...value })).on('end', resolve).on('error', reject));
    expect(seen).toEqual([keystrokes(1), keystrokes(2)]);

    const encoder = new avro.streams.BlockEncoder(schemaOf('Connection').json as avro.Schema, { codec: 'deflate' });
    const parts: Buffer[] = [];
    encoder.on('data', (part: Buffer) => parts.push(part));
    encoder.end(SAMPLE_RECORDS.Connection);
    await new Promise((resolve) => encoder.on('end', resolve));
    const [record] = await read(Buffer.concat(parts));
    expect(record?.result).toEqual({ ok: true, event: SAMPLE_RECORDS.Connection, arrivedAt: null });
    expect(isAvroContainer(parts[0] as Buffer)).toBe(true);
  });

  test('an empty container and a container without a codec entry', async () => {
    expect(await read(containerOf([]))).toEqual([]);
    const plain = containerOf([keystrokes(1)]);
    const at = plain.indexOf('avro.codec');
    const without = Buffer.concat([plain.subarray(0, 4), Buffer.from([2]), plain.subarray(5, at - 1), plain.subarray(at + 10 + 5)]);
    expect((await read(without))[0]?.result.ok).toBe(true);
  });
});

describe('snappy blocks', () => {
  test('literals and overlapping copies, checked by their CRC', async () => {
    const plain = containerOf([keystrokes(1), keystrokes(1)], 'null', ['KeystrokeLatency']);
    const sync = plain.subarray(plain.length - 16);
    const header = plain.subarray(0, plain.indexOf(sync) + 16);
    const snappyHeader = Buffer.concat([header.subarray(0, header.indexOf('null', header.indexOf('avro.codec')) - 1), Buffer.from([12]), Buffer.from('snappy'), header.subarray(header.length - 17)]);
    const body = plain.subarray(header.length + 3, plain.length - 16);
    const one = body.length / 2;
    expect(body.subarray(0, one).equals(body.subarray(one))).toBe(true);
    // literal of `one` bytes, then copies of at most 64 bytes from `one` bytes before
    const packed = [Buffer.from([body.length & 127 | 128, body.length >> 7, 60 << 2, one - 1]), body.subarray(0, one)];
    for (let left = one; left > 0; left -= 64) packed.push(Buffer.from([((Math.min(64, left) - 1) << 2) | 2, one & 255, one >> 8]));
    const crc = Buffer.alloc(4);
    crc.writeUInt32BE(crc32(body));
    const block = Buffer.concat([...packed, crc]);
    const file = (data: Buffer) => Buffer.concat([snappyHeader, Buffer.from([4, (data.length * 2) & 127 | 128, (data.length * 2) >> 7]), data, sync]);
    expect((await read(file(block))).map(({ result }) => result.ok && result.event)).toEqual([keystrokes(1), keystrokes(1)]);
    block[block.length - 1] = (block[block.length - 1] as number) ^ 1;
    expect((await failure(read(file(block)))).message).toContain('wrong checksum');
  });
});

describe('what cannot be read', () => {
  const records = Array.from({ length: 1_000 }, (_, i) => keystrokes(i));
  const bytes = containerOf(records);

  test('says the file and the record at which a block is cut off; what came before is delivered', async () => {
    const seen: number[] = [];
    const work = (async () => {
      for await (const batch of readAvroContainer(Readable.from([bytes.subarray(0, bytes.length - 100)]), { label: 'day.avro' })) seen.push(...batch.map(({ position }) => position));
    })();
    const error = await failure(work);
    expect(error.code).toBe('FARHAND_HISTORY_UNREADABLE');
    expect(error.message).toMatch(new RegExp(`^day\\.avro: the block at byte \\d+, from record ${seen.length + 1}, is cut off$`));
    expect(seen.length).toBeGreaterThan(100);
  });

  test('a wrong sync marker, an unknown codec, no container, a foreign schema', async () => {
    const wrongSync = Buffer.from(bytes);
    wrongSync[wrongSync.length - 3] = (wrongSync[wrongSync.length - 3] as number) ^ 255;
    expect((await failure(read(wrongSync))).message).toContain('wrong sync marker');
    const codec = Buffer.from(bytes);
    codec.write('xull', codec.indexOf('null', codec.indexOf('avro.codec')), 'latin1');
    expect((await failure(read(codec))).message).toContain('codec "xull" is not read here');
    expect((await failure(read(Buffer.from('PK\u0003\u0004 something else')))).message).toBe('day.avro: not an Avro object container');
    expect((await failure(read(bytes.subarray(0, 60)))).message).toContain('header');
    const schema = Buffer.from(bytes);
    schema[schema.indexOf('"record"')] = 33;
    expect((await failure(read(schema))).message).toContain('the schema in the header');
    expect((await failure((async () => { for await (const _ of readAvroContainer(join(folder, 'missing.avro'))) throw new Error('read'); })())).code).toBe('FARHAND_HISTORY_UNREADABLE');
  });

  test('a block that claims too many bytes, too many records, or inflates without bound', async () => {
    const head = containerOf([]);
    const sync = head.subarray(head.length - 16);
    const huge = Buffer.concat([head, Buffer.from([2]), Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10])]);
    expect((await failure(read(huge))).message).toContain('at most 16777216 are read');
    const many = Buffer.concat([head, Buffer.from([0x80, 0x80, 0x80, 0x80, 0x10, 2, 0]), sync]);
    expect((await failure(read(many))).message).toContain('announces 2147483648 records in 1 bytes');
    const bomb = containerOf(records, 'zstandard');
    const error = await failure(read(bomb, 997, { containerLimits: { ...DEFAULT_CONTAINER_LIMITS, blockDecodedBytesMax: 10_000 } }));
    expect(error.message).toContain('cannot be decompressed (zstandard)');
  });

  test('a broken record in a block is one refusal with its bytes; the rest of its block goes with it; later blocks are read', async () => {
    const blocks = [containerOf([keystrokes(1), keystrokes(2)]), containerOf([keystrokes(3)])];
    const headBytes = containerOf([]).length;
    const first = Buffer.from(blocks[0] as Buffer);
    first[headBytes + 4] = 0x7f; // the length of eventId of the first record becomes −64
    const back = await read(Buffer.concat([first, (blocks[1] as Buffer).subarray(headBytes)]));
    expect(back.map(({ position, name, result }) => [position, name, result.ok || result.reason])).toEqual([
      [1, 'KeystrokeLatency', 'UNDECODABLE'],
      [3, 'KeystrokeLatency', true],
    ]);
    expect(back[0]?.result).toMatchObject({ detail: expect.stringContaining('with the 1 records behind it') as unknown });
  });

  test('a record over a limit is refused alone, since its end is known; a type that is not wanted likewise', async () => {
    const long = { ...SAMPLE_RECORDS.KeystrokeLatency, holdMs: Array.from({ length: 5_000 }, () => 1) };
    const back = await read(containerOf([keystrokes(1), long, SAMPLE_RECORDS.Vantage, keystrokes(4)]), 997, { names: ['KeystrokeLatency'] });
    expect(back.map(({ result }) => result.ok || result.reason)).toEqual([true, 'ARRAY_TOO_LONG', 'UNKNOWN_TYPE', true]);
    expect(back[1]?.raw.length).toBeGreaterThan(20_000);
  });
});
