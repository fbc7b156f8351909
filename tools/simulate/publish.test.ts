import { beforeAll, describe, expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { ndjsonRecordDecoder, toNdjson } from '#lib/codec/ndjson.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { buildIngest } from '../../services/ingest/topology.ts';
import { simulateFleet } from './fleet.ts';
import { spoiled, spoiledBytes, spoiledLine } from './garbage.ts';
import { keyOf, publishFleet } from './publish.ts';

const fleet = simulateFleet({ seed: 4, workstations: 6, piloted: 2 });
const topics = topicsSectionSchema.parse({});
const source = fileSchemaSource();
const sent = [...fleet].flat().filter(({ record }) => record.type === 'KeystrokeLatency' || record.type === 'Connection');
const raw = (value: Uint8Array, i: number, arrivedAt: number): RawRecord => ({ topic: 't', partition: 0, offset: i, arrivedAt, key: null, value });

describe('publishFleet', () => {
  let log: MemoryLog;
  beforeAll(async () => {
    log = createMemoryLog();
    const { keystrokeLatency, connection, devices, vantages, networks, feedback } = topics;
    const spec = (name: string, partitions: number) => ({ name, partitions, settings: {} });
    await log.admin.create([spec(keystrokeLatency, 3), spec(connection, 3), ...[devices, vantages, networks, feedback].map((name) => spec(name, 1))], 1);
    const options = { log, topics, encoder: framedEncoder(source), garbage: false, pace: () => Promise.resolve() };
    expect(await publishFleet(fleet, options)).toBe(sent.length);
  });

  it('puts every record on its topic, framed, keyed by person, one person on one partition', () => {
    const decoder = avroRecordDecoder({ source });
    const partitionOf = new Map<string, number>();
    let records = 0;
    for (const topic of [topics.keystrokeLatency, topics.connection]) {
      for (const partition of [0, 1, 2]) {
        for (const record of log.records(topic, partition)) {
          const decoded = decoder.decode(record);
          if (!decoded.ok) throw new Error(decoded.detail);
          const event = decoded.event as TelemetryEvent;
          const key = Buffer.from(record.key!).toString();
          expect(key).toBe(`${event.tenantId}|${event.userId}`);
          expect(partitionOf.get(key) ?? partition).toBe(partition);
          partitionOf.set(key, partition);
          records++;
        }
      }
    }
    expect(records).toBe(sent.length);
    expect(partitionOf.size).toBe(6);
  });

  it('keys reference data so that compaction keeps each version of an assignment', () => {
    const keys = log.records(topics.devices, 0).map((record) => Buffer.from(record.key!).toString());
    const assignments = fleet.reference.filter((record) => record.type === 'DeviceAssignment');
    expect(new Set(keys).size).toBe(assignments.length);
    expect(keyOf({ ...assignments[0]!, validFrom: 5 })).not.toBe(keyOf(assignments[0]!));
    expect(log.records(topics.vantages, 0).length).toBe(fleet.reference.filter((record) => record.type === 'Vantage').length);
  });
});

describe('ingest on a simulated fleet', () => {
  const config = ingestConfigSchema.parse({});

  it('takes every record, and finds exactly the repeats', () => {
    const pipeline = buildIngest({ config, decoder: avroRecordDecoder({ source }), state: createMemoryState() });
    const batch = sent.map(({ record, arrivedAt }, i) => raw(encodeFramed(record.type, record), i, arrivedAt));
    const { events, deadLetters, duplicates } = pipeline.process(batch);
    expect(deadLetters).toEqual([]);
    const distinct = new Set(sent.map(({ record }) => (record as TelemetryEvent).eventId)).size;
    expect(events.length).toBe(distinct);
    expect(duplicates).toBe(sent.length - distinct);
  });

  it('refuses all garbage: spoiled records, lines and frames', () => {
    const prng = new Prng(1, 'garbage');
    const some = sent.slice(0, 200);
    const lines = buildIngest({ config, decoder: ndjsonRecordDecoder({ names: ['KeystrokeLatency', 'Connection'] }), state: createMemoryState() });
    const frames = buildIngest({ config, decoder: avroRecordDecoder({ source }), state: createMemoryState() });
    const inLines = some.map(({ record, arrivedAt }, i) => {
      const bad = i % 2 === 0 ? spoiledLine(toNdjson(record, arrivedAt), prng) : toNdjson(spoiled(record as TelemetryEvent, prng), arrivedAt);
      return raw(Buffer.from(bad.trimEnd()), i, arrivedAt);
    });
    const inFrames = some.map(({ record, arrivedAt }, i) => raw(spoiledBytes(encodeFramed(record.type, record), prng), i, arrivedAt));
    const refused = [...lines.process(inLines).deadLetters, ...frames.process(inFrames).deadLetters];
    expect(refused.length).toBe(400);
    expect(new Set(refused.map((letter) => letter.reason)).size).toBeGreaterThan(6);
  });
});
