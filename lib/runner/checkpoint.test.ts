/** Restarts on the same disk: what a checkpoint may be used for, and what it must not be. */
import { beforeEach, expect, test } from 'vitest';
import { systemClock, type Clock } from '#lib/kernel/clock.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import type { CheckpointDisk } from '#lib/state/disk.ts';
import { countingService, createTopics, partsFor } from './test-service.ts';
import { Worker } from './worker.ts';

const service = countingService({ application: 'app', inputs: ['in'], output: 'out' });
const NAME = 'app-changelog-0.checkpoint';
const AGE_MS_MAX = 3_600_000;

interface RestoreResult {
  readonly records: number;
  readonly keys: number;
  readonly checkpointEntries: number | null;
}

/** A disk in memory. */
class Files implements CheckpointDisk {
  readonly files = new Map<string, Buffer>();
  published = 0;
  fail = false;

  read(name: string): Promise<AsyncIterable<Uint8Array> | null> {
    const bytes = this.files.get(name);
    async function* whole() {
      yield await Promise.resolve(bytes!);
    }
    return Promise.resolve(bytes === undefined ? null : whole());
  }

  create(name: string) {
    const written: Uint8Array[] = [];
    return Promise.resolve({
      write: (bytes: Uint8Array) => (this.fail ? Promise.reject(new Error('ENOSPC: no space left on device')) : Promise.resolve(void written.push(bytes))),
      publish: () => Promise.resolve(void (this.files.set(name, Buffer.concat(written)), this.published++)),
      discard: () => Promise.resolve(),
    });
  }
}

let log: MemoryLog;
let disk: Files;
let ignored: string[];

beforeEach(async () => {
  log = createMemoryLog();
  disk = new Files();
  ignored = [];
  await createTopics(log, service, 1);
});

/** Runs a worker until `done`; answers how its task was restored. */
async function run(done: () => boolean, options: { intervalMs?: number; clock?: Clock; application?: string } = {}): Promise<RestoreResult> {
  let result: RestoreResult | undefined;
  const parts = partsFor(log, { ...service, application: options.application ?? 'app' }, {}, {
    restored: (_task, records, size, _seconds, checkpointEntries = null) => (result = { records, keys: size, checkpointEntries }),
    event: (name, fields) => void (name === 'checkpoint.ignored' && ignored.push(String(fields['why']))),
    checkpointFailed: (_task, error) => ignored.push(error.message),
  });
  const checkpoints = { disk, intervalMs: options.intervalMs ?? 20, ageMsMax: AGE_MS_MAX };
  const stop = new AbortController();
  const ended = new Worker({ ...parts, checkpoints, ...(options.clock === undefined ? {} : { clock: options.clock }) }, 'one').run(stop.signal);
  for (let i = 0; i < 500 && !(result !== undefined && done()); i++) await systemClock.sleep(10);
  expect(result !== undefined && done()).toBe(true);
  stop.abort();
  await ended;
  return result!;
}

const send = (keys: readonly string[]) => log.append(keys.map((key) => ({ topic: 'in', partition: 0, key: Buffer.from(key), value: Buffer.from('v'), timestampMs: 1 })));
const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i % 100}`);
const outputs = () => log.records('out', 0).map(({ value }) => Buffer.from(value!).toString());

/** 100 keys in the state and a checkpoint of them. */
async function withCheckpoint(): Promise<void> {
  await send(keys(1_000));
  await run(() => outputs().length === 1_000 && disk.published > 0);
}

test('a worker that is started again on the same disk reads only what the changelog holds behind its checkpoint', async () => {
  await withCheckpoint();
  const changes = log.records('app-changelog', 0).length;
  await send(keys(150));
  const restored = await run(() => outputs().length === 1_150, { intervalMs: 1_000_000 });
  expect(restored).toMatchObject({ checkpointEntries: 100, keys: 100 });
  expect(restored.records).toBeLessThan(changes);
  // What came after the checkpoint is in the tail.
  const again = await run(() => true, { intervalMs: 1_000_000 });
  expect(again.records).toBeGreaterThanOrEqual(100);
  expect(ignored).toEqual([]);
  await send(['k0', 'k99']);
  await run(() => outputs().length === 1_152);
  expect(outputs().slice(-2)).toEqual(['k0=13', 'k99=12']);
});

test('an idle task confirms its checkpoint by a commit of its own, and takes no other', async () => {
  await withCheckpoint();
  const { published } = disk;
  await run(() => true, { intervalMs: 1 });
  await systemClock.sleep(100);
  expect(disk.published).toBe(published);
});

test('what was deleted after the checkpoint stays deleted', async () => {
  await withCheckpoint();
  const writer = await log.openWriter('app-0');
  await writer.commit({ records: [{ topic: 'app-changelog', partition: 0, key: Buffer.from('counts\0k7'), value: null, timestampMs: 1 }], group: 'app', positions: [] });
  await send(['k7']);
  expect((await run(() => outputs().length === 1_001)).checkpointEntries).toBe(100);
  expect(outputs().at(-1)).toBe('k7=1');
});

/** Whatever is wrong with the file: the state comes from the changelog, and it is said why. */
const DAMAGES: readonly (readonly [string, RegExp, (bytes: Buffer) => Buffer])[] = [
  ['torn', /it is cut off/, (bytes) => bytes.subarray(0, bytes.length - 9)],
  ['changed in its middle', /a checksum is wrong/, (bytes) => (bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1), bytes)],
  ['empty', /it is cut off/, () => Buffer.alloc(0)],
  ['something else', /it is of another form/, () => Buffer.from('#!/bin/sh\nexit 1\n')],
];

test.each(DAMAGES)('a checkpoint that is %s is ignored', async (_name, why, damage) => {
  await withCheckpoint();
  disk.files.set(NAME, damage(Buffer.from(disk.files.get(NAME)!)));
  await send(['k1']);
  const restored = await run(() => outputs().length === 1_001);
  expect(restored).toMatchObject({ checkpointEntries: null, records: log.records('app-changelog', 0).length - 1, keys: 100 });
  expect(outputs().at(-1)).toBe('k1=11');
  expect(ignored).toEqual([expect.stringMatching(why)]);
});

test('a checkpoint of another application, another log, or a later owner is foreign', async () => {
  await withCheckpoint();
  // None of these writes one of its own, however long it takes.
  const later = { intervalMs: AGE_MS_MAX };
  await run(() => true, { application: 'other', ...later });
  const old = log;
  log = createMemoryLog();
  await createTopics(log, service, 1);
  await run(() => true, later);
  for (let i = 0; i < 5; i++) await log.openWriter('app-0');
  await run(() => true, later);
  log = old;
  expect(ignored).toEqual([
    'it is foreign: its application is app, ours is other',
    'it is foreign: its epoch is 1, ours, which must be later, is 1',
    expect.stringMatching(/^it is foreign: it ends at \d+, the changelog has 0 to 0$/),
  ]);
});

test('a checkpoint that is older than the tombstones that may be missing is stale', async () => {
  await withCheckpoint();
  const later: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + AGE_MS_MAX + 60_000 };
  expect((await run(() => true, { clock: later })).checkpointEntries).toBeNull();
  expect(ignored).toEqual([expect.stringMatching(/^it is stale: saved 36\d{5} ms ago, at most 3600000 ms are allowed$/)]);
});

test('a full disk costs the checkpoint, never the task', async () => {
  disk.fail = true;
  await send(keys(500));
  await run(() => outputs().length === 500 && ignored.length > 0);
  expect(new Set(ignored)).toEqual(new Set(['ENOSPC: no space left on device']));
  expect(disk.files.size).toBe(0);
});
