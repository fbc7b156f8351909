import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import type { ServiceSpec } from './options.ts';
import { isQuiescent } from './quiescence.ts';
import { partsFor } from './test-service.ts';
import { Worker } from './worker.ts';

const upstream = [
  { application: 'first', inputs: ['telemetry'] },
  { application: 'second', inputs: ['middle', 'narrow'] },
];
let log: MemoryLog;
let stop: AbortController;
let done: Promise<void> | null;

beforeEach(async () => {
  log = createMemoryLog();
  stop = new AbortController();
  done = null;
  await log.admin.create([...['telemetry', 'middle', 'in', 'requests', 'out', 'log'].map((name) => ({ name, partitions: 2, settings: {} })), { name: 'narrow', partitions: 1, settings: {} }], 1);
});
afterEach(async () => {
  stop.abort();
  await done;
});

const send = (topic: string, partition: number) => log.append([{ topic, partition, key: null, value: Buffer.from('x'), timestampMs: 1 }]);
/** Commits that the group has worked off what lies in the topic. */
async function workOff(group: string, topic: string, partition: number): Promise<void> {
  const writer = await log.openWriter(`${group}-${partition}`);
  await writer.commit({ records: [], group, positions: [{ topic, partition, offset: log.records(topic, partition).length }] });
  await writer.close();
}

test('a task is quiescent where nothing waits in its partition of any stage before it, nor at its own inputs', async () => {
  const ask = (offset = 0) => isQuiescent(log, { upstream, controls: ['requests'] }, 1, [{ topic: 'in', partition: 1, offset }, { topic: 'requests', partition: 1, offset: 0 }]);
  await send('telemetry', 0);
  await send('narrow', 0);
  await send('requests', 1);
  expect(await ask()).toBe(true);
  for (const [topic, group] of [['telemetry', 'first'], ['middle', 'second']] as const) {
    await send(topic, 1);
    expect(await ask(), topic).toBe(false);
    await workOff(group, topic, 1);
    expect(await ask(), topic).toBe(true);
  }
  await send('in', 1);
  expect([await ask(), await ask(1)]).toEqual([false, true]);
});

/** Says what it is told, and what it had heard when it was asked. */
function restingService(heard: string[], idleAfterMs = 20): ServiceSpec {
  let news = 0;
  return {
    application: 'last', inputs: ['in'], controls: ['requests'], outputs: { out: 'out' }, changelog: null, idleAfterMs, upstream,
    createTask: (task) => ({
      process: (batch) => {
        for (const { topic } of batch) if (topic === 'requests') news++;
      },
      idle: () => {
        const known = news;
        return () => void (task === 1 && heard.push(`rests at ${known}`));
      },
      flush: () => undefined,
    }),
  };
}

test('the runner tells a task that it is idle when the stages before it are through, and again after it has heard something', async () => {
  const heard: string[] = [];
  await send('telemetry', 1);
  done = new Worker(partsFor(log, restingService(heard)), 'one').run(stop.signal);
  await systemClock.sleep(150);
  expect(heard, 'what waits upstream').toEqual([]);
  await workOff('first', 'telemetry', 1);
  await expect.poll(() => heard).toEqual(['rests at 0']);
  await systemClock.sleep(100);
  expect(heard, 'nothing new').toEqual(['rests at 0']);
  await send('requests', 1);
  await expect.poll(() => heard).toEqual(['rests at 0', 'rests at 1']);
});

test('a task that rests is told so again a second after it has heard something, and does not wait the whole time for each hour that others go on by', async () => {
  const heard: string[] = [];
  let skippedMs = 0;
  const clock = { ...systemClock, monotonicMs: () => systemClock.monotonicMs() + skippedMs };
  done = new Worker({ ...partsFor(log, restingService(heard, 3_600_000)), clock }, 'one').run(stop.signal);
  await systemClock.sleep(50);
  expect(heard).toEqual([]);
  skippedMs += 3_600_000;
  await send('requests', 1);
  await expect.poll(() => heard).toEqual(['rests at 1']);
  skippedMs += 1_000;
  await send('requests', 1);
  await expect.poll(() => heard).toEqual(['rests at 1', 'rests at 2']);
  await send('in', 1);
  skippedMs += 1_000;
  await send('requests', 1);
  await systemClock.sleep(100);
  expect(heard, 'an input came').toHaveLength(2);
});

test('a log that does not answer leaves a task awake, until it does', async () => {
  const heard: string[] = [];
  const ask = log.hasMore.bind(log);
  let away = true;
  log.hasMore = (position) => (away ? Promise.reject(new FarhandError('FARHAND_LOG_UNAVAILABLE', 'away')) : ask(position));
  done = new Worker(partsFor(log, restingService(heard)), 'one').run(stop.signal);
  await systemClock.sleep(120);
  expect(heard).toEqual([]);
  away = false;
  await expect.poll(() => heard).toEqual(['rests at 0']);
});
