import { expect, test } from 'vitest';
import { avroRecordDecoder } from './avro.ts';
import { asDecoded } from './canonical.ts';
import { HISTORY_RECORDS } from './decoder.ts';
import { encodeFramed } from './encode.ts';
import { ndjsonRecordDecoder, toNdjson } from './ndjson.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';

test('an object, its Avro bytes and its NDJSON line give the same record to the last bit', () => {
  const keys = { ...SAMPLE_RECORDS.KeystrokeLatency, holdMs: [110.1, 1 / 3, 1e-9], networkRttMs: 38.123456789, clockErrorMs: 0.1 };
  const connection = { ...SAMPLE_RECORDS.Connection, rttMinMs: 36.6, hops: [{ ttl: 1, ip: null, rttMs: 0.7 }] };
  const records = [...HISTORY_RECORDS.map((name) => SAMPLE_RECORDS[name]), keys, connection];
  const framed = avroRecordDecoder({ names: HISTORY_RECORDS });
  const raw = (value: Uint8Array) => ({ topic: '', partition: 0, offset: 0, arrivedAt: null, key: null, value });
  for (const record of records) {
    const event = asDecoded(record);
    expect(framed.decode(raw(encodeFramed(record.type, record as never)))).toEqual({ ok: true, event, arrivedAt: null });
    expect(ndjsonRecordDecoder().decode(raw(Buffer.from(toNdjson(record))))).toEqual({ ok: true, event, arrivedAt: null });
    expect(Object.keys(event)).toEqual(Object.keys(asDecoded(event)));
  }
  expect(keys.holdMs[0]).toBe(110.1); // the argument is not changed
});
