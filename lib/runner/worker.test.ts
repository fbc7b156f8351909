import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { LogRecord } from '#lib/log/log.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import type { RunnerBounds, RunnerObserver, ServiceSpec } from './options.ts';
import { countingService, createTopics, partsFor, type CountingOptions } from './test-service.ts';
import { Worker } from './worker.ts';

const PARTITIONS = 4;
const options: CountingOptions = { application: 'app', inputs: ['in'], output: 'out' };

let log: MemoryLog;
let running: { worker: Worker; stop: AbortController; done: Promise<void> }[];

beforeEach(async () => {
  log = createMemoryLog();
  running = [];
  await createTopics(log, countingService(options), PARTITIONS);
});
afterEach(async () => {
  for (const { stop } of running) stop.abort();
  await Promise.allSettled(running.map(({ done }) => done));
});

function work(name = 'one', more: Partial<CountingOptions> = {}, bounds: Partial<RunnerBounds> = {}, observer: Partial<RunnerObserver> = {}) {
  const worker = new Worker(partsFor(log, countingService({ ...options, ...more }), bounds, observer), name);
  const stop = new AbortController();
  const done = worker.run(stop.signal);
  done.catch(() => undefined);
  running.push({ worker, stop, done });
  return { worker, stop, done };
}

const send = (keys: string[]) => log.append(keys.map((key) => ({ topic: 'in', partition: null, key: Buffer.from(key), value: Buffer.from('v'), timestampMs: 1 })));
const outputs = (topic = 'out') => Array.from({ length: PARTITIONS }, (_, p) => log.records(topic, p)).flat();
const texts = (records: LogRecord[]) => records.map((r) => Buffer.from(r.value!).toString()).sort((a, b) => (a < b ? -1 : 1));
/** What exactly-once must give for the keys that were sent: every count of every key, once. */
function expected(keys: string[]): string[] {
  const counts = new Map<string, number>();
  const all = keys.map((key) => {
    counts.set(key, (counts.get(key) ?? 0) + 1);
    return `${key}=${counts.get(key)}`;
  });
  return all.sort((a, b) => (a < b ? -1 : 1));
}
async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !condition(); i++) await systemClock.sleep(10);
  expect(condition()).toBe(true);
}
const keysOf = (count: number) => Array.from({ length: count }, (_, i) => `k${(i * 7) % 23}`);

test('processes what comes, commits outputs, state and positions, and ends in good order', async () => {
  const { worker, stop, done } = work();
  await send(keysOf(500));
  await until(() => outputs().length === 500);
  expect(texts(outputs())).toEqual(expected(keysOf(500)));
  expect([worker.tasks, worker.ready]).toEqual([[0, 1, 2, 3], true]);
  stop.abort();
  await done;
  const positions = await Promise.all([0, 1, 2, 3].map((p) => log.committedPositions('app', ['in'], p)));
  expect(positions.flat().reduce((sum, p) => sum + p.offset, 0)).toBe(500);
});

test('state comes back from the changelog: a second worker counts on', async () => {
  const first = work();
  await send(keysOf(100));
  await until(() => outputs().length === 100);
  first.stop.abort();
  await first.done;
  work('two');
  await send(keysOf(100));
  await until(() => outputs().length === 200);
  expect(texts(outputs())).toEqual(expected([...keysOf(100), ...keysOf(100)]));
});

test('workers that come and go in the middle change nothing in what is committed', async () => {
  const keys = keysOf(3_000);
  const feeding = (async () => {
    for (let i = 0; i < keys.length; i += 50) {
      await send(keys.slice(i, i + 50));
      await systemClock.sleep(5);
    }
  })();
  const first = work('one');
  await systemClock.sleep(40);
  const second = work('two');
  await systemClock.sleep(60);
  work('three');
  await systemClock.sleep(40);
  first.stop.abort();
  await first.done;
  await systemClock.sleep(40);
  second.stop.abort();
  await Promise.all([second.done, feeding]);
  await until(() => outputs().length >= keys.length);
  expect(texts(outputs())).toEqual(expected(keys));
});

test('a commit that fails, before or after it took effect, is neither lost nor repeated', async () => {
  let commits = 0;
  const fail = (every: number) => () => {
    if (++commits % every === 0) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', 'the broker went away');
  };
  log.faults = { beforeCommit: fail(3), afterCommit: fail(4) };
  const retried: string[] = [];
  work('one', {}, { batchRecordsMax: 20, commitIntervalMs: 1 }, { retried: (_task, cause) => retried.push(cause) });
  await send(keysOf(1_000));
  await until(() => outputs().length >= 1_000);
  expect(texts(outputs())).toEqual(expected(keysOf(1_000)));
  expect(retried).toContain('log');
});

test('a zombie that wakes up is fenced, and joins anew', async () => {
  const retried: string[] = [];
  const { worker } = work('one', {}, {}, { retried: (_task, cause) => retried.push(cause) });
  await send(keysOf(50));
  await until(() => outputs().length === 50);
  // Somebody else takes task 2 without the group's knowledge.
  await log.openWriter('app-2');
  await send(keysOf(200));
  await until(() => outputs().length >= 250);
  expect(retried).toContain('fenced');
  expect(texts(outputs())).toEqual(expected([...keysOf(50), ...keysOf(200)]));
  expect(worker.tasks).toEqual([0, 1, 2, 3]);
});

describe('a task that is fenced goes on', () => {
  const fencedUntil = async (retried: readonly string[], times: number): Promise<void> => {
    await log.openWriter('app-2');
    await send(keysOf(200));
    await until(() => retried.filter((cause) => cause === 'fenced').length >= times);
  };
  /** Has the members of `log`'s groups wait for `before` until they hear that they have joined, or joined anew. */
  const delayJoining = (before: (how: 'join' | 'rejoin') => Promise<void>): void => {
    const join = log.join.bind(log);
    log.join = async (...args) => {
      const membership = await join(...args);
      await before('join');
      const rejoin = (): Promise<void> => membership.rejoin().then(() => before('rejoin'));
      return { get epoch() { return membership.epoch; }, rejoin, leave: () => membership.leave() };
    };
  };

  test.each([['join', 1], ['rejoin', 2]] as const)('when it happens between its assignment and the end of the %s', async (moment, times) => {
    const retried: string[] = [];
    let once = true;
    delayJoining(async (how) => {
      if (how !== moment || !once) return;
      once = false;
      await fencedUntil(retried, times);
    });
    work('one', {}, {}, { retried: (_task, cause) => retried.push(cause) });
    if (moment === 'rejoin') {
      await send(keysOf(50));
      await until(() => outputs().length === 50);
      await log.openWriter('app-2');
      await send(keysOf(50));
    }
    await until(() => outputs().length === (moment === 'rejoin' ? 300 : 200));
  });
});

test('a dependency that is away is back-pressure: the batch waits, nothing is lost or emitted twice', async () => {
  let away = true;
  const retried: string[] = [];
  const before = () => {
    if (away) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis is away');
  };
  const { worker } = work('one', { before }, {}, { retried: (_task, cause) => retried.push(cause) });
  await send(keysOf(300));
  await until(() => retried.length > 5);
  expect([outputs().length, worker.ready]).toEqual([0, true]);
  away = false;
  await until(() => outputs().length >= 300);
  expect(texts(outputs())).toEqual(expected(keysOf(300)));
  expect(new Set(retried)).toEqual(new Set(['dependency']));
});

test('a dependency that fails after the state was touched: the task starts again from its changelog', async () => {
  let calls = 0;
  const before = () => {
    if (++calls % 37 === 0) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis is away');
  };
  const retried: string[] = [];
  work('one', { before }, { batchRecordsMax: 10, commitIntervalMs: 0 }, { retried: (_task, cause) => retried.push(cause) });
  await send(keysOf(300));
  await until(() => outputs().length >= 300);
  expect(texts(outputs())).toEqual(expected(keysOf(300)));
  expect(retried).toContain('log');
});

test('a record that a step cannot take stops the worker with its position; the others are not lost', async () => {
  await send(keysOf(40));
  const victim = log.records('in', 1)[3]!;
  const before = (record: { partition: number; offset: number }) => {
    if (record.partition === 1 && record.offset === victim.offset) throw new TypeError('cannot read properties of undefined');
  };
  const { done } = work('one', { before });
  await expect(done).rejects.toMatchObject({ code: 'FARHAND_POISON_RECORD', message: 'in/1@3: cannot read properties of undefined (to set it aside: farhand dead-letter set-aside --group app --topic in --partition 1 --offset 3)' });
  const position = (await log.committedPositions('app', ['in'], 1))[0]!;
  expect(position.offset, 'everything before the record was committed, and nothing at or past it').toBe(3);
  expect(outputs()).not.toHaveLength(0);
  work('repaired');
  await until(() => outputs().length >= 40);
  expect(texts(outputs())).toEqual(expected(keysOf(40)));
});

test('a task that hangs is given up after the drain deadline and finished elsewhere', async () => {
  const hang = Promise.withResolvers<void>();
  const events: string[] = [];
  const before = (_record: unknown, task: number) => (task === 0 ? hang.promise : undefined);
  const first = work('one', { before }, { drainMsMax: 50 }, { event: (name) => events.push(name) });
  await send(keysOf(200));
  await systemClock.sleep(50);
  first.stop.abort();
  await first.done;
  expect(events).toContain('task.abandoned');
  work('two');
  await until(() => outputs().length >= 200);
  hang.resolve(); // the hung promise comes back: its session may no longer commit
  await systemClock.sleep(50);
  expect(texts(outputs())).toEqual(expected(keysOf(200)));
});

test('two inputs of a task are merged by time, and wrong topics are named', async () => {
  await log.admin.create(['a', 'b', 'o', 'two-changelog'].map((name) => ({ name, partitions: 1, settings: {} })), 1);
  await log.admin.create([{ name: 'c', partitions: 2, settings: {} }], 1);
  const seen: number[] = [];
  const service = { application: 'two', inputs: ['a', 'b'], output: 'o', before: (r: { offset: number; arrivedAt: number | null }) => void seen.push((r as LogRecord).timestampMs) };
  await log.append([5, 7, 9].map((t) => ({ topic: 'a', partition: 0, key: null, value: null, timestampMs: t })));
  await log.append([4, 6, 8].map((t) => ({ topic: 'b', partition: 0, key: null, value: null, timestampMs: t })));
  work('one', service);
  await until(() => log.records('o', 0).length === 6);
  expect(seen).toEqual([4, 5, 6, 7, 8, 9]);
  await expect(work('two', { ...service, inputs: ['a', 'c'] }).done).rejects.toMatchObject({ code: 'FARHAND_TOPICS_WRONG', message: expect.stringContaining('c has 2') as string });
  await expect(work('two', { ...service, inputs: ['a', 'absent'] }).done).rejects.toMatchObject({ code: 'FARHAND_TOPICS_WRONG', message: expect.stringMatching(/^missing: .*absent.*; run: farhand topics$/) as string });
});

test('a commit that is on its way does not stop the processing, up to the bound', async () => {
  const gate = Promise.withResolvers<void>();
  const open = log.openWriter.bind(log);
  let held = 0;
  log.openWriter = async (id) => {
    const writer = await open(id);
    return { ...writer, commit: async (commit) => (held++ === 0 && (await gate.promise), writer.commit(commit)) };
  };
  const processed: number[] = [];
  await createTopics(log, countingService({ application: 'slow', inputs: ['in1'], output: 'out1' }), 1);
  work('one', { application: 'slow', inputs: ['in1'], output: 'out1' }, { batchRecordsMax: 10, commitIntervalMs: 1, commitBytesMax: 2_000 }, {
    processed: (_task, records) => processed.push(records),
  });
  await log.append(Array.from({ length: 1_000 }, () => ({ topic: 'in1', partition: 0, key: Buffer.from('k'), value: null, timestampMs: 1 })));
  await systemClock.sleep(100);
  const during = processed.reduce((a, b) => a + b, 0);
  expect(during, 'went on').toBeGreaterThan(10);
  expect(during, 'but not without bound').toBeLessThan(300);
  gate.resolve();
  await until(() => log.records('out1', 0).length === 1_000);
});

test('a commit holds a bounded amount of changed state, too', async () => {
  const changes: number[] = [];
  const service = { application: 'many-keys', inputs: ['in2'], output: 'out2', silent: true };
  await createTopics(log, countingService(service), 1);
  await log.append(Array.from({ length: 2_000 }, (_, i) => ({ topic: 'in2', partition: 0, key: Buffer.from(`k${i}`), value: null, timestampMs: 1 })));
  // A change of a key is taken for 1 KiB until the first commit has shown that it is some 60 bytes.
  work('one', service, { batchRecordsMax: 10, commitIntervalMs: 60_000, commitBytesMax: 20_000 }, { committed: (_task, _outputs, changed) => changes.push(changed) });
  await until(() => changes.reduce((a, b) => a + b, 0) > 1_500);
  expect(changes[0], 'the first').toBe(20);
  expect(Math.max(...changes), 'then as many as they really take').toBeGreaterThan(200);
  expect(Math.max(...changes)).toBeLessThan(1_000);
});

test('a task that is busy is called again without records, and commits lie in between', async () => {
  const spec = countingService({ application: 'busy', inputs: ['in4'], output: 'out4' });
  await createTopics(log, spec, 1);
  let [left, empty] = [0, 0];
  const service: ServiceSpec = {
    ...spec,
    createTask: (task, state) => {
      const inner = spec.createTask(task, state);
      return {
        ...inner,
        busy: () => left > 0,
        async process(batch, emitter) {
          await inner.process(batch, emitter);
          if (batch.length > 0) left = 5;
          else empty++;
          if (left-- > 0) emitter.emit('counts', null, Buffer.alloc(3_000), 1);
        },
      };
    },
  };
  const commits: number[] = [];
  const stop = new AbortController();
  const running = new Worker(partsFor(log, service, { commitIntervalMs: 60_000, commitBytesMax: 3_000 }, { committed: (_task, outputs) => commits.push(outputs) }), 'one').run(stop.signal);
  await log.append([{ topic: 'in4', partition: 0, key: Buffer.from('k'), value: null, timestampMs: 1 }]);
  await until(() => log.records('out4', 0).length === 6);
  stop.abort();
  await running;
  expect(empty).toBe(4);
  expect(commits.length).toBeGreaterThan(1);
});

test('while a restored task is taken up in slices, the others of the process go on', async () => {
  const [slices, seen]: [number[], number[]] = [[], []];
  const over = Promise.withResolvers<void>();
  const answers = () => log.records('out3', 0).length + log.records('out3', 1).length;
  const service = {
    application: 'sliced',
    inputs: ['in3'],
    output: 'out3',
    *resume(task: number) {
      // Task 1 has something to take up for as long as task 0 has not answered.
      for (let slice = 0; task === 1 && answers() === 0 && slice < 100_000; slice++) {
        slices.push(slice);
        yield;
      }
      if (task === 1) over.resolve();
    },
    before: (_record: unknown, task: number) => void seen.push(task),
  };
  await createTopics(log, countingService(service), 2);
  await log.append([0, 1].map((partition) => ({ topic: 'in3', partition, key: Buffer.from('k'), value: null, timestampMs: 1 })));
  work('one', service);
  await over.promise;
  expect(answers(), 'task 0 has answered meanwhile').toBe(1);
  expect(seen, 'task 1 has not begun before it was taken up').toEqual([0]);
  await until(() => answers() === 2);
  expect(slices.length).toBeGreaterThan(1);
});

test('where arrival is required: topics without LogAppendTime are refused, and those that cannot be checked are told of', async () => {
  const type = 'message.timestamp.type';
  await log.admin.create([['arrival', { [type]: 'LogAppendTime' }], ['creation', { [type]: 'CreateTime' }], ['hidden', {}]].map(([name, settings]) => ({ name, partitions: PARTITIONS, settings }) as never), 1);
  const told: unknown[] = [];
  const start = (input: string): Promise<void> => {
    const service = { ...countingService({ ...options, inputs: [input] }), arrivalRequired: true };
    const stop = new AbortController();
    return new Worker(partsFor(log, service, {}, { event: (name, { topics }) => void (name === 'topics.unchecked' && told.push(topics), name === 'group.assigned' && stop.abort()) }), 'one').run(stop.signal);
  };
  await start('arrival');
  await start('hidden');
  await expect(start('creation')).rejects.toMatchObject({ code: 'FARHAND_TOPICS_WRONG', message: expect.stringContaining('creation has CreateTime; set it on the topics') as string });
  expect(told).toEqual([['hidden']]);
});
