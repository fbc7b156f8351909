import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { ingestConfigSchema } from './config.ts';
import { AT, connection, decoderOf, keystrokes, raw } from './test-records.ts';
import { buildIngest } from './topology.ts';

const config = ingestConfigSchema.parse({});
const framed = (event: TelemetryEvent) => encodeFramed(event.type, event);
const avroIngest = () => buildIngest({ config, decoder: avroRecordDecoder(), state: createMemoryState() });

describe('ingest', () => {
  it('keeps the order of what passes, counts repeats and keeps the bytes of what fails', () => {
    const first = keystrokes({ eventId: 'k-1' });
    const second = connection({ eventId: 'c-1', observedAt: AT + 1000 });
    const wrong = framed(keystrokes({ eventId: 'k-2', holdMs: [70_000] }));
    const garbage = new TextEncoder().encode('hello');
    const batch = [framed(first), garbage, framed(second), wrong, framed(first), null].map((value, i) => raw(value, i + 10, AT + 2000));
    const result = avroIngest().process(batch);
    expect(result.events).toEqual([first, second]);
    expect(result.duplicates).toBe(1);
    expect(result.deadLetters.map(({ reason, offset }) => [reason, offset])).toEqual([
      ['UNDECODABLE', 11],
      ['LATENCY_RANGE', 13],
      ['EMPTY', 15],
    ]);
    expect(Buffer.compare(result.deadLetters[0]!.value, garbage)).toBe(0);
    expect(Buffer.compare(result.deadLetters[1]!.value, wrong)).toBe(0);
    expect(result.deadLetters[1]).toMatchObject({ topic: 'telemetry', partition: 0, arrivedAt: AT + 2000 });
  });

  it('believes the arrival that the record names over that of the log', () => {
    const line = JSON.stringify({ ...keystrokes({ observedAt: AT }), arrivedAt: AT - 400_000 });
    const decoder = ndjsonRecordDecoder({ names: TELEMETRY_RECORDS });
    const pipeline = buildIngest({ config, decoder, state: createMemoryState() });
    const { deadLetters } = pipeline.process([raw(new TextEncoder().encode(line), 1, AT)]);
    expect(deadLetters.map(({ reason, arrivedAt }) => [reason, arrivedAt])).toEqual([['CLOCK_AHEAD', AT - 400_000]]);
  });

  it('remembers a rejected record as not seen, so that its corrected repeat passes', () => {
    const pipeline = avroIngest();
    expect(pipeline.process([raw(framed(keystrokes({ intervalMs: 0 })))]).deadLetters).toHaveLength(1);
    expect(pipeline.process([raw(framed(keystrokes()))]).events).toHaveLength(1);
    expect(pipeline.process([raw(framed(keystrokes()))]).duplicates).toBe(1);
  });

  it('neither throws nor lets anything unchecked pass, whatever the bytes', () => {
    const pipeline = avroIngest();
    const good = [framed(keystrokes()), framed(connection())];
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 200 }),
      fc.uint8Array({ maxLength: 60 }).map((body) => Buffer.concat([good[0]!.subarray(0, 5), body])),
      fc.tuple(fc.nat(1), fc.nat(400), fc.uint8Array({ minLength: 1, maxLength: 9 })).map(([which, at, bytes]) => {
        const copy = Buffer.from(good[which]!);
        copy.set(bytes.subarray(0, Math.max(0, copy.length - at)), Math.min(at, copy.length));
        return copy;
      }),
      fc.tuple(fc.nat(1), fc.nat(400)).map(([which, length]) => good[which]!.subarray(0, length)),
    );
    fc.assert(
      fc.property(hostile, (bytes) => {
        const { events, deadLetters, duplicates } = pipeline.process([raw(bytes, 1, AT)]);
        expect(events.length + deadLetters.length + duplicates).toBe(1);
        for (const event of events) expect(JSON.stringify(event).length).toBeLessThan(100_000);
      }),
      { numRuns: 4000 },
    );
  });

  it('takes no memory for what the bytes merely announce', () => {
    const pipeline = avroIngest();
    const head = framed(keystrokes()).subarray(0, 5);
    // Strings and arrays of 2^31 and more items, negative block counts and lengths, repeated to fill a record.
    const varints = [[0xfe, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0x0f], [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01], [0x01, 0x02]];
    const before = process.memoryUsage();
    const batch = Array.from({ length: 2000 }, (_, i) => raw(Buffer.concat([head, ...Array.from({ length: 40 }, (_, j) => Buffer.from(varints[(i + j) % 4]!))]), i));
    expect(pipeline.process(batch).deadLetters).toHaveLength(2000);
    const after = process.memoryUsage();
    expect(after.heapUsed + after.external - before.heapUsed - before.external).toBeLessThan(64 * 1024 * 1024);
  });

  it('validates and de-duplicates at least 50,000 events per second of CPU time', () => {
    const samples = Array.from({ length: 40 }, (_, i) => 20 + i);
    const events = Array.from({ length: 60_000 }, (_, i) =>
      keystrokes({ eventId: `01890000-0000-7000-8000-${String(i).padStart(12, '0')}`, registrationLatencyMs: samples, interKeyMs: samples, holdMs: samples }),
    );
    const pipeline = buildIngest({ config, decoder: decoderOf(events), state: createMemoryState() });
    const records: RawRecord[] = events.map((_, i) => raw(new Uint8Array([1]), i));
    const start = process.cpuUsage();
    for (let i = 0; i < records.length; i += 1000) expect(pipeline.process(records.slice(i, i + 1000)).events).toHaveLength(1000);
    const { user, system } = process.cpuUsage(start); // µs; not the wall clock, because cores are shared
    const perSecond = (events.length / (user + system)) * 1e6;
    expect(pipeline.seen.entries).toBe(60_000);
    expect(perSecond).toBeGreaterThan(50_000);
  });
});
