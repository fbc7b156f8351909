import { beforeAll, expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { EnrichedEvent, TelemetryEvent } from '#schemas/records.ts';
import { enrichConfigSchema } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';
import { createEnrichTask } from './task.ts';
import { AT, connection, keystrokes, referenceWith } from './test-records.ts';
import { buildEnrich } from './topology.ts';

const config = enrichConfigSchema.parse({});
let databases: Databases;
beforeAll(async () => {
  databases = await openDatabases(config);
});

const raw = (event: TelemetryEvent, offset: number): RawRecord => ({
  topic: 'farhand.events.v1',
  partition: 3,
  offset,
  arrivedAt: event.observedAt,
  key: Buffer.from(`acme|${offset}`),
  value: encodeFramed(event.type, event as never),
});

function taskWith(reference: ReferenceStore) {
  const out: { output: string; key: string; value: Uint8Array; timestampMs: number }[] = [];
  const batches: number[] = [];
  const task = createEnrichTask({
    config,
    databases,
    reference,
    decoder: avroRecordDecoder(),
    encoder: framedEncoder(fileSchemaSource()),
    onBatch: (events) => batches.push(events.length),
  });
  const emitter = {
    emit: (output: string, key: Uint8Array | null, value: Uint8Array, timestampMs: number) => void out.push({ output, key: Buffer.from(key!).toString(), value, timestampMs }),
  };
  return { task, emitter, out, batches };
}

const EVENTS = [
  keystrokes({ observedAt: AT + 5 }),
  connection({ observedAt: AT + 7, forwardedFor: ['8.8.8.8'], hops: [{ ttl: 1, ip: '10.0.0.1', rttMs: 0.5 }], remoteTools: [{ name: 'AnyDesk', peerIp: null, active: true }] }),
];

test('framed events in, framed enriched events out: same key, event time as timestamp, what the pipeline says', async () => {
  const reference = referenceWith();
  const { task, emitter, out, batches } = taskWith(reference);
  await task.process(EVENTS.map(raw), emitter);
  await task.flush(emitter);
  expect(out.map(({ output, key, timestampMs }) => [output, key, timestampMs])).toEqual([
    ['enriched', 'acme|0', AT + 5],
    ['enriched', 'acme|1', AT + 7],
  ]);
  const decoder = avroRecordDecoder({ names: ENRICHED_RECORDS });
  const records = out.map(({ value }, offset): RawRecord => ({ topic: 'farhand.enriched.v1', partition: 3, offset, arrivedAt: null, key: null, value }));
  await decoder.prepare(records);
  const decoded = records.map((record) => {
    const result = decoder.decode(record);
    if (!result.ok) throw new Error(result.detail);
    return result.event;
  });
  // Floats travel with 32 bits inside events, so the pipeline's answer is compared on what was decoded from the frame.
  const expected = buildEnrich({ config, databases, reference }).process(decoded.map(({ event }) => event)) as EnrichedEvent[];
  expect(decoded).toEqual(expected);
  expect(batches).toEqual([2]);
});

test('a store that is away rejects with the retriable error and nothing is emitted; the same batch then goes through', async () => {
  const memory = referenceWith();
  let away = true;
  const { task, emitter, out } = taskWith({
    ...memory,
    lookup: (requests) => (away ? Promise.reject(new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'away')) : Promise.resolve(memory.lookup(requests))),
    policies: (tenantId, at) => memory.policies(tenantId, at),
    apply: () => undefined,
  });
  const batch = EVENTS.map(raw);
  await expect(task.process(batch, emitter)).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE', retriable: true });
  expect(out).toEqual([]);
  away = false;
  await task.process(batch, emitter);
  expect(out).toHaveLength(2);
});

test('a record of the own pipeline that does not decode stops the worker, before anything is emitted', async () => {
  const { task, emitter, out } = taskWith(referenceWith());
  const broken = { ...raw(EVENTS[0]!, 9), value: Buffer.from('rubbish') };
  await expect(async () => task.process([raw(EVENTS[1]!, 8), broken], emitter)).rejects.toMatchObject({ code: 'FARHAND_POISON_RECORD' });
  expect(out).toEqual([]);
});
