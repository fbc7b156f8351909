import { expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import { ingestConfigSchema } from './config.ts';
import { createIngestTask, type IngestBatch } from './task.ts';
import { AT, keystrokes, raw } from './test-records.ts';

it('emits framed records keyed by person, stamped with their event time, and dead letters with their origin', async () => {
  const batches: IngestBatch[] = [];
  const state = createCapturedState();
  const task = createIngestTask({
    config: ingestConfigSchema.parse({}),
    decoder: avroRecordDecoder(),
    encoder: framedEncoder(fileSchemaSource()),
    state,
    onBatch: (batch) => batches.push(batch),
  });
  const emitted: { output: string; key: string | null; value: Uint8Array; timestampMs: number }[] = [];
  const event = keystrokes({ userId: 'zoë' });
  await task.process([raw(encodeFramed('KeystrokeLatency', event), 5, AT + 10), raw(Buffer.from('?'), 6, AT + 11)], {
    emit: (output, key, value, timestampMs) => emitted.push({ output, key: key === null ? null : Buffer.from(key).toString('utf8'), value, timestampMs }),
  });
  await task.flush({ emit: () => expect.unreachable() });
  expect(emitted.map(({ output, key, timestampMs }) => [output, key, timestampMs])).toEqual([
    ['events', 'acme|zoë', AT],
    ['deadLetters', null, AT + 11],
  ]);
  expect(avroRecordDecoder().decode(raw(emitted[0]!.value))).toMatchObject({ ok: true, event });
  const letter = avroRecordDecoder({ names: ['DeadLetter'] }).decode(raw(emitted[1]!.value));
  expect(letter).toMatchObject({ ok: true, event: { reason: 'UNDECODABLE', topic: 'telemetry', offset: 6 } });
  expect(batches[0]).toMatchObject({ events: 1, duplicates: 0, seen: { entries: 1, buckets: 1 } });
  expect(state.changedKeys).toBe(1);
});

it('hands on what came in our schema as it came, and writes anew what was renamed', () => {
  const [same, renamed] = ['acme', 'shy'].map((tenantId) => encodeFramed('KeystrokeLatency', keystrokes({ eventId: tenantId, tenantId })));
  const sent: Uint8Array[] = [];
  const task = createIngestTask({
    config: ingestConfigSchema.parse({}),
    decoder: avroRecordDecoder(),
    encoder: framedEncoder(fileSchemaSource()),
    state: createMemoryState(),
    pseudonymiser: createPseudonymiser({ pseudonyms: { shy: { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' } } }),
  });
  void task.process([same!, renamed!].map((value, i) => raw(value, i, AT + 10)), { emit: (_output, _key, value) => void sent.push(value) });
  expect(sent).toHaveLength(2);
  expect(sent[0]).toBe(same);
  expect(avroRecordDecoder().decode(raw(sent[1]!))).toMatchObject({ ok: true, event: { userId: expect.stringMatching(/^p-k1-/) as string } });
});
