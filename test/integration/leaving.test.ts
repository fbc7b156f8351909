/** Workers as processes that are told to go: what is finished is committed, the group is left at once, within the deadline. */
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import type { Log } from '#lib/log/log.ts';
import { AT, connection } from '../../services/ingest/test-records.ts';
import { keyOf } from '../../tools/simulate/publish.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import { waitForOutput, type Started } from '../infrastructure/process.ts';
import { install, type Installation } from './farhand.ts';
import { scrape, sum, urlOf } from './scrape.ts';

const brokers = inject('kafkaBrokers');
const PARTITIONS = 6;
const EVENTS = 60;
const COMMIT_MS = 10_000;
/** Of the configuration: kafka.drainTimeoutMs, and what a process on a busy machine takes beside it. */
const DRAIN_MS = 5_000;
const BUSY_MS = 5_000;
/** Without a word of leaving the group would wait for this long. */
const SESSION_MS = 6_000;

describe.skipIf(brokers === null)('a worker that is told to go', () => {
  let farhand: Installation;
  let log: Log;

  beforeEach(async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', PARTITIONS, { kafka: { drainTimeoutMs: DRAIN_MS, commitIntervalMs: COMMIT_MS } });
    log = await kafkaLog(brokers!);
    await farhand.run('topics');
  });
  afterEach(async () => {
    await log.close();
    await farhand.stop();
  });

  /** Each where it belongs: what a task hands over to another is finished only there. */
  const send = (count: number) => log.append(Array.from({ length: count }, (_, i) => {
    const record = connection({ eventId: `e${i}`, userId: `u${i}` });
    return { topic: farhand.topics.connection, partition: null, key: Buffer.from(keyOf(record)), value: encodeFramed('Connection', record), timestampMs: AT };
  }));
  const events = async () => (await Promise.all(Array.from({ length: PARTITIONS }, (_, p) => readAll(log, farhand.topics.events, p)))).flat().length;
  const assigned = (worker: Started): number[] => JSON.parse(/.*"event":"group.assigned".*"tasks":(\[[\d,]*\])/s.exec(worker.output())?.[1] ?? '[]') as number[];

  test.each(['SIGTERM', 'SIGINT'] as const)('%s: commits what is finished, leaves the group at once, and ends with 0 within its deadline', async (signal) => {
    const worker = farhand.worker('ingest', 'one');
    await waitForOutput(worker, /"event":"task.started","task":5/, 60_000);
    await until('the other tasks', () => (worker.output().match(/"event":"task.started"/g)?.length ?? 0) === PARTITIONS);
    const url = await urlOf(worker);
    await send(EVENTS);
    await until('all are processed', async () => sum(await scrape(url), 'farhand_records_processed_total') === EVENTS);
    expect(await events(), 'not committed: the interval is longer').toBe(0);
    const began = systemClock.monotonicMs();
    worker.kill(signal);
    await until('its end', () => worker.exitStatus() !== null, DRAIN_MS + BUSY_MS);
    const tookMs = systemClock.monotonicMs() - began;
    expect([worker.exitStatus(), await events()]).toEqual([0, EVENTS]);
    expect(await log.admin.membersOf(`${farhand.group}-ingest`), 'it said that it goes').toBe(0);
    console.log(`${signal}: gone after ${tookMs.toFixed(0)} ms`);
    expect(tookMs).toBeLessThan(DRAIN_MS + BUSY_MS);
    expect(worker.output()).toMatch(/worker.signal.*worker.stopping.*worker.stopped/s);
  });

  test('its tasks are with the others before a session would have run out, and back with its name when it comes again', async () => {
    const [one, two] = [farhand.worker('ingest', 'one'), farhand.worker('ingest', 'two')];
    const share = (worker: Started) => until('a half', () => assigned(worker).length === PARTITIONS / 2, 60_000);
    await share(one);
    await share(two);
    const tasks = assigned(two);
    const began = systemClock.monotonicMs();
    two.kill('SIGTERM');
    await until('all tasks', () => assigned(one).length === PARTITIONS);
    expect(systemClock.monotonicMs() - began).toBeLessThan(SESSION_MS);
    await until('its end', () => two.exitStatus() !== null);
    const again = farhand.worker('ingest', 'two');
    await until('a half again', () => assigned(one).length === PARTITIONS / 2, 60_000);
    await until('its half', () => /"event":"worker.stopped".*"event":"group.assigned"/s.test(again.output()));
    expect(assigned(again)).toEqual(tasks);
  });
});
