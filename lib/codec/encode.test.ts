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
