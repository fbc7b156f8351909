import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { createHealthCheck } from './health.ts';
import { Metrics } from './metrics.ts';

test('a process whose tasks are stuck is not healthy, and says which', async () => {
  let stuck: number[] = [];
  const metrics = new Metrics('detect', 'one');
  const asked: number[] = [];
  const health = createHealthCheck({ stuckMsMax: 45_000, eventLoopMsMax: 1_000 }, (msMax) => (asked.push(msMax), stuck), metrics);
  expect(health.check()).toMatchObject({ up: true, stuckTasks: [] });
  stuck = [2, 5];
  expect(health.check()).toMatchObject({ up: false, stuckTasks: [2, 5] });
  expect(await metrics.text()).toMatch(/farhand_tasks_stuck\{.*\} 2\n/);
  expect(new Set(asked)).toEqual(new Set([45_000]));
  await health.close();
});

test('a process whose event loop hardly turns is not healthy; one long turn is no reason', async () => {
  const health = createHealthCheck({ stuckMsMax: 45_000, eventLoopMsMax: 40 }, () => [], new Metrics('detect', 'one'));
  const block = async (ms: number, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) {
      const until = systemClock.monotonicMs() + ms;
      while (systemClock.monotonicMs() < until);
      await systemClock.sleep(1);
    }
  };
  await systemClock.sleep(300);
  health.check();
  await block(150, 1);
  await systemClock.sleep(600);
  expect(health.check()).toMatchObject({ up: true });
  await block(150, 8);
  const { up, eventLoopMedianMs } = health.check();
  expect([up, eventLoopMedianMs > 40]).toEqual([false, true]);
  expect(health.check().eventLoopMaxMs).toBeLessThan(eventLoopMedianMs);
  await health.close();
});
