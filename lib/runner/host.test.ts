import { expect, test, vi } from 'vitest';
import { kafkaSectionSchema, observeSectionSchema } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createMemoryLog } from '#lib/log/memory.ts';
import { Host } from './host.ts';
import { countingService, createTopics } from './test-service.ts';

const DRAIN_MS = 400;

function hostWith(exit: () => void): Host {
  return new Host('app', { kafka: kafkaSectionSchema.parse({ drainTimeoutMs: DRAIN_MS }), observe: observeSectionSchema.parse({ logLevel: 'silent', enabled: false }) }, exit);
}

/** A service on a log in memory whose first record is one that its step cannot take. */
async function poisoned() {
  const log = createMemoryLog();
  const before = (): never => {
    throw new FarhandError('FARHAND_POISON_RECORD', 'in/0@0: not ours');
  };
  const service = countingService({ application: 'farhand-app', inputs: ['in'], output: 'out', before });
  await createTopics(log, service, 1);
  await log.append([{ topic: 'in', partition: 0, key: null, value: Buffer.from('?'), timestampMs: 1 }]);
  return { log, service };
}

test('a failed worker ends by itself, though a part waits for the signal as it closes; the place of the record is named once', async () => {
  const exit = vi.fn();
  const host = hostWith(exit);
  const closed: string[] = [];
  const ended = new Promise<void>((resolve) => host.signal.addEventListener('abort', () => resolve()));
  const failure = host.run(async () => {
    host.add({ name: 'log', close: async () => void closed.push('log') });
    host.add({ name: 'feed', close: () => ended.then(() => void closed.push('feed')) });
    return poisoned();
  });
  await expect(failure).rejects.toMatchObject({ code: 'FARHAND_POISON_RECORD', message: expect.stringMatching(/^in\/0@0: not ours \(to set it aside: /) as string });
  expect(closed).toEqual(['feed', 'log']);
  // What else may keep the process of a failed worker alive ends with it.
  await expect.poll(() => exit.mock.calls.length, { timeout: 5_000 }).toBe(1);
});

test('a part that never closes holds neither the error nor the other parts nor the process', async () => {
  const exit = vi.fn();
  const host = hostWith(exit);
  const closed: string[] = [];
  const begin = host.clock.monotonicMs();
  const failure = host.run(async () => {
    host.add({ name: 'log', close: async () => void closed.push('log') });
    host.add({ name: 'stuck', close: () => new Promise<void>(() => undefined) });
    await Promise.resolve();
    throw new FarhandError('FARHAND_TOPICS_WRONG', 'missing: in');
  });
  await expect(failure).rejects.toMatchObject({ code: 'FARHAND_TOPICS_WRONG' });
  expect(host.clock.monotonicMs() - begin).toBeLessThan(DRAIN_MS + 200);
  expect(closed).toEqual(['log']);
  expect(exit, 'the error is told first').not.toHaveBeenCalled();
  await expect.poll(() => exit.mock.calls.length, { timeout: 5_000 }).toBe(1);
});

test('a worker that was told to go ends as well, whatever request of a library keeps its process alive', async () => {
  const exit = vi.fn();
  const host = hostWith(exit);
  const log = createMemoryLog();
  const service = countingService({ application: 'farhand-app', inputs: ['in'], output: 'out' });
  await createTopics(log, service, 1);
  const ended = host.run(async () => {
    await Promise.resolve();
    setTimeout(() => process.emit('SIGTERM'), 50);
    return { log, service };
  });
  expect(await ended).toBe(0);
  await expect.poll(() => exit.mock.calls.length, { timeout: 5_000 }).toBe(1);
});
