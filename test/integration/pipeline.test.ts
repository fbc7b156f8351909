/**
 * The same fleet through real Kafka, Redis and three worker processes as through the embedded chain: the findings must
 * be the same, revision by revision.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import { waitForOutput } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';
import { aftermath, appendAftermath, findingsOf, isTelemetry, isThrough, publishFleet } from './fleet.ts';

const brokers = inject('kafkaBrokers');
const redis = inject('redisUrl');
const PARTITIONS = 4;
const FLEET = { seed: 11, workstations: 40, piloted: 8 };
const key = { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' };
/** Every tenant asks for pseudonyms: events and reference data must name people alike, in every host. */
const privacy = { pseudonyms: Object.fromEntries([...new Set(simulateFleet(FLEET).labels.map(({ tenantId }) => tenantId))].map((tenantId) => [tenantId, key])) };
/** A day passes here in seconds: a partition without people at the time is not to be waited for as long as in earnest. */
const QUICK = { fleet: { idlePartitionMs: 200 } } as const;

/** What a consumer keeps: revisions in their order, by finding. */
function inOrder(findings: readonly SuspiciousSession[]): SuspiciousSession[] {
  return findings.toSorted((a, b) => (a.findingId === b.findingId ? a.revision - b.revision : a.findingId < b.findingId ? -1 : 1));
}

async function embeddedRun(): Promise<{ findings: SuspiciousSession[]; events: number; startAt: number }> {
  const findings: SuspiciousSession[] = [];
  const config = loadEmbeddedConfig();
  const pipeline = await createEmbeddedPipeline({
    config: { ...config, privacy, detect: { ...config.detect, fleet: { ...config.detect.fleet, ...QUICK.fleet } } },
    decoder: avroRecordDecoder({ names: TELEMETRY_RECORDS }),
    partitions: PARTITIONS,
    onFindings: (some) => findings.push(...some),
  });
  const fleet = simulateFleet(FLEET);
  pipeline.applyReference(fleet.reference as ReferenceRecord[]);
  const raw = (record: TelemetryEvent, arrivedAt: number | null): RawRecord => ({
    topic: 'telemetry', partition: 0, offset: 0, arrivedAt, key: null, value: encodeFramed(record.type, record),
  });
  for (const batch of fleet) {
    await pipeline.process(batch.flatMap(({ record, arrivedAt }) => (isTelemetry(record) ? [raw(record, arrivedAt)] : [])));
  }
  const { startAt } = fleet.options;
  await pipeline.process(aftermath(startAt, PARTITIONS).map((record) => raw(record, null)));
  pipeline.flush();
  return { findings, events: pipeline.counts().events, startAt };
}

const publish = (log: Log, topics: TopicsSection): Promise<void> => publishFleet({ log, topics, fleet: simulateFleet(FLEET) });

describe.skipIf(brokers === null || redis === null)('a fleet through Kafka, Redis and three workers', () => {
  let farhand: Installation;
  let log: Log;

  beforeEach(async () => {
    farhand = install(brokers!, redis!, PARTITIONS, { privacy, detect: QUICK });
    log = await kafkaLog(brokers!);
    expect(await farhand.run('topics')).toMatch(/created .*telemetry\.connection\.v1[^]*20 topics are as they should be/);
  });
  afterEach(async () => {
    await log.close();
    await farhand.stop();
  });

  const numbers = Array.from({ length: PARTITIONS }, (_, partition) => partition);
  const topic = async (name: string): Promise<LogRecord[]> => (await Promise.all(numbers.map((p) => readAll(log, name, p)))).flat();

  /** Sends the closing events and waits until every stage has committed all of its input. */
  async function finish(startAt: number, chained = false): Promise<SuspiciousSession[]> {
    const { topics, group } = farhand;
    const telemetry = [topics.keystrokeLatency, topics.connection];
    await appendAftermath(log, topics, startAt, PARTITIONS);
    const separate = [
      ['ingest', telemetry],
      ['enrich', [topics.events]],
      ['detect', [topics.enriched]],
    ] as const;
    const stages = chained ? ([['chained', telemetry]] as const) : separate;
    for (const [service, inputs] of stages) {
      await until(`${service} at the end of its input`, async () => (await Promise.all(numbers.map((p) => isThrough(log, `${group}-${service}`, inputs, p)))).every(Boolean), 180_000);
    }
    return findingsOf(await topic(topics.suspiciousSessions));
  }

  /** The same topics through `farhand replay --kafka`: its summary and the text of its findings. */
  async function replayed(name: string, ...more: string[]): Promise<{ summary: { events: number; findings: number }; findings: string }> {
    const out = join(farhand.directory, name);
    await farhand.run('replay', '--kafka', '--quiet', '--out', out, ...more);
    const read = (file: string): string => readFileSync(join(out, file), 'utf8');
    return { summary: JSON.parse(read('summary.json')) as { events: number; findings: number }, findings: read('suspicious-sessions.ndjson') };
  }

  /** What a replay may not touch: what the groups have committed, and how much is in every topic. */
  async function traces(): Promise<unknown> {
    const { topics, group } = farhand;
    const stages = [['ingest', [topics.keystrokeLatency, topics.connection]], ['enrich', [topics.events]], ['detect', [topics.enriched]]] as const;
    const committed = await Promise.all(stages.flatMap(([service, inputs]) => numbers.map((p) => log.committedPositions(`${group}-${service}`, inputs, p))));
    const names = [topics.keystrokeLatency, topics.connection, topics.events, topics.enriched, topics.suspiciousSessions, topics.deadLetter];
    return { committed, lengths: await Promise.all(names.map(async (name) => (await topic(name)).length)) };
  }

  test('farhand simulate --kafka: the same finding ids as the embedded run', async () => {
    const expected = await embeddedRun();
    const services = ['ingest', 'enrich', 'detect'] as const;
    for (const service of services) farhand.worker(service, 'one');
    const options = Object.entries(FLEET).flatMap(([name, value]) => [`--${name}`, String(value)]);
    await farhand.run('simulate', '--kafka', '--quiet', ...options);
    const published = await finish(expected.startAt);
    const ids = (findings: readonly SuspiciousSession[]) => [...new Set(findings.map((f) => f.findingId))].sort((a, b) => (a < b ? -1 : 1));
    expect(ids(expected.findings).length).toBeGreaterThan(4);
    expect(ids(published)).toEqual(ids(expected.findings));
    expect(await topic(farhand.topics.deadLetter)).toEqual([]);
  });

  test('with telemetry in its order of arrival: the same findings, revision by revision, while workers come and go', async () => {
    const expected = await embeddedRun();
    const began = systemClock.monotonicMs();
    const first = (['ingest', 'enrich', 'detect'] as const).map((service) => farhand.worker(service, 'one'));
    for (const worker of first) await waitForOutput(worker, /"event":"task.started"/, 60_000);
    const publishing = publish(log, farhand.topics);
    for (const service of ['ingest', 'enrich', 'detect'] as const) farhand.worker(service, 'two');
    await systemClock.sleep(2_000);
    for (const worker of first) worker.kill('SIGKILL');
    for (const service of ['ingest', 'enrich', 'detect'] as const) farhand.worker(service, 'three');
    await publishing;
    const published = await finish(expected.startAt);
    console.log(`${expected.events} events, three workers killed and replaced: ${((systemClock.monotonicMs() - began) / 1_000).toFixed(1)} s`);
    const bare = (findings: SuspiciousSession[]) => inOrder(findings).map((f) => JSON.parse(JSON.stringify(f)) as unknown);
    expect(new Set(published.map(({ userId }) => /^p-k1-[0-9a-f]{32}$/.test(userId)))).toEqual(new Set([true]));
    expect(bare(published)).toEqual(bare(expected.findings));
    expect((await topic(farhand.topics.enriched)).length).toBe(expected.events);
    // Live = replay: the day that was just recorded, out of the topics, to the byte.
    const before = await traces();
    const { summary, findings } = await replayed('replayed');
    expect(summary).toMatchObject({ events: expected.events });
    const text = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
    const decided = published.toSorted((a, b) => a.detectedAt - b.detectedAt || text(a.tenantId, b.tenantId) || text(a.sessionId, b.sessionId) || text(a.findingId, b.findingId) || a.revision - b.revision);
    expect(findings === decided.map((finding) => findingToNdjson(finding)).join('')).toBe(true);
    expect(await traces()).toEqual(before);
    // Half of the day by its arrival, and a range without data.
    const arrivals = (await topic(farhand.topics.keystrokeLatency)).map(({ timestampMs }) => timestampMs).toSorted((a, b) => a - b);
    const middle = String(arrivals[arrivals.length >> 1]!);
    const [early, late] = [await replayed('early', '--to', middle), await replayed('late', '--from', middle, '--workers', '2')];
    expect(early.summary.events).toBeGreaterThan(0);
    expect(late.summary.events).toBeGreaterThan(0);
    expect(Math.abs(early.summary.events + late.summary.events - expected.events)).toBeLessThan(expected.events / 50); // repeats on both sides of the cut
    await expect(replayed('nothing', '--from', '2001-01-01', '--to', '2001-01-02')).rejects.toThrow(/FARHAND_USAGE: no telemetry arrived from 2001-01-01/);
  });

  test('farhand embedded --kafka: the same findings, revision by revision, with nothing in between, though it is killed', async () => {
    const expected = await embeddedRun();
    const first = farhand.worker('embedded', 'one', '--kafka', '--workers', '1');
    await waitForOutput(first, /"event":"task.started"/, 60_000);
    const publishing = publish(log, farhand.topics);
    await systemClock.sleep(2_000);
    first.kill('SIGKILL');
    farhand.worker('embedded', 'two', '--kafka', '--workers', '2');
    await publishing;
    const published = await finish(expected.startAt, true);
    const bare = (findings: SuspiciousSession[]) => inOrder(findings).map((f) => JSON.parse(JSON.stringify(f)) as unknown);
    expect(bare(published)).toEqual(bare(expected.findings));
    expect(await topic(farhand.topics.events)).toEqual([]);
    expect(await topic(farhand.topics.enriched)).toEqual([]);
  });

  test('farhand embedded --kafka stops at telemetry that is keyed otherwise, and says where', async () => {
    const worker = farhand.worker('embedded', 'one', '--kafka', '--workers', '1');
    const [record] = aftermath(0, PARTITIONS);
    await log.append([{ topic: farhand.topics.connection, partition: 0, key: Buffer.from('somebody'), value: encodeFramed('Connection', { ...record!, observedAt: 1 }), timestampMs: 1 }]);
    await waitForOutput(worker, /connection\.v1\/0@0: .*not keyed by tenantId\|userId/, 60_000);
    await until('the worker has ended', () => worker.exitStatus() !== null);
    expect(worker.exitStatus()).toBe(1);
  });
});
