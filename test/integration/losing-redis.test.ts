/**
 * A Redis that loses its data under two enrich workers, by FLUSHALL and by kill -9: events wait until the reference
 * topics have filled it again, and none is ever enriched as if its device were unknown.
 */
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { personKey } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Log, OutgoingRecord } from '#lib/log/log.ts';
import { assignment } from '#lib/reference/fixtures.ts';
import type { EnrichedEvent } from '#schemas/records.ts';
import { AT, keystrokes } from '../../services/ingest/test-records.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import { waitForOutput, type Started } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');
const PARTITIONS = 2;
/** Enough for a load to take a moment in which it can be lost again. */
const DEVICES = 5_000;
const ROUND = 200;
const privacy = { pseudonyms: { acme: { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' } } };
const pseudonymiser = createPseudonymiser(privacy);

describe.skipIf(brokers === null)('a Redis that loses its data', () => {
  let redis: LocalProgram | null = null;
  let farhand: Installation | null = null;
  let log: Log;

  beforeAll(async () => {
    log = await kafkaLog(brokers!);
    try {
      redis = await startRedis();
    } catch (error) {
      if (process.env['CI'] === 'true') throw error;
      console.error(`losing Redis: NO LOCAL REDIS, nothing is tested: ${(error as Error).message}`);
    }
  });
  afterAll(async () => {
    await redis?.stop();
    await log.close();
  });
  afterEach(async () => {
    await farhand?.stop();
    farhand = null;
  });

  /** Events of `ROUND` devices, as ingest sends them. */
  let sent = 0;
  function round(topic: string): OutgoingRecord[] {
    return Array.from({ length: ROUND }, () => {
      const device = (sent * 37) % DEVICES;
      const userId = pseudonymiser.userId('acme', `user-${device}`);
      const event = keystrokes({ eventId: `e-${sent++}`, deviceId: `d-${device}`, userId, observedAt: AT + sent });
      return { topic, partition: null, key: personKey(event), value: encodeFramed(event.type, event), timestampMs: event.observedAt };
    });
  }

  async function enriched(topic: string): Promise<EnrichedEvent[]> {
    const decoder = avroRecordDecoder({ names: ENRICHED_RECORDS });
    const records = (await Promise.all(Array.from({ length: PARTITIONS }, (_, partition) => readAll(log, topic, partition)))).flat();
    return records.map((record) => {
      const result = decoder.decode(record);
      if (!result.ok) throw new Error(`${result.reason} ${result.detail}`);
      return result.event;
    });
  }

  /** Sends a round and waits until all that was sent is enriched. */
  async function pass({ topics }: Installation): Promise<EnrichedEvent[]> {
    await log.append(round(topics.events));
    let events: EnrichedEvent[] = [];
    await until(`${sent} enriched events`, async () => (events = await enriched(topics.enriched)).length >= sent, 30_000);
    return events;
  }

  const losses = (worker: Started) => worker.output().match(/"event":"reference.lost"/g)?.length ?? 0;

  test('FLUSHALL and kill -9, also while it is filled again: every event has its assignment', async (context) => {
    if (redis === null) return context.skip();
    const began = systemClock.monotonicMs();
    farhand = install(brokers!, redis.address, PARTITIONS, { privacy });
    const { topics } = farhand;
    await farhand.run('topics');
    const devices = Array.from({ length: DEVICES }, (_, i) => assignment(`d-${i}`, 1, { userId: `user-${i}` }));
    await log.append(devices.map((device) => ({
      topic: topics.devices, partition: null, key: Buffer.from(`acme|${device.deviceId}|1`), value: encodeFramed(device.type, device), timestampMs: 1,
    })));
    const workers = ['one', 'two'].map((name) => farhand!.worker('enrich', name));
    for (const worker of workers) await waitForOutput(worker, /"event":"task.started"/, 60_000);
    await pass(farhand);

    const admin = new Redis(redis.address);
    await admin.flushall();
    await pass(farhand);
    const after = losses(workers[0]!) + losses(workers[1]!);
    expect(after).toBeGreaterThan(0);
    for (let i = 0; i < 8; i++) {
      await admin.flushall();
      await log.append(round(topics.events));
      await systemClock.sleep(40);
    }
    await pass(farhand);
    admin.disconnect();

    const port = Number(new URL(redis.address).port);
    redis.process.kill('SIGKILL');
    await log.append(round(topics.events));
    await redis.stop();
    redis = await startRedis(port);
    const events = await pass(farhand);
    expect(losses(workers[0]!) + losses(workers[1]!)).toBeGreaterThan(after);

    expect(events).toHaveLength(sent);
    expect(new Set(events.map(({ event }) => event.eventId)).size).toBe(sent);
    const wrong = events.filter(({ event, context: { assignment: found } }) => found?.deviceId !== event.deviceId || found.userId !== event.userId);
    expect(wrong).toEqual([]);
    console.log(`${sent} events over ${losses(workers[0]!) + losses(workers[1]!)} reloads of ${DEVICES} devices: ${((systemClock.monotonicMs() - began) / 1_000).toFixed(1)} s`);
  });
});
