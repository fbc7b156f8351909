import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordNode } from './avro-schema.ts';
import { HISTORY_RECORDS } from './decoder.ts';
import { FloatPool } from './float-pool.ts';
import { compileLineScanner } from './line-scanner.ts';
import { ndjsonRecordDecoder, toNdjson } from './ndjson.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { schemaOf } from './schemas.ts';
import { compileShape } from './shape.ts';

const ITEMS_MAX = 40;
const nodes = new Map(HISTORY_RECORDS.map((name) => [name, schemaOf(name).node as RecordNode]));
const pool = new FloatPool();
/** With arrays that are used again and among other bytes, and without: both say the same. */
const pooled = compileLineScanner(nodes, ITEMS_MAX, pool);
const own = compileLineScanner(nodes, ITEMS_MAX);
function scan(line: Uint8Array): { event: unknown; arrivedAt: number | null } | undefined {
  const answer = own(line, 0, line.length, null);
  pool.release();
  expect(pooled(Buffer.concat([Buffer.from('{"type":'), line, Buffer.alloc(80, '9')]), 8, 8 + line.length, null)).toEqual(answer);
  return answer && { event: answer.event, arrivedAt: answer.arrivedAt };
}
const shapes = new Map([...nodes].map(([name, node]) => [name as string, compileShape(node, { arrayItemsMax: ITEMS_MAX, floats: 'float32', tagged: true })]));

/** What JSON.parse and the shape make of a line; null where they refuse it. */
function slowly(line: Buffer): { event: unknown; arrivedAt: number | null } | null {
  try {
    const value = JSON.parse(line.toString('utf8')) as { type: string; arrivedAt?: unknown };
    const { arrivedAt = null } = value;
    if (arrivedAt !== null && !Number.isSafeInteger(arrivedAt)) return null;
    return { event: shapes.get(value.type)!(value), arrivedAt: arrivedAt as number | null };
  } catch {
    return null;
  }
}

const number = fc.oneof(
  { arbitrary: fc.integer({ min: 0, max: 1e6 }).map((value) => value / 100), weight: 30 },
  fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e6, max: 1e6 }),
  fc.integer({ min: -1e9, max: 1e9 }).map((value) => value / 100),
  fc.constantFrom(0, -0, 0.1, 1e-7, 1e21, 123456789012345, 1234567890123456),
);
const word = fc.oneof({ arbitrary: fc.stringMatching(/^[a-z0-9-]{1,20}$/), weight: 12 }, fc.stringMatching(/^[ -~]{0,20}$/), fc.string({ unit: 'grapheme', maxLength: 5 }), fc.constantFrom('a"b', 'a\\b', 'ü', '\u007f', ''));
const keystrokes = fc.record({
  eventId: word, tenantId: word, userId: word,
  observedAt: fc.oneof({ arbitrary: fc.integer({ min: 0, max: 2 ** 41 }), weight: 12 }, fc.integer({ min: 0, max: 2 ** 53 - 1 }), fc.constantFrom(-1, -0, 1.5, 2 ** 52)),
  intervalMs: fc.oneof({ arbitrary: fc.nat(30_000), weight: 12 }, fc.integer({ min: -(2 ** 32), max: 2 ** 32 })),
  clockErrorMs: number,
  registrationLatencyMs: fc.array(number, { maxLength: 45 }),
  networkRttMs: fc.option(number),
}).map((change) => ({ ...SAMPLE_RECORDS.KeystrokeLatency, ...change }));

describe('the quick way of a line', () => {
  it('takes every record as toNdjson writes it', () => {
    for (const name of HISTORY_RECORDS) {
      const line = Buffer.from(toNdjson(SAMPLE_RECORDS[name], 1_795_414_000_000).trimEnd());
      expect(scan(line)).toEqual({ event: SAMPLE_RECORDS[name], arrivedAt: 1_795_414_000_000 });
      expect(scan(line)).toEqual(slowly(line));
    }
    const spaced = '{"type": "Vantage", "vantageId": "v", "latitude": 1.5, "longitude": -0.25, "name": "n"}';
    expect(scan(Buffer.from(spaced))).toEqual({ event: { type: 'Vantage', vantageId: 'v', latitude: 1.5, longitude: -0.25, name: 'n' }, arrivedAt: null });
    expect(scan(Buffer.from('{"name":"n","type":"Vantage"}'))).toBeUndefined();
  });

  it('answers what JSON.parse would, or leaves it to it', () => {
    let plain = 0;
    fc.assert(
      fc.property(keystrokes, fc.constantFrom('', ' '), (record, space) => {
        const line = Buffer.from(JSON.stringify(record, null, space === '' ? undefined : 0).replaceAll('":', `":${space}`));
        const scanned = scan(line);
        if (scanned === undefined) return;
        plain++;
        expect(scanned).toEqual(slowly(line));
      }),
      { numRuns: 3000 },
    );
    expect(plain).toBeGreaterThan(300);
  });

  it('never takes what JSON.parse refuses or reads otherwise, whatever bytes are broken', () => {
    const lines = HISTORY_RECORDS.map((name) => Buffer.from(toNdjson(SAMPLE_RECORDS[name], 5).trimEnd()));
    const bytes = [...Buffer.from('{}[]",:0-.eE+ \\\tntf\u00ff'), 0x80];
    fc.assert(
      fc.property(fc.constantFrom(...lines), fc.array(fc.tuple(fc.nat(2000), fc.constantFrom(...bytes), fc.nat(2)), { minLength: 1, maxLength: 3 }), (line, edits) => {
        let broken = Buffer.from(line);
        for (const [place, byte, how] of edits) {
          const at = place % broken.length;
          if (how === 0) broken[at] = byte;
          else if (how === 1) broken = Buffer.concat([broken.subarray(0, at), Buffer.from([byte]), broken.subarray(at)]);
          else broken = Buffer.concat([broken.subarray(0, at), broken.subarray(at + 1)]);
        }
        const scanned = scan(broken);
        if (scanned !== undefined) expect([broken.toString('latin1'), scanned]).toEqual([broken.toString('latin1'), slowly(broken)]);
      }),
      { numRuns: 20_000 },
    );
  });

  it('leaves a decoder’s answers as they are', () => {
    const decoder = ndjsonRecordDecoder();
    const raw = (text: string) => ({ topic: 'f', partition: 0, offset: 1, arrivedAt: 7, key: null, value: Buffer.from(text) });
    expect(decoder.decode(raw('{"type":"Vantage","vantageId":"v","latitude":1,"longitude":2,"name":"n"}'))).toMatchObject({ ok: true, arrivedAt: 7 });
    expect(decoder.decode(raw('{"type":"Vantage","latitude":1,"longitude":2,"name":"n"}'))).toMatchObject({ ok: false, reason: 'MISSING_FIELD' });
    expect(decoder.decode(raw('{"type":"Nothing","vantageId":"v"}'))).toMatchObject({ ok: false, reason: 'UNKNOWN_TYPE' });
  });
});
