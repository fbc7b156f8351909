import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { EnrichedEvent } from '#schemas/records.ts';
import { encodeFramed, framedEncoder } from './encode.ts';
import { SAMPLE_RECORDS } from './sample-records.ts';
import { fileSchemaSource } from './schema-source.ts';

const encoder = framedEncoder(fileSchemaSource());
const { EnrichedKeystrokes, EnrichedConnection, KeystrokeLatency } = SAMPLE_RECORDS;

test('an enriched record around the frame of its event is the same bytes as one that is written anew, wherever a slab ends', () => {
  const floats = fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }), { maxLength: 40 });
  const text = fc.string({ maxLength: 300 });
  const records = fc.oneof(
    fc.record({ registrationLatencyMs: floats, userId: text }).map((change): EnrichedEvent => ({ ...EnrichedKeystrokes, event: { ...EnrichedKeystrokes.event, ...change } })),
    fc.record({ forwardedFor: fc.array(text, { maxLength: 9 }) }).map((change): EnrichedEvent => ({ ...EnrichedConnection, event: { ...EnrichedConnection.event, ...change } })),
  );
  let bytes = 0;
  fc.assert(
    fc.property(records, (record) => {
      const frame = encodeFramed(record.event.type, record.event as never);
      expect(encoder.mayPass(record.event.type, frame)).toBe(true);
      const around = encoder.encodeAround(frame, record);
      bytes += around.length;
      expect(around).toEqual(encodeFramed(record.type, record as never));
    }),
    { numRuns: 2_000 },
  );
  expect(bytes, 'several slabs').toBeGreaterThan(2 * 262_144);
});

test('what enrich adds is written as the Avro library writes it, whatever it is', () => {
  const text = fc.oneof(fc.string({ maxLength: 100 }), fc.string({ unit: 'grapheme', maxLength: 70 }), fc.constantFrom('x'.repeat(63), 'x'.repeat(64), 'é'.repeat(32), 'x'.repeat(62) + 'é'));
  const orNull = <T>(value: fc.Arbitrary<T>) => fc.oneof(value, fc.constant(null));
  const double = orNull(fc.double());
  const time = fc.maxSafeInteger();
  const address = fc.record({ ip: text, country: orNull(text), latitude: double, longitude: double, asn: orNull(fc.nat(4_294_967_295)), organisation: orNull(text), category: fc.constantFrom('TOR', 'UNKNOWN') }).map((change) => ({ ...EnrichedConnection.network.source, ...change }));
  const network = fc.record({
    source: address,
    hops: fc.array(orNull(address), { maxLength: 70 }),
    route: fc.array(fc.record({ distanceKm: double, floorRttMs: double, rttStepMs: double, toIp: text }), { maxLength: 5 }),
    databases: fc.array(fc.record({ name: text, version: text, builtAt: time }), { maxLength: 4 }),
  });
  const assignment = fc.record({ deviceId: text, validFrom: time, validTo: orNull(time) }).map((change) => ({ ...EnrichedKeystrokes.context.assignment!, ...change }));
  fc.assert(
    fc.property(network, orNull(assignment), (facts, assigned) => {
      const record = { ...EnrichedConnection, context: { ...EnrichedConnection.context, assignment: assigned }, network: { ...EnrichedConnection.network, ...facts } } as typeof EnrichedConnection;
      expect(encoder.encodeAround(encodeFramed('Connection', record.event), record)).toEqual(encodeFramed('EnrichedConnection', record));
    }),
    { numRuns: 1_000 },
  );
});

test('what does not fit its schema is not written', () => {
  const frame = encodeFramed('KeystrokeLatency', KeystrokeLatency);
  const { vantage } = EnrichedKeystrokes.context;
  for (const wrong of [{ ...vantage, latitude: '1' }, { ...vantage, name: null }, {}]) {
    const record = { ...EnrichedKeystrokes, context: { ...EnrichedKeystrokes.context, vantage: wrong } } as unknown as EnrichedEvent;
    expect(() => encoder.encodeAround(frame, record)).toThrow(/EnrichedKeystrokes does not fit its schema/);
  }
});

test('what may not pass: another record, another schema, no frame, and what is long', () => {
  const frame = encodeFramed('KeystrokeLatency', KeystrokeLatency);
  const other = Buffer.from(frame);
  other.writeUInt32BE(77, 1);
  expect(encoder.mayPass('KeystrokeLatency', frame)).toBe(true);
  expect(encoder.mayPass('Connection', frame)).toBe(false);
  expect(encoder.mayPass('KeystrokeLatency', other)).toBe(false);
  expect(encoder.mayPass('KeystrokeLatency', Buffer.from('{"type":"KeystrokeLatency"}'))).toBe(false);
  expect(encoder.mayPass('KeystrokeLatency', new Uint8Array(3))).toBe(false);
  expect(encoder.mayPass('KeystrokeLatency', Buffer.concat([frame, Buffer.alloc(16_384)]))).toBe(false);
});
