/** Topics as a history, on the log in memory; test/integration/pipeline.test.ts does it on a broker. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it, vi } from 'vitest';
import { encodeFramed } from '#lib/codec/encode.ts';
import { toNdjson } from '#lib/codec/ndjson.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { keyOf, topicOf } from '../simulate/publish.ts';
import { KafkaHistory } from './kafka-history.ts';
import { runReplay, type ReplayOptions } from './replay.ts';
import { temporaryDirectory } from './test-history.ts';

vi.setConfig({ testTimeout: 240_000 });
const base = temporaryDirectory();
const topics = topicsSectionSchema.parse({});
const config = loadEmbeddedConfig();
const FINDINGS = 'suspicious-sessions.ndjson';
let log: MemoryLog;
let middle = 0;

const read = (name: string, file = FINDINGS): string => readFileSync(join(base, name, file), 'utf8');
const options = (name: string, more: Partial<ReplayOptions> = {}): ReplayOptions => ({
  history: [join(base, 'all.ndjson')], labels: null, out: join(base, name), config, clock: systemClock, progress: { write: () => true }, showProgress: false, signal: new AbortController().signal, workers: 1, ...more,
});
const source = async (from: number | null = null, to: number | null = null): Promise<ReplayOptions['source']> => ({
  history: await KafkaHistory.open({ log, topics, schemas: fileSchemaSource(), from, to, recordBytesMax: config.ingest.recordBytesMax }),
  name: `topics ${from} ${to}`,
});

beforeAll(async () => {
  let now = 0;
  log = createMemoryLog({ ...systemClock, nowMs: () => now });
  const arrivals = { 'message.timestamp.type': 'LogAppendTime' };
  const telemetry = [topics.keystrokeLatency, topics.connection].map((name) => ({ name, partitions: 3, settings: arrivals }));
  const reference = [topics.devices, topics.vantages, topics.networks, topics.feedback].map((name) => ({ name, partitions: 1, settings: {} }));
  await log.admin.create([...telemetry, ...reference], 1);
  const lines: string[] = [];
  for (const batch of simulateFleet({ workstations: 9, piloted: 3, seed: 8, repeatShare: 0.01 })) {
    for (const { record, arrivedAt } of batch) {
      now = arrivedAt;
      lines.push(toNdjson(record, arrivedAt));
      await log.append([{ topic: topicOf(record, topics), partition: null, key: Buffer.from(keyOf(record)), value: encodeFramed(record.type, record), timestampMs: arrivedAt }]);
      if (lines.length === 4000) middle = now;
    }
  }
  await log.append([{ topic: topics.connection, partition: 1, key: null, value: Buffer.from('no frame'), timestampMs: now }]);
  writeFileSync(join(base, 'all.ndjson'), lines.join(''));
  await runReplay(options('file'));
}, 240_000);

it('finds the same in topics as in a file of the same arrivals, and joins no group', async () => {
  const { summary } = await runReplay(options('topics', { source: (await source())! }));
  expect(read('topics').length).toBeGreaterThan(1000);
  expect(read('topics') === read('file')).toBe(true);
  const { events, duplicates } = JSON.parse(read('file', 'summary.json')) as { events: number; duplicates: number };
  expect(summary).toMatchObject({ events, duplicates, rejected: 1 });
  expect(JSON.parse(read('topics', 'dead-letter.ndjson'))).toMatchObject({ reason: 'UNDECODABLE', topic: topics.connection, partition: 1, value: 'no frame' });
});

it('takes a range by arrival; the two halves are the whole', async () => {
  const [early, late] = [await runReplay(options('early', { source: (await source(null, middle))! })), await runReplay(options('late', { source: (await source(middle))!, workers: 2 }))];
  expect(early.summary.events).toBeGreaterThan(3000);
  expect(early.summary.events + early.summary.duplicates + late.summary.events + late.summary.duplicates).toBe(await all());
  await expect(source(Date.UTC(2001, 0), Date.UTC(2001, 1))).rejects.toMatchObject({ code: 'FARHAND_USAGE', message: expect.stringMatching(/^no telemetry arrived from 2001-01-01T.* to 2001-02-01/) as string });
});

const all = (): Promise<number> => {
  const { events, duplicates } = JSON.parse(read('file', 'summary.json')) as { events: number; duplicates: number };
  return Promise.resolve(events + duplicates);
};

it('goes on in the topics where it stopped, although more has come since', async () => {
  const controller = new AbortController();
  let updates = 0;
  const clock = { ...systemClock, monotonicMs: () => (++updates > 3 && controller.abort(new Error('interrupted')), systemClock.monotonicMs()), nowMs: () => systemClock.nowMs() };
  await expect(runReplay(options('stopped', { source: (await source())!, clock, signal: controller.signal, checkpointEveryMs: 0 }))).rejects.toThrow('interrupted');
  const { records } = { records: log.records(topics.connection, 0).length };
  await log.append([{ topic: topics.connection, partition: 0, key: null, value: Buffer.from('later'), timestampMs: 1 }]);
  expect(log.records(topics.connection, 0).length).toBe(records + 1);
  await runReplay(options('stopped', { source: (await source())!, resume: true }));
  expect(read('stopped') === read('file')).toBe(true);
  expect(read('stopped', 'dead-letter.ndjson') === read('topics', 'dead-letter.ndjson')).toBe(true);
});
