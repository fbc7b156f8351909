/** One named test for each trap of kafkajs 2.2.4 (see docs/adr; of its membership: kafkajs-membership.test.ts): what it does to those who step into it must not show. */
import kafkajs from 'kafkajs';
import { afterEach, describe, expect, inject, test, vi } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { KAFKA_DEFAULTS, type OpenKafkaOptions } from '#lib/log/kafka.ts';
import type { Log } from '#lib/log/log.ts';
import { countingService, createTopics, partsFor } from '#lib/runner/test-service.ts';
import { Worker } from '#lib/runner/worker.ts';
import { API, CuttingSockets } from '../infrastructure/cutting-sockets.ts';
import { kafkaLog, readAll, record, text, unique, until } from '../infrastructure/logs.ts';

const brokers = inject('kafkaBrokers');

describe.skipIf(brokers === null)('traps of kafkajs', () => {
  const opened: Log[] = [];
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((log) => log.close()));
  });

  async function open(overrides: Partial<OpenKafkaOptions> = {}): Promise<Log> {
    const log = await kafkaLog(brokers!, overrides);
    opened.push(log);
    return log;
  }
  async function newTopic(log: Log, settings: Record<string, string> = {}, partitions = 1): Promise<string> {
    const name = unique('trap');
    await log.admin.create([{ name, partitions, settings }], 1);
    return name;
  }
  const values = async (log: Log, topic: string) => (await readAll(log, topic, 0)).map((r) => text(r.value));

  test('a record committed after a failed send is visible: its sequence numbers are not those of the failed one', async () => {
    const log = await open({ compression: 'none' });
    const [topic, small, id] = [await newTopic(log), await newTopic(log, { 'max.message.bytes': '1000' }), unique('id')];
    const first = await log.openWriter(id);
    await first.commit({ records: [record(topic, 0, 'k', 'one')], group: 'g', positions: [] });
    const tooLarge = record(small, 0, 'k', 'x'.repeat(5_000));
    await expect(first.commit({ records: [record(topic, 0, 'k', 'lost'), tooLarge], group: 'g', positions: [] })).rejects.toThrow(small);
    await first.close();
    for (const value of ['two', 'three']) {
      const next = await log.openWriter(id);
      await next.commit({ records: [record(topic, 0, 'k', value)], group: 'g', positions: [] });
      await next.close();
    }
    await (await log.openWriter(id)).close();
    expect(await values(log, topic)).toEqual(['one', 'two', 'three']);
  });

  test.each(['before', 'after'] as const)('a commit whose connection is lost %s the broker had it: the next writer knows which', async (when) => {
    const sockets = new CuttingSockets();
    const log = await open({ socketFactory: sockets.factory });
    const [topic, group, id] = [await newTopic(log), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const commit = (value: string, offset: number) => ({ records: [record(topic, 0, 'k', value)], group, positions: [{ topic, partition: 0, offset }] });
    await writer.commit(commit('one', 1));
    sockets.cutNext(API.endTxn, when);
    await expect(writer.commit(commit('cut', 2))).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
    expect(sockets.cuts).toBe(1);
    await writer.close();
    const next = await log.openWriter(id);
    const [position] = await log.committedPositions(group, [topic], 0);
    expect(position!.offset).toBe(when === 'before' ? 1 : 2);
    await next.commit(commit('after', 3));
    await next.close();
    await (await log.openWriter(id)).close();
    expect(await values(log, topic)).toEqual(when === 'before' ? ['one', 'after'] : ['one', 'cut', 'after']);
  });

  test('opening a writer fences at once, not at its first transaction, and its positions are read after that', async () => {
    const log = await open();
    const [topic, group, id] = [await newTopic(log), unique('group'), unique('id')];
    const zombie = await log.openWriter(id);
    const owner = await log.openWriter(id);
    await expect(zombie.commit({ records: [], group, positions: [{ topic, partition: 0, offset: 99 }] })).rejects.toMatchObject({ code: 'FARHAND_FENCED' });
    expect((await log.committedPositions(group, [topic], 0))[0]!.offset).toBe(0);
    await Promise.all([zombie.close(), owner.close()]);
  });

  test('transactions follow each other without the 300 ms wait on CONCURRENT_TRANSACTIONS', async () => {
    const log = await open();
    const [topic, group] = [await newTopic(log), unique('group')];
    const writer = await log.openWriter(unique('id'));
    const times: number[] = [];
    for (let i = 0; i < 30; i++) {
      const began = systemClock.monotonicMs();
      await writer.commit({ records: [record(topic, 0, 'k', String(i))], group, positions: [{ topic, partition: 0, offset: i + 1 }] });
      times.push(systemClock.monotonicMs() - began);
    }
    await writer.close();
    times.sort((a, b) => a - b);
    console.log(`30 transactions in a row: median ${times[15]!.toFixed(1)} ms, longest ${times[29]!.toFixed(1)} ms`);
    expect(times[15]).toBeLessThan(150);
  });

  test('idle connections set no timers of 1 ms, and none of a negative time', async () => {
    const log = await open();
    const topic = await newTopic(log);
    const writers = await Promise.all(Array.from({ length: 10 }, () => log.openWriter(unique('id'))));
    await Promise.all(writers.map((writer) => writer.commit({ records: [record(topic, 0, 'k', 'v')], group: 'g', positions: [] })));
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on('warning', onWarning);
    const timers = vi.spyOn(globalThis, 'setTimeout');
    await systemClock.sleep(1_000);
    const set = timers.mock.calls.length;
    timers.mockRestore();
    process.off('warning', onWarning);
    await Promise.all(writers.map((writer) => writer.close()));
    expect(set).toBeLessThan(200);
    expect(warnings).not.toContain('TimeoutNegativeWarning');
  });

  test('a task that works for longer than the session timeout stays in the group, and the others go on', async () => {
    const log = await open({ group: { ...KAFKA_DEFAULTS.group, sessionTimeoutMs: 6_000, heartbeatMs: 500 } });
    const [input, output] = [unique('in'), unique('out')];
    const before = (_r: unknown, task: number) => (task === 0 && !slept ? ((slept = true), systemClock.sleep(8_000)) : undefined);
    let slept = false;
    const service = countingService({ application: unique('app'), inputs: [input], output, before });
    await createTopics(log, service, 2);
    let assignments = 0;
    const parts = partsFor(log, service, {}, { event: (name) => void (name === 'group.assigned' && assignments++) });
    const stop = new AbortController();
    const done = new Worker(parts, 'one').run(stop.signal);
    await log.append([record(input, 0, 'slow', 'v'), record(input, 1, 'quick', 'v')]);
    const outputs = async () => (await Promise.all([0, 1].map((p) => readAll(log, output, p)))).flat().map((r) => text(r.value));
    await until('the quick task', async () => (await outputs()).length === 1, 7_000);
    await until('the slow task', async () => (await outputs()).length === 2, 20_000);
    expect(assignments).toBe(1);
    stop.abort();
    await done;
  });

  test('a revocation in the middle of a batch: the batch is finished and committed before its task moves, and done once', async () => {
    const log = await open();
    const [input, output] = [unique('in'), unique('out')];
    const began = Promise.withResolvers<void>();
    let slowed = 0;
    // Every task of the first worker is in a batch when the second one comes.
    const before = () => (slowed < 4 ? (++slowed === 4 && began.resolve(), systemClock.sleep(2_500)) : undefined);
    const service = countingService({ application: unique('app'), inputs: [input], output, before });
    await createTopics(log, service, 4);
    const [retried, stops] = [[] as string[], [new AbortController(), new AbortController()]];
    const observed = { retried: (_task: number, cause: string) => void retried.push(cause) };
    const one = new Worker(partsFor(log, service, { batchRecordsMax: 1, drainMsMax: 10_000 }, observed), 'one');
    const ended = [one.run(stops[0]!.signal)];
    await log.append([0, 1, 2, 3].flatMap((p) => Array.from({ length: 5 }, (_, i) => record(input, p, `p${p}-${i}`, 'v'))));
    await began.promise;
    const two = new Worker(partsFor(log, service, {}, observed), 'two');
    ended.push(two.run(stops[1]!.signal));
    await until('an even share', () => one.tasks.length === 2 && two.tasks.length === 2);
    const outputs = async () => (await Promise.all([0, 1, 2, 3].map((p) => readAll(log, output, p)))).flat().map((r) => text(r.value)!);
    await until('all outputs', async () => (await outputs()).length >= 20);
    for (const stop of stops) stop.abort();
    await Promise.all(ended);
    expect((await outputs()).sort()).toEqual([0, 1, 2, 3].flatMap((p) => [0, 1, 2, 3, 4].map((i) => `p${p}-${i}=1`)).sort());
    expect(retried, 'nobody was fenced: the task was given up before it was taken').toEqual([]);
  });

  test('an assignment is sticky: a worker that comes takes its share and no task moves between the others; its name brings its tasks back', async () => {
    const log = await open();
    const [input, output] = [unique('in'), unique('out')];
    const service = countingService({ application: unique('app'), inputs: [input], output });
    await createTopics(log, service, 9);
    const start = (name: string) => {
      const [worker, stop] = [new Worker(partsFor(log, service), name), new AbortController()];
      return { worker, stop, ended: worker.run(stop.signal) };
    };
    const [one, two] = [start('one'), start('two')];
    await until('nine tasks for two', () => one.worker.tasks.length + two.worker.tasks.length === 9 && one.worker.ready && two.worker.ready);
    const [first, second] = [one.worker.tasks, two.worker.tasks];
    const three = start('three');
    await until('a third for each', () => [one, two, three].every(({ worker }) => worker.tasks.length === 3));
    expect(one.worker.tasks.every((task) => first.includes(task)), 'one kept what it has').toBe(true);
    expect(two.worker.tasks.every((task) => second.includes(task)), 'two kept what it has').toBe(true);
    const [third, kept] = [three.worker.tasks, [one.worker.tasks, two.worker.tasks]];
    three.stop.abort();
    await three.ended;
    await until('nine tasks for two again', () => one.worker.tasks.length + two.worker.tasks.length === 9);
    const again = start('three');
    await until('a third for each again', () => [one, two, again].every(({ worker }) => worker.tasks.length === 3));
    expect([one.worker.tasks, two.worker.tasks].map((tasks, i) => tasks.filter((task) => kept[i]!.includes(task)).length), 'most of what they had before').toEqual([3, 3]);
    expect(again.worker.tasks).toEqual(third);
    for (const { stop } of [one, two, again]) stop.abort();
    await Promise.all([one, two, again].map(({ ended }) => ended));
  });

  test('a handler that fails commits nothing of its record, and says where it is', async () => {
    const log = await open();
    const [input, output] = [unique('in'), unique('out')];
    const before = (r: { offset: number }) => {
      if (r.offset === 7) throw new TypeError('no such field');
    };
    const service = countingService({ application: unique('app'), inputs: [input], output, before });
    await createTopics(log, service, 1);
    await log.append(Array.from({ length: 10 }, (_, i) => record(input, 0, 'k', String(i))));
    await expect(new Worker(partsFor(log, service, { batchRecordsMax: 3 }), 'one').run(new AbortController().signal)).rejects.toMatchObject({
      code: 'FARHAND_POISON_RECORD',
      message: expect.stringContaining(`${input}/0@7: no such field`) as string,
    });
    expect((await log.committedPositions(service.application, [input], 0))[0]!.offset).toBeLessThanOrEqual(7);
  });

  test('prefetching runs ahead of the processing, up to its bound', async () => {
    const bound = 256 * 1024;
    const log = await open({ compression: 'none', reader: { ...KAFKA_DEFAULTS.reader, prefetchBytesMax: bound, partitionBytesMax: 64 * 1024 } });
    const topic = await newTopic(log);
    for (let i = 0; i < 20; i++) await log.append(Array.from({ length: 50 }, () => record(topic, 0, 'k', 'x'.repeat(2_000))));
    const reader = await log.openReader();
    const feed = reader.open({ topic, partition: 0, offset: 0 });
    await until('a first record', () => feed.headTimestamp() !== undefined);
    await systemClock.sleep(1_000);
    let waiting = 0;
    for (; feed.headTimestamp() !== undefined; waiting++) feed.shift();
    expect(waiting).toBeGreaterThan(100);
    expect(waiting * 2_000).toBeLessThan(bound + 2 * 64 * 1024 + 120_000);
    await until('the rest', () => {
      for (; feed.headTimestamp() !== undefined; waiting++) feed.shift();
      return waiting === 1_000;
    });
  });

  test('zstd goes both ways between us and kafkajs', async () => {
    /** Fifty of them are more than is left unpacked. */
    const long = (value: string): string => value.padEnd(500, '.');
    const log = await open({ compression: 'zstd' });
    const topic = await newTopic(log);
    const kafka = new kafkajs.Kafka({ brokers: brokers!.split(','), logLevel: kafkajs.logLevel.NOTHING });
    const producer = kafka.producer({ createPartitioner: kafkajs.Partitioners.DefaultPartitioner });
    await producer.connect();
    await producer.send({ topic, compression: kafkajs.CompressionTypes.ZSTD, messages: Array.from({ length: 50 }, (_, i) => ({ key: 'k', value: long(`theirs ${i}`) })) });
    await producer.disconnect();
    await log.append(Array.from({ length: 50 }, (_, i) => record(topic, 0, 'k', long(`ours ${i}`))));
    const expected = ['theirs', 'ours'].flatMap((who) => Array.from({ length: 50 }, (_, i) => long(`${who} ${i}`)));
    expect(await values(log, topic)).toEqual(expected);
    const consumer = kafka.consumer({ groupId: unique('group') });
    const seen: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    await consumer.run({ eachMessage: ({ message }) => Promise.resolve(void seen.push(String(message.value))) });
    await until('kafkajs to read them', () => seen.length === 100);
    await consumer.disconnect();
    expect(seen).toEqual(expected);
  });

  test('readers get past the transaction of a worker that died in it, within the transaction timeout', async () => {
    const sockets = new CuttingSockets();
    const [dying, log] = [await open({ socketFactory: sockets.factory, transactionTimeoutMs: 1_000 }), await open()];
    const [topic, group] = [await newTopic(log), unique('group')];
    const dead = await dying.openWriter(unique('id'));
    sockets.cutNext(API.endTxn, 'before');
    await expect(dead.commit({ records: [record(topic, 0, 'k', 'never')], group, positions: [] })).rejects.toThrow();
    const alive = await log.openWriter(unique('id'));
    await alive.commit({ records: [record(topic, 0, 'k', 'behind it')], group, positions: [] });
    const reader = await log.openReader();
    const feed = reader.open({ topic, partition: 0, offset: 0 });
    await until('the record behind the dead transaction', () => feed.headTimestamp() !== undefined, 60_000);
    expect(text(feed.shift().value)).toBe('behind it');
    await Promise.all([dead.close(), alive.close()]);
  });

  test('a transaction that was begun ahead and not needed in time is given up before the broker fences the writer for it', async () => {
    const log = await open({ transactionTimeoutMs: 3_000 });
    const [topic, group, id] = [await newTopic(log), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const commit = (value: string, offset: number) => writer.commit({ records: [record(topic, 0, 'k', value)], group, positions: [{ topic, partition: 0, offset }] });
    await commit('one', 1);
    writer.prepare(group);
    // Longer than the timeout, and than the broker takes to look for those that are past it.
    await systemClock.sleep(6_000);
    await commit('two', 2);
    await writer.close();
    await (await log.openWriter(id)).close();
    expect(await values(log, topic)).toEqual(['one', 'two']);
    expect((await log.committedPositions(group, [topic], 0))[0]!.offset).toBe(2);
  });

  test('a writer that is closed asks nothing more of a transaction that it had begun ahead', async () => {
    const sockets = new CuttingSockets();
    const log = await open({ socketFactory: sockets.factory });
    const [group, id] = [unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    writer.prepare(group);
    await systemClock.sleep(500);
    const { connects } = sockets;
    sockets.cutNext(API.endTxn, 'before');
    await writer.close();
    await systemClock.sleep(1_000);
    expect([sockets.cuts, sockets.connects - connects]).toEqual([0, 0]);
    await (await log.openWriter(id)).close();
  });

  test.each(['before', 'after'] as const)('a transaction that is begun ahead while its connection is lost %s the broker had the request: the commit says so', async (when) => {
    const sockets = new CuttingSockets();
    const log = await open({ socketFactory: sockets.factory });
    const [topic, group, id] = [await newTopic(log), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const records = [record(topic, 0, 'k', 'one')];
    await writer.commit({ records, group, positions: [{ topic, partition: 0, offset: 1 }] });
    sockets.cutNext(API.addPartitionsToTxn, when);
    writer.prepare(group);
    await expect(writer.commit({ records, group, positions: [{ topic, partition: 0, offset: 2 }] })).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
    expect(sockets.cuts).toBe(1);
    await writer.close();
    const next = await log.openWriter(id);
    expect((await log.committedPositions(group, [topic], 0))[0]!.offset).toBe(1);
    await next.commit({ records: [record(topic, 0, 'k', 'two')], group, positions: [{ topic, partition: 0, offset: 2 }] });
    await next.close();
    await (await log.openWriter(id)).close();
    expect(await values(log, topic)).toEqual(['one', 'two']);
  });

  test('connections that are lost at any time lose nothing and repeat nothing', async () => {
    const sockets = new CuttingSockets();
    const log = await open({ socketFactory: sockets.factory });
    const steady = await open();
    const [input, output] = [unique('in'), unique('out')];
    const service = countingService({ application: unique('app'), inputs: [input], output });
    await createTopics(steady, service, 4);
    const stop = new AbortController();
    let started = 0;
    const parts = partsFor(log, service, { batchRecordsMax: 50 }, { event: (name) => void (name === 'task.started' && started++) });
    const done = new Worker(parts, 'one').run(stop.signal);
    done.catch(() => undefined); // awaited at the end
    await until('the tasks', () => started === 4);
    const keys = Array.from({ length: 2_000 }, (_, i) => `k${i % 40}`);
    for (let i = 0; i < keys.length; i += 100) {
      await steady.append(keys.slice(i, i + 100).map((key) => record(input, null, key, 'v')));
      await systemClock.sleep(50);
      if (i % 400 === 0) sockets.cutAll();
    }
    const outputs = async () => (await Promise.all([0, 1, 2, 3].map((p) => readAll(steady, output, p)))).flat().map((r) => text(r.value)!);
    await until('all outputs', async () => (await outputs()).length >= keys.length, 60_000);
    stop.abort();
    await done;
    const expected = Array.from({ length: 40 }, (_, k) => Array.from({ length: 50 }, (_unused, n) => `k${k}=${n + 1}`)).flat();
    const order = (a: string, b: string) => (a < b ? -1 : 1);
    expect((await outputs()).sort(order)).toEqual(expected.sort(order));
  });
});
