/** The longest records that ingest lets in pass all three tasks, although they grow on the way. */
import { expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { DEFAULT_DECODE_LIMITS, INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import type { RawRecord, Task } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { createDetectTask } from '../../services/detect/task.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { createEnrichTask } from '../../services/enrich/task.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { longestConnection, longestKeystrokes } from '../../services/ingest/longest-records.fixture.ts';
import { createIngestTask } from '../../services/ingest/task.ts';
import { AT } from '../../services/ingest/test-records.ts';
import { topicLayouts } from '../../tools/topics/layout.ts';

const opened = openDatabases(enrichConfigSchema.parse({}));
const encoder = framedEncoder(fileSchemaSource());
const raw = (value: Uint8Array): RawRecord => ({ topic: 'in', partition: 0, offset: 0, arrivedAt: AT, key: null, value });

/** The only record that the task sends for this one. */
async function through(task: Task, value: Uint8Array): Promise<{ output: string; value: Uint8Array }> {
  const sent: { output: string; value: Uint8Array }[] = [];
  await task.process([raw(value)], { emit: (output, _key, bytes) => void sent.push({ output, value: bytes }) });
  expect(sent).toHaveLength(1);
  return sent[0]!;
}

test.each([longestConnection(AT), longestKeystrokes(AT)])('a $type at the very bound of telemetry, with a pseudonym', async (event) => {
  const value = encodeFramed(event.type, event);
  const config = { ingest: ingestConfigSchema.parse({}), enrich: enrichConfigSchema.parse({}), detect: detectConfigSchema.parse({}) };
  const pseudonymiser = createPseudonymiser({ pseudonyms: { [event.tenantId]: { keyId: 'k'.repeat(32), keyHex: '00112233445566778899aabbccddeeff' } } });
  const bound = { ...DEFAULT_DECODE_LIMITS, recordBytesMax: value.length };
  const ingest = createIngestTask({ config: config.ingest, decoder: avroRecordDecoder({ limits: bound }), encoder, state: createMemoryState(), pseudonymiser });
  const valid = await through(ingest, value);
  expect(valid.output).toBe('events');
  expect(valid.value.length).toBeGreaterThan(value.length);
  expect(avroRecordDecoder({ limits: bound }).decode(raw(valid.value))).toMatchObject({ ok: false, reason: 'TOO_LARGE' });

  const databases = await opened;
  const enrich = createEnrichTask({
    config: config.enrich, databases, reference: createMemoryReference(), decoder: avroRecordDecoder({ limits: INTERNAL_DECODE_LIMITS }), encoder,
  });
  const enriched = await through(enrich, valid.value);
  const layout = topicLayouts(topicsSectionSchema.parse({})).find(({ name }) => name === 'farhand.enriched.v1')!;
  expect(enriched.value.length).toBeLessThan(Number(layout.required['max.message.bytes']) / 2);

  let events = 0;
  const decoder = avroRecordDecoder({ names: ENRICHED_RECORDS });
  const detect = createDetectTask({ config: config.detect, decoder, encoder, state: createMemoryState(), onBatch: (batch) => (events += batch.events) });
  await detect.process([raw(enriched.value)], { emit: () => undefined });
  expect(events).toBe(1);
  console.log(`${event.type}: ${value.length} bytes, with a pseudonym ${valid.value.length}, enriched ${enriched.value.length}`);
});
