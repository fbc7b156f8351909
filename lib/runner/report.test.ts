/** What a worker tells of tasks that stand still: lag and its age go on being shown, and a task that hangs is named. */
import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { countingService, createTopics, partsFor, type CountingOptions } from './test-service.ts';
import { Worker } from './worker.ts';

const options: CountingOptions = { application: 'app', inputs: ['in'], output: 'out' };
const arrivedAgoMs = 60_000;
const send = (log: MemoryLog, count: number) =>
  log.append(Array.from({ length: count }, (_, i) => ({ topic: 'in', partition: 0, key: Buffer.from(`k${i}`), value: Buffer.from('v'), timestampMs: systemClock.nowMs() - arrivedAgoMs })));

async function run(before: NonNullable<CountingOptions['before']>, work: (worker: Worker, log: MemoryLog, lags: [number, number, number][]) => Promise<void>): Promise<void> {
  const log = createMemoryLog();
  const lags: [number, number, number][] = [];
  await createTopics(log, countingService(options), 2);
  const parts = partsFor(log, countingService({ ...options, before }), { drainMsMax: 50 }, { lag: (task, records, seconds = -1) => void lags.push([task, records, seconds]) });
  const worker = new Worker(parts, 'one');
  const stop = new AbortController();
  const done = worker.run(stop.signal);
  done.catch(() => undefined);
  await expect.poll(() => worker.ready).toBe(true);
  await work(worker, log, lags);
  stop.abort();
  await Promise.race([done.catch(() => undefined), systemClock.sleep(2_000)]);
}

test('a task whose step never ends is stuck, the others are not; one without work is not, however long', async () => {
  await run(
    () => new Promise(() => undefined),
    async (worker, log) => {
      await systemClock.sleep(300);
      expect(worker.stuck(200)).toEqual([]);
      await send(log, 3);
      await expect.poll(() => worker.stuck(200)).toEqual([0]);
      expect(worker.stuck(60_000)).toEqual([]);
    },
  );
});

test('a task that waits for a dependency is not stuck, and shows how much waits for it and for how long', async () => {
  await run(
    () => Promise.reject(new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'away')),
    async (worker, log, lags) => {
      await send(log, 5);
      await systemClock.sleep(600);
      expect(worker.stuck(5_500)).toEqual([]);
      lags.length = 0;
      worker.report();
      const [task, records, seconds] = lags.find(([of]) => of === 0)!;
      expect([task, records]).toEqual([0, 5]);
      expect(seconds).toBeGreaterThanOrEqual(arrivedAgoMs / 1_000);
      expect(lags.find(([of]) => of === 1)).toEqual([1, 0, 0]);
    },
  );
});
