import { expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { createCapturedState } from '#lib/state/memory.ts';
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
