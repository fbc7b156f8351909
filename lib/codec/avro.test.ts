import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RawRecord } from '#lib/runner/task.ts';
import { avroRecordDecoder } from './avro.ts';
import { parseSchema } from './avro-schema.ts';
import { type DecodeResult, type RecordName, REFERENCE_RECORDS } from './decoder.ts';
import { encodeBody, encodeFramed, framedEncoder } from './encode.ts';
import { compileGuard } from './guard.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';
import { compileReader } from './reader.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { RECORD_NAMES } from './schemas.ts';
import { fileSchemaSource } from './schema-source.ts';

const every = avroRecordDecoder({ names: RECORD_NAMES, limits: DEFAULT_DECODE_LIMITS });
const telemetry = avroRecordDecoder();

function raw(value: Uint8Array | null): RawRecord {
  return { topic: 't', partition: 0, offset: 0, arrivedAt: 7, key: null, value };
}

function refusal(result: DecodeResult<unknown>): string {
  return result.ok ? 'ok' : `${result.reason} ${result.detail}`;
}

function zigzag(value: bigint): Buffer {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  const bytes: number[] = [];
  for (; rest >= 128n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
  bytes.push(Number(rest));
  return Buffer.from(bytes);
}

describe('round trip', () => {
  for (const name of RECORD_NAMES) {
    test(`${name}: what is written is read, with the type at every level`, () => {
      expect(every.decode(raw(encodeFramed(name, SAMPLE_RECORDS[name])))).toEqual({ ok: true, event: SAMPLE_RECORDS[name], arrivedAt: 7 });
    });
  }

  test('the bytes of a dead letter, views included', () => {
    const bytes = new Uint8Array([9, 1, 2, 3, 9]).subarray(1, 4);
    const decoder = avroRecordDecoder({ names: ['DeadLetter'] });
    for (const [key, value] of [[null, new Uint8Array(0)], [bytes, bytes], [Buffer.from(bytes), bytes], [null, Buffer.from(bytes)]] as const) {
      const result = decoder.decode(raw(encodeFramed('DeadLetter', { ...SAMPLE_RECORDS.DeadLetter, key, value })));
      expect(result).toMatchObject({ ok: true, event: { key: key === null ? null : Buffer.from(key), value: Buffer.from(value) } });
    }
  });

  test('any keystroke record', () => {
    const float = fc.float({ noNaN: true });
    const record = fc.record({
      eventId: fc.string({ unit: 'grapheme' }),
      observedAt: fc.integer({ min: -(2 ** 52), max: 2 ** 52 - 1 }).map((n) => n + 0),
      intervalMs: fc.integer(),
      registrationLatencyMs: fc.array(float),
      networkRttMs: fc.option(float),
    });
    fc.assert(
      fc.property(record, (fields) => {
        const event = { ...SAMPLE_RECORDS.KeystrokeLatency, ...fields, eventId: fields.eventId.toWellFormed() };
        expect(telemetry.decode(raw(encodeFramed('KeystrokeLatency', event)))).toEqual({ ok: true, event, arrivedAt: 7 });
      }),
    );
  });

  test('earlier buffers stay as they are when slabs run out, and large records get their own', () => {
    const encoder = framedEncoder(fileSchemaSource());
    const letters = [10, 300_000, 20, 700_000, 5].map((size, i) => ({ ...SAMPLE_RECORDS.DeadLetter, offset: i, value: Buffer.alloc(size, i) }));
    const buffers = letters.map((letter) => encoder.encode('DeadLetter', letter));
    for (let i = 0; i < 2_000; i++) encoder.encode('Connection', SAMPLE_RECORDS.Connection);
    const decoder = avroRecordDecoder({ names: ['DeadLetter'] });
    expect(buffers.map((bytes) => decoder.decode(raw(bytes)))).toEqual(letters.map((event) => ({ ok: true, event, arrivedAt: 7 })));
  });

  test('the largest connection that ingest lets in can be read after enrichment', () => {
    const many = <T>(item: T): T[] => Array.from({ length: 512 }, () => item);
    const { event, context, network } = SAMPLE_RECORDS.EnrichedConnection;
    const text = 'x'.repeat(16_000);
    const facts = { ...network.source, organisation: 'o'.repeat(1_000) };
    const record = {
      ...SAMPLE_RECORDS.EnrichedConnection,
      event: { ...event, hops: many(event.hops[0]!), forwardedFor: many('2001:db8::1'), inputDevices: many('046d:c31c'), displayEdid: text, osTimeZone: text },
      context,
      network: { ...network, forwardedFor: many(facts), hops: many(facts), remotePeers: many(facts), route: Array.from({ length: 1_025 }, () => network.route[0]!) },
    };
    const bytes = encodeFramed('EnrichedConnection', record);
    expect(bytes.length).toBeGreaterThan(DEFAULT_DECODE_LIMITS.recordBytesMax);
    expect(avroRecordDecoder({ names: ['EnrichedConnection'] }).decode(raw(bytes))).toMatchObject({ ok: true });
  });

  test('a record that does not fit its schema stops the writer', () => {
    const broken = { ...SAMPLE_RECORDS.Vantage, latitude: 'north' as unknown as number };
    expect(() => encodeFramed('Vantage', broken)).toThrow('Vantage does not fit its schema');
  });

  test('decoding does not keep or change the input', () => {
    const bytes = encodeFramed('DeadLetter', SAMPLE_RECORDS.DeadLetter);
    const result = every.decode(raw(bytes));
    bytes.fill(0xff);
    expect(result).toEqual({ ok: true, event: SAMPLE_RECORDS.DeadLetter, arrivedAt: 7 });
  });
});

describe('hostile bytes', () => {
  const good = encodeFramed('KeystrokeLatency', SAMPLE_RECORDS.KeystrokeLatency);
  /** A frame of a KeystrokeLatency whose registrationLatencyMs is what is given, followed by what an honest record has. */
  const withArray = (array: Buffer): Buffer => {
    const empty = encodeFramed('KeystrokeLatency', { ...SAMPLE_RECORDS.KeystrokeLatency, registrationLatencyMs: [], interKeyMs: [], holdMs: [], networkRttMs: null });
    const tail = 5; // two empty arrays, the null branch, the symbol of inputOrigin – and the first array's end
    return Buffer.concat([empty.subarray(0, empty.length - tail), array, empty.subarray(empty.length - tail + 1)]);
  };
  const floats = (n: number) => Buffer.alloc(4 * n);
  const cases: [string, Buffer | null, RegExp][] = [
    ['no value', null, /^EMPTY/],
    ['nothing', Buffer.alloc(0), /^EMPTY/],
    ['no frame', Buffer.from('{"type":"Connection"}'), /^UNDECODABLE no Confluent frame/],
    ['a frame that is cut off', good.subarray(0, 4), /^UNDECODABLE no Confluent frame/],
    ['a frame without a body', good.subarray(0, 5), /^UNDECODABLE KeystrokeLatency\.eventId/],
    ['an unknown schema id', Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1]), /^UNKNOWN_SCHEMA schema id 4294967295/],
    ['a record that is not expected', encodeFramed('Vantage', SAMPLE_RECORDS.Vantage), /^UNKNOWN_TYPE .*farhand\.v1\.Vantage/],
    ['trailing bytes', Buffer.concat([good, Buffer.from([0])]), /^UNDECODABLE KeystrokeLatency: 1 bytes after its end/],
    ['too large', Buffer.concat([good, Buffer.alloc(262_144)]), /^TOO_LARGE/],
    ['a negative length', Buffer.concat([good.subarray(0, 5), zigzag(-1n), good.subarray(6)]), /^UNDECODABLE KeystrokeLatency\.eventId: a length that is negative/],
    ['a length beyond the record', Buffer.concat([good.subarray(0, 5), zigzag(2n ** 40n), good.subarray(6)]), /^UNDECODABLE .*1099511627776 bytes announced/],
    ['a varint of 11 bytes', Buffer.concat([good.subarray(0, 5), Buffer.alloc(10, 0x80), Buffer.from([0])]), /^UNDECODABLE .*eventId/],
    ['a long string', encodeFramed('KeystrokeLatency', { ...SAMPLE_RECORDS.KeystrokeLatency, eventId: 'x'.repeat(20_000) }), /^TOO_LARGE KeystrokeLatency\.eventId: 20000 bytes/],
    ['a string that is not UTF-8', Buffer.concat([good.subarray(0, 6), Buffer.from([0xc3, 0x28, 0x31]), good.subarray(9)]), /^UNDECODABLE KeystrokeLatency\.eventId: not UTF-8/],
    ['a huge block count', withArray(Buffer.concat([zigzag(2n ** 31n), floats(3)])), /^UNDECODABLE .*registrationLatencyMs: a block of 2147483648 items/],
    ['a block count beyond 2^53', withArray(zigzag(2n ** 60n)), /^UNDECODABLE .*block count/],
    ['the most negative block count', withArray(Buffer.concat([zigzag(-(2n ** 63n)), zigzag(0n)])), /^UNDECODABLE .*block/],
    ['a negative block count with a wrong size', withArray(Buffer.concat([zigzag(-2n), zigzag(4n), floats(2), zigzag(0n)])), /^UNDECODABLE .*block size that does not fit/],
    ['a block size that is negative', withArray(Buffer.concat([zigzag(-2n), zigzag(-8n), floats(2), zigzag(0n)])), /^UNDECODABLE .*block size beyond/],
    ['too many items', withArray(Buffer.concat([zigzag(5_000n), floats(5_000), zigzag(0n)])), /^ARRAY_TOO_LONG .*registrationLatencyMs: 5000 items, at most 4096/],
    ['too many items in many blocks', withArray(Buffer.concat([...Array.from({ length: 5_000 }, () => Buffer.concat([zigzag(1n), floats(1)])), zigzag(0n)])), /^ARRAY_TOO_LONG/],
  ];
  for (const [what, bytes, expected] of cases) {
    test(what, () => expect(refusal(telemetry.decode(raw(bytes)))).toMatch(expected));
  }

  test('blocks with their size in bytes, and several blocks, are read', () => {
    const array = Buffer.concat([zigzag(-2n), zigzag(8n), floats(2), zigzag(1n), floats(1), zigzag(0n)]);
    expect(telemetry.decode(raw(withArray(array)))).toMatchObject({ ok: true, event: { registrationLatencyMs: [0, 0, 0] } });
  });

  test('every prefix of every record is refused', () => {
    for (const name of RECORD_NAMES) {
      const bytes = encodeFramed(name, SAMPLE_RECORDS[name]);
      for (let end = 0; end < bytes.length; end++) expect(refusal(every.decode(raw(bytes.subarray(0, end)))), `${name} ${end}`).toMatch(/^(EMPTY|UNDECODABLE)/);
    }
  });

  test('bounds of longs: what fits in 2^52 is read, more is not; an enum or union index outside is refused', () => {
    const node = parseSchema({ type: 'record', name: 'R', fields: [{ name: 'a', type: 'long' }] });
    const guard = compileGuard(node, DEFAULT_DECODE_LIMITS);
    const walk = (value: bigint) => guard.walk(zigzag(value), 0, zigzag(value).length) > 0;
    const max = 2n ** 52n - 1n;
    expect([max, -max - 1n, 2n ** 51n + 1n, 0n, -1n].every(walk)).toBe(true);
    expect([max + 1n, -max - 2n, 2n ** 53n, 2n ** 62n, -(2n ** 63n), 2n ** 63n - 1n].some(walk)).toBe(false);
    expect(guard.walk(Buffer.from([0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02]), 0, 10)).toBe(-1); // 2^64
    const reach = (type: unknown, index: number) => compileGuard(parseSchema({ type: 'record', name: 'R', fields: [{ name: 'a', type }] }), DEFAULT_DECODE_LIMITS).walk(Buffer.from([index]), 0, 1);
    expect([reach({ type: 'enum', name: 'E', symbols: ['A'] }, 0), reach({ type: 'enum', name: 'E', symbols: ['A'] }, 2), reach({ type: 'enum', name: 'E', symbols: ['A'] }, 1)]).toEqual([1, -1, -1]);
    expect([reach(['null'], 0), reach(['null'], 2), reach(['null'], 1), reach('boolean', 1), reach('boolean', 2)]).toEqual([1, -1, -1, 1, -1]);
  });

  test('items without a size and records that contain themselves are bounded', () => {
    const zero = compileGuard(parseSchema({ type: 'record', name: 'R', fields: [{ name: 'a', type: { type: 'array', items: { type: 'array', items: 'null' } } }] }), DEFAULT_DECODE_LIMITS);
    const one = Buffer.concat([zigzag(4_000n), zigzag(0n)]);
    const bytes = Buffer.concat([zigzag(100n), ...Array.from({ length: 100 }, () => one), zigzag(0n)]);
    expect([zero.walk(bytes, 0, bytes.length), zero.fault.detail]).toEqual([-1, 'R.a[]: more than 16384 items in one record']);
    const list = compileGuard(parseSchema({ type: 'record', name: 'R', fields: [{ name: 'next', type: ['null', 'R'] }] }), DEFAULT_DECODE_LIMITS);
    const deep = Buffer.concat([Buffer.alloc(100_000, 2), Buffer.from([0])]);
    expect([list.walk(deep, 0, deep.length), list.fault.detail]).toEqual([-1, 'R: nested deeper than 16']);
  });

  test('schemas of others are bounded too', () => {
    let nested: unknown = 'int';
    for (let i = 0; i < 100; i++) nested = { type: 'array', items: nested };
    for (const schema of [nested, null, 7, {}, 'nothing', ['int', ['int']], { type: 'record', name: 'R' }, { type: 'record', name: 'a b', fields: [] }, { type: 'enum', name: 'E', symbols: ['a', 'a'] }, { type: 'fixed', name: 'F', size: 1e9 }, { type: 'record', name: 'R', fields: Array.from({ length: 5_000 }, (_, i) => ({ name: `f${i}`, type: 'int' })) }, { type: 'record', name: 'R', fields: [{ name: 'x;process.exit()', type: 'int' }] }]) {
      expect(() => parseSchema(schema)).toThrow('not a usable Avro schema');
    }
  });
});

describe('writers of other releases', () => {
  test('a writer without the fields that have defaults, in another order, with narrower numbers', () => {
    const writer = parseSchema({
      type: 'record',
      name: 'Feedback',
      namespace: 'farhand.v1',
      fields: [
        { name: 'at', type: 'int' },
        { name: 'by', type: 'string' },
        { name: 'unknown', type: { type: 'map', values: ['null', 'double'] } },
        { name: 'verdict', type: { type: 'enum', name: 'Verdict', symbols: ['BENIGN', 'CONFIRMED'] } },
        { name: 'tenantId', type: 'string' },
      ],
    });
    const reader = compileReader('Feedback', writer, DEFAULT_DECODE_LIMITS);
    const bytes = Buffer.concat([zigzag(5n), Buffer.from('\u0002b'), zigzag(1n), Buffer.from('\u0002k'), zigzag(0n), zigzag(0n), zigzag(0n), Buffer.from('\u0002t')]);
    expect(reader.read(bytes, 0, bytes.length)).toEqual({ type: 'Feedback', tenantId: 't', sessionId: null, findingId: null, verdict: 'BENIGN', reason: null, by: 'b', at: 5 });
  });

  test('a writer whose records cannot be ours is refused when its reader is made', () => {
    expect(() => compileReader('Vantage', parseSchema({ type: 'record', name: 'Vantage', namespace: 'farhand.v1', fields: [] }), DEFAULT_DECODE_LIMITS)).toThrow('cannot be read as Vantage');
  });

  test('reference records have their own decoder', () => {
    const reference = avroRecordDecoder({ names: REFERENCE_RECORDS });
    for (const name of REFERENCE_RECORDS as readonly RecordName[]) expect(reference.decode(raw(encodeFramed(name, SAMPLE_RECORDS[name] as never)))).toMatchObject({ ok: true });
    expect(refusal(reference.decode(raw(encodeFramed('Connection', SAMPLE_RECORDS.Connection))))).toMatch(/^UNKNOWN_TYPE/);
    expect(encodeBody('Vantage', SAMPLE_RECORDS.Vantage).length).toBe(encodeFramed('Vantage', SAMPLE_RECORDS.Vantage).length - 5);
  });
});
