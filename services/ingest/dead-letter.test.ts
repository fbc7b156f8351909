import { describe, expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { ingestConfigSchema } from './config.ts';
import { createIngestTask } from './task.ts';
import { AT, connection, decoderOf, keystrokes, raw } from './test-records.ts';

const MIB = 1024 * 1024;
const encoder = framedEncoder(fileSchemaSource());

async function lettersOf(records: readonly RawRecord[], decoder = avroRecordDecoder()): Promise<{ letter: DeadLetter; key: Uint8Array | null; bytes: number; timestampMs: number }[]> {
  const task = createIngestTask({ config: ingestConfigSchema.parse({}), decoder, encoder, state: createMemoryState() });
  const sent: { key: Uint8Array | null; value: Uint8Array; timestampMs: number }[] = [];
  await task.process(records, { emit: (output, key, value, timestampMs) => void (output === 'deadLetters' && sent.push({ key, value, timestampMs })) });
  const letters = avroRecordDecoder({ names: ['DeadLetter'] });
  return sent.map(({ key, value, timestampMs }) => {
    const result = letters.decode(raw(value));
    if (!result.ok) throw new Error(result.detail);
    return { letter: result.event, key, bytes: value.length + (key?.length ?? 0), timestampMs };
  });
}

describe('the time of a dead letter', () => {
  const wrong = (observedAt: number) => encodeFramed('KeystrokeLatency', keystrokes({ observedAt, intervalMs: 0 }));
  const DAY = 86_400_000;

  it.each([
    ['its own, where it could be decoded', wrong(AT), AT + 10, AT],
    ['its own, where nobody knows when it came', wrong(AT), null, AT],
    ['its arrival, where its clock is ahead of it', encodeFramed('Connection', connection({ observedAt: AT + DAY })), AT, AT],
    ['its arrival, where it could not be decoded', Buffer.from('?'), AT + 10, AT + 10],
    ['its arrival, where it says no time', wrong(-5), AT + 10, AT + 10],
    ['unknown, where nothing is known', Buffer.from('?'), null, 0],
  ])('%s', async (_what, value, arrivedAt, expected) => {
    expect((await lettersOf([raw(value, 1, arrivedAt)])).map(({ timestampMs }) => timestampMs)).toEqual([expected]);
  });

  it.each([NaN, 1.5, 1e300])('is never %d', async (observedAt) => {
    const events = [keystrokes({ observedAt })];
    expect((await lettersOf([raw(Buffer.from('x'), 0, AT)], decoderOf(events)))[0]!.timestampMs).toBe(AT);
  });
});

describe('the bytes of a dead letter', () => {
  const filled = (bytes: number) => Buffer.alloc(bytes, 'x');

  it('are all there up to a MiB of key and value', async () => {
    const [short, long] = await lettersOf([{ ...raw(filled(MIB - 64_000)), key: filled(64_000) }, { ...raw(filled(10)), key: filled(MIB - 10) }]);
    expect([short!.letter.value.length, short!.letter.key!.length, short!.key!.length]).toEqual([MIB - 64_000, 64_000, 64_000]);
    expect([long!.letter.value.length, long!.letter.key!.length, long!.key]).toEqual([10, MIB - 10, null]);
    for (const { letter, bytes } of [short!, long!]) {
      expect(letter.detail).not.toContain('kept');
      expect(bytes).toBeLessThan(2 * MIB - 1_000);
    }
  });

  it('are none where the record has no value', async () => {
    const [none, empty] = await lettersOf([raw(null), raw(Buffer.alloc(0))]);
    expect([none!.letter, empty!.letter]).toMatchObject([{ reason: 'EMPTY', value: Buffer.alloc(0) }, { reason: 'EMPTY', value: Buffer.alloc(0) }]);
  });

  it('are cut beyond that, and the detail says so', async () => {
    const [value, key] = await lettersOf([{ ...raw(filled(40 * MIB)), key: filled(5) }, { ...raw(filled(9)), key: filled(3 * MIB) }]);
    expect([value!.letter.value.length, value!.letter.key!.length, value!.key!.length]).toEqual([MIB - 5, 5, 5]);
    expect(value!.letter).toMatchObject({ reason: 'TOO_LARGE', detail: expect.stringMatching(/; kept are the first 1048576 of 41943045 bytes of key and value$/) as string });
    expect([key!.letter.value.length, key!.letter.key!.length, key!.key]).toEqual([0, MIB, null]);
  });
});
