/** The task on bytes: findings leave framed and keyed by person, their forms for the SIEM beside them, keyed by finding. */
import { expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { formatFinding } from '#lib/siem/format.ts';
import { SAME_SEVERITY, thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import { createDetectTask } from './task.ts';
import { config, session } from './test-events.ts';

test('findings and their forms for the SIEM leave together', async () => {
  const section = siemSectionSchema.parse({ outputs: [{}, { topic: 'arcsight', form: 'CEF', minimumSeverity: 'HIGH' }] });
  const thresholds = thresholdsOf(config.fusion);
  const siem = createSiemWriter(siemOutputsOf(section, topicsSectionSchema.parse({})), thresholds);
  const source = fileSchemaSource();
  const parts = { config, state: createMemoryState(), decoder: avroRecordDecoder({ source, names: ENRICHED_RECORDS }), encoder: framedEncoder(source), siem };
  const task = createDetectTask(parts);
  const emitted: { output: string; key: string; value: Uint8Array; at: number }[] = [];
  const emitter: Emitter = { emit: (output, key, value, at) => void emitted.push({ output, key: Buffer.from(key!).toString(), value, at }) };
  const events = session({ userId: 'leg', minutes: 20, gapMs: 130, jitterMs: 4 });
  const batch = events.map((event, offset): RawRecord => ({ topic: 'enriched', partition: 0, offset, arrivedAt: event.event.observedAt, key: null, value: encodeFramed(event.type, event) }));
  await task.process(batch, emitter);
  await task.flush(emitter);

  const decoder = avroRecordDecoder({ source, names: ['SuspiciousSession'] });
  const of = (output: string) => emitted.filter((record) => record.output === output);
  const findings = of('suspiciousSessions').map((record) => {
    const result = decoder.decode({ topic: '', partition: 0, offset: 0, arrivedAt: null, key: null, value: record.value });
    if (!result.ok) throw new Error(result.detail);
    expect(record.key).toBe(`${result.event.tenantId}|leg`);
    return result.event;
  });
  expect(findings.map((finding) => finding.status)).toEqual(expect.arrayContaining(['OPENED', 'CLOSED']));
  const expected = findings.map((finding) => ({ output: 'siem0', key: finding.findingId, at: finding.windowEnd, value: formatFinding('OCSF', finding, { severities: SAME_SEVERITY, thresholds }) }));
  expect(of('siem0').map((record) => ({ ...record, value: Buffer.from(record.value).toString() }))).toEqual(expected);
  expect(of('siem1')).toHaveLength(findings.filter(({ severity }) => severity === 'HIGH' || severity === 'CRITICAL').length);
});
