import { describe, expect, test } from 'vitest';
import type { RawRecord } from '#lib/runner/task.ts';
import { deadLetterToNdjson } from './dead-letter.ts';
import { type DecodeResult, HISTORY_RECORDS, TELEMETRY_RECORDS } from './decoder.ts';
import { findingToNdjson, ndjsonRecordDecoder, toNdjson } from './ndjson.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { shortestFloat } from './shape.ts';

const decoder = ndjsonRecordDecoder();

function decode(line: unknown, arrivedAt: number | null = null): DecodeResult<unknown> {
  const text = typeof line === 'string' ? line : JSON.stringify(line);
  const record: RawRecord = { topic: 'day.ndjson', partition: 0, offset: 1, arrivedAt, key: null, value: Buffer.from(text) };
  return decoder.decode(record);
}

function refusal(result: DecodeResult<unknown>): string {
  return result.ok ? 'ok' : `${result.reason} ${result.detail}`;
}

const KEYS = {
  type: 'KeystrokeLatency', eventId: 'e', tenantId: 't', sessionId: 's', deviceId: 'd', userId: 'u', observedAt: 1, intervalMs: 1000,
  vantageId: 'v', sensor: 'BASTION', latencyClock: 'ROUND_TRIP', inputOrigin: 'UNKNOWN',
};
const CONNECTION = { type: 'Connection', eventId: 'e', tenantId: 't', sessionId: 's', deviceId: 'd', userId: 'u', observedAt: 1, vantageId: 'v', phase: 'OPEN', sourceIp: '192.0.2.1' };

describe('reading', () => {
  for (const name of HISTORY_RECORDS) {
    test(`${name}: what is written is read`, () => {
      const line = toNdjson(SAMPLE_RECORDS[name], 99);
      expect(line.startsWith(`{"type":"${name}",`)).toBe(true);
      expect(line.endsWith('\n')).toBe(true);
      expect(decode(line.trimEnd())).toEqual({ ok: true, event: SAMPLE_RECORDS[name], arrivedAt: 99 });
    });
  }

  test('absent nullable fields are null, absent arrays empty, absent defaults the contract’s; unknown fields are left out', () => {
    expect(decode({ ...KEYS, extra: 1, __proto__: { polluted: true } })).toEqual({
      ok: true,
      event: { ...KEYS, clockErrorMs: 0, registrationLatencyMs: [], interKeyMs: [], holdMs: [], networkRttMs: null },
      arrivedAt: null,
    });
    const result = decode(`${JSON.stringify(CONNECTION).slice(0, -1)},"__proto__":{"mss":1}}`);
    expect(result).toMatchObject({ ok: true, event: { hops: [], forwardedFor: [], remoteTools: [], inputDevices: [], mss: null, transport: 'TCP', displayEdid: null } });
    expect(decode({ ...CONNECTION, hops: [{ ttl: 3 }], remoteTools: [{ name: 'x', active: false }] })).toMatchObject({
      event: { hops: [{ ttl: 3, ip: null, rttMs: null }], remoteTools: [{ name: 'x', peerIp: null, active: false }] },
    });
  });

  test('floats are those of Avro: 32 bits; the shortest decimal of them is written', () => {
    const result = decode({ ...KEYS, holdMs: [110.1, 1e-40, 16777217], clockErrorMs: 0.3 });
    expect(result).toMatchObject({ event: { holdMs: [110.1, 1e-40, 16777217].map(Math.fround), clockErrorMs: Math.fround(0.3) } });
    for (const value of [110.1, 0.3, 1 / 3, 123456.789, 1e-7, 3.4e38, 16777217, 0.1 + 0.2]) {
      expect(Math.fround(shortestFloat(value))).toBe(Math.fround(value));
      expect(String(shortestFloat(Math.fround(value))).length).toBeLessThanOrEqual(String(Math.fround(value)).length);
    }
    expect(toNdjson({ ...SAMPLE_RECORDS.KeystrokeLatency, clockErrorMs: Math.fround(110.1) })).toContain('"clockErrorMs":110.1,');
  });

  test('arrival: the line says it, else the log', () => {
    expect(decode({ ...KEYS, arrivedAt: 5 }, 9)).toMatchObject({ ok: true, arrivedAt: 5 });
    expect(decode({ ...KEYS, arrivedAt: null }, 9)).toMatchObject({ ok: true, arrivedAt: 9 });
    expect(refusal(decode({ ...KEYS, arrivedAt: 'now' }))).toMatch(/^WRONG_TYPE arrivedAt/);
  });
});

describe('refusals name the field', () => {
  const cases: [string, unknown, RegExp][] = [
    ['garbage', 'not json at all', /^NOT_JSON not JSON/],
    ['cut off', '{"type":"Connection"', /^NOT_JSON/],
    ['an array', '[1]', /^NOT_JSON not a JSON object/],
    ['a number', '7', /^NOT_JSON/],
    ['nothing', '', /^EMPTY/],
    ['no type', { eventId: 'e' }, /^UNKNOWN_TYPE type: is required/],
    ['an unknown type', { type: 'SuspiciousSession' }, /^UNKNOWN_TYPE type: "SuspiciousSession"/],
    ['a type of the prototype', { type: 'toString' }, /^UNKNOWN_TYPE/],
    ['a missing field', { ...KEYS, eventId: undefined }, /^MISSING_FIELD eventId: is required/],
    ['a missing inner field', { ...CONNECTION, hops: [{ ttl: 1 }, { ip: '::' }] }, /^MISSING_FIELD hops\[1\]\.ttl/],
    ['null where a value is required', { ...KEYS, userId: null }, /^WRONG_TYPE userId: a string is required, got null/],
    ['a number as text', { ...KEYS, observedAt: '1795414000000' }, /^WRONG_TYPE observedAt: an integer within 2\^52 is required, got the string "1795414000000"/],
    ['a time with a fraction', { ...KEYS, observedAt: 1.5 }, /^WRONG_TYPE observedAt/],
    ['a time beyond 2^53', JSON.stringify(KEYS).replace('"observedAt":1', '"observedAt":99999999999999999999'), /^WRONG_TYPE observedAt/],
    ['an int beyond 32 bits', { ...KEYS, intervalMs: 2 ** 31 }, /^WRONG_TYPE intervalMs: an integer of 32 bits/],
    ['an unknown symbol', { ...KEYS, sensor: 'TOASTER' }, /^WRONG_TYPE sensor: one of ENDPOINT_AGENT, .* is required, got the string "TOASTER"/],
    ['a symbol of the prototype', { ...KEYS, sensor: 'constructor' }, /^WRONG_TYPE sensor/],
    ['an array that is none', { ...KEYS, holdMs: { length: 3 } }, /^WRONG_TYPE holdMs: an array/],
    ['a null in an array', { ...KEYS, holdMs: [1, null] }, /^WRONG_TYPE holdMs\[1\]: a number is required, got null/],
    ['a text in an array', { ...KEYS, interKeyMs: ['1'] }, /^WRONG_TYPE interKeyMs\[0\]/],
    ['a hop that is none', { ...CONNECTION, hops: [7] }, /^WRONG_TYPE hops\[0\]\.: an object|^WRONG_TYPE hops\[0\]/],
    ['half a surrogate pair', JSON.stringify({ ...KEYS, eventId: 'X' }).replace('X', '\\ud800'), /^WRONG_TYPE eventId: well-formed/],
    ['too many items', { ...KEYS, holdMs: Array.from({ length: 5_000 }, () => 1) }, /^ARRAY_TOO_LONG holdMs: 5000 items, at most 4096/],
    ['a long line', { ...KEYS, eventId: 'x'.repeat(300_000) }, /^TOO_LARGE/],
    ['a nest', '['.repeat(100_000) + ']'.repeat(100_000), /^NOT_JSON/],
    ['a nest in a field', `{"type":"Connection","hops":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, /^MISSING_FIELD/],
  ];
  for (const [what, line, expected] of cases) test(what, () => expect(refusal(decode(line))).toMatch(expected));

  test('bytes that are not UTF-8', () => {
    const record: RawRecord = { topic: 'f', partition: 0, offset: 1, arrivedAt: null, key: null, value: Buffer.from([0x7b, 0xff, 0x7d]) };
    expect(refusal(decoder.decode(record))).toBe('NOT_JSON not UTF-8');
    expect(refusal(decoder.decode({ ...record, value: null }))).toMatch(/^EMPTY/);
  });

  test('a long value is never repeated in the detail', () => {
    const secret = 'k'.repeat(100);
    expect(refusal(decode({ ...KEYS, sensor: secret }))).not.toContain(secret);
    expect(refusal(decode({ type: secret }))).not.toContain(secret);
    expect(refusal(decode(`{"a":${secret}}`))).not.toContain('kkkk');
  });

  test('a decoder for telemetry refuses reference data', () => {
    const record = { topic: 'f', partition: 0, offset: 1, arrivedAt: null, key: null, value: Buffer.from(toNdjson(SAMPLE_RECORDS.Vantage)) };
    expect(refusal(ndjsonRecordDecoder({ names: TELEMETRY_RECORDS }).decode(record))).toMatch(/^UNKNOWN_TYPE/);
  });
});

describe('writing', () => {
  test('a finding has the fields of the contract in their order, whatever order the object has, and no type', () => {
    const { type, ...fields } = SAMPLE_RECORDS.SuspiciousSession;
    const reversed = Object.fromEntries(Object.entries(fields).toReversed()) as typeof fields;
    const line = findingToNdjson({ type, ...reversed });
    expect(line).toBe(findingToNdjson(SAMPLE_RECORDS.SuspiciousSession));
    expect(JSON.parse(line)).toEqual(fields);
    expect(Object.keys(JSON.parse(line) as object).slice(0, 4)).toEqual(['findingId', 'revision', 'status', 'tenantId']);
  });

  test('a record that does not have its shape is not written', () => {
    expect(() => toNdjson({ ...SAMPLE_RECORDS.Vantage, latitude: 'x' as unknown as number })).toThrow('Vantage cannot be written: latitude');
  });

  test('a dead letter carries its bytes, as text too where they are text', () => {
    const letter = { ...SAMPLE_RECORDS.DeadLetter, value: Buffer.from('{"type":"X"}') };
    expect(JSON.parse(deadLetterToNdjson(letter))).toEqual({
      reason: 'UNDECODABLE',
      detail: 'Connection.hops: cut off',
      topic: 'telemetry.connection.v1',
      partition: 3,
      offset: 4_503_599_627_370_495,
      arrivedAt: null,
      keyBase64: Buffer.from('acme|älice').toString('base64'),
      valueBase64: Buffer.from('{"type":"X"}').toString('base64'),
      value: '{"type":"X"}',
    });
    for (const value of [Buffer.from([0xff, 0xfe]), Buffer.from([0, 0, 0, 0, 1]), Buffer.alloc(5_000, 65)]) {
      const line = JSON.parse(deadLetterToNdjson({ ...letter, key: null, value })) as Record<string, unknown>;
      expect(line['value']).toBeUndefined();
      expect(Buffer.from(line['valueBase64'] as string, 'base64').equals(value)).toBe(true);
      expect(line['keyBase64']).toBeNull();
    }
  });
});
