import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createMemoryLog } from '#lib/log/memory.ts';
import { startBroadcast } from './broadcast.ts';

const record = (topic: string, partition: number, value: string) => ({ topic, partition, key: null, value: Buffer.from(value), timestampMs: 1 });

async function setUp() {
  const log = createMemoryLog();
  await log.admin.create(['a', 'b'].map((name) => ({ name, partitions: 2, settings: {} })), 1);
  const stop = new AbortController();
  return { log, stop, common: { log, topics: ['a', 'b'], clock: systemClock, signal: stop.signal } };
}

test('takes in all that is there, says so, and goes on with what comes', async () => {
  const { log, stop, common } = await setUp();
  await log.append([...Array.from({ length: 1_200 }, (_, i) => record('a', i % 2, `a${i}`)), record('b', 1, 'b0')]);
  const seen: string[] = [];
  const apply = (records: readonly { value: Uint8Array | null }[]) => void seen.push(...records.map((r) => String(r.value)));
  const broadcast = startBroadcast({ ...common, apply, onRetry: () => undefined });
  expect(broadcast.isLoaded).toBe(false);
  await broadcast.loaded;
  expect([seen.length, new Set(seen).size, broadcast.isLoaded]).toEqual([1_201, 1_201, true]);
  await log.append([record('b', 0, 'later')]);
  while (seen.length < 1_202) await systemClock.sleep(5);
  expect(seen.at(-1)).toBe('later');
  stop.abort();
  await broadcast.ended;
});

test('a dependency that is away is waited for; anything else ends it', async () => {
  const { log, stop, common } = await setUp();
  await log.append([record('a', 0, 'x')]);
  let attempts = 0;
  const apply = () => {
    if (++attempts < 3) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis is away');
  };
  const retries: string[] = [];
  const waiting = startBroadcast({ ...common, apply, onRetry: (error) => retries.push(error.message) });
  await waiting.loaded;
  expect([attempts, retries]).toEqual([3, ['Redis is away', 'Redis is away']]);
  stop.abort();
  await waiting.ended;
  const broken = startBroadcast({ ...common, signal: new AbortController().signal, onRetry: () => undefined, apply: () => Promise.reject(new TypeError('broken')) });
  await expect(broken.ended).rejects.toThrow('broken');
  await expect(broken.loaded).rejects.toThrow('broken');
});
