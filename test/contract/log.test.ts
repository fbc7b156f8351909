/** What every adapter of the log port must do: one suite over memory, the simulated log and Kafka. */
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import type { Commit, GroupMember, Log, LogTimes, Membership, OutgoingRecord, Position, TaskWriter } from '#lib/log/log.ts';
import { createMemoryLog } from '#lib/log/memory.ts';
import { standaloneSimulatedLog } from '../simulation/standalone.ts';
import { kafkaLog, readAll, record, text, unique, until } from '../infrastructure/logs.ts';

const brokers = inject('kafkaBrokers');
const PARTITIONS = 3;

const adapters: { name: string; open: (() => Promise<Log>) | null }[] = [
  { name: 'memory', open: () => Promise.resolve(createMemoryLog()) },
  { name: 'simulated', open: () => Promise.resolve(standaloneSimulatedLog(systemClock)) },
  { name: 'Kafka', open: brokers === null ? null : () => kafkaLog(brokers) },
];

describe.each(adapters)('the $name log', ({ open }) => {
  let log: Log;
  const skip = open === null;

  beforeAll(async () => {
    if (open !== null) log = await open();
  });
  afterAll(async () => {
    if (open !== null) await log.close();
  });

  async function newTopic(settings: Record<string, string> = {}, partitions = PARTITIONS): Promise<string> {
    const name = unique('topic');
    await log.admin.create([{ name, partitions, settings }], 1);
    return name;
  }
  const values = async (topic: string, partition: number) => (await readAll(log, topic, partition)).map((r) => text(r.value));
  const committed = async (group: string, topic: string, partition: number) =>
    (await log.committedPositions(group, [topic], partition))[0]!.offset;
  /** The next writer of an id waits for the end of the last transaction: from then on everybody sees it. */
  const settle = async (id: string) => (await log.openWriter(id)).close();
  const position = (topic: string, partition: number, offset: number): Position => ({ topic, partition, offset });

  test.skipIf(skip)('topics are created with their settings and described as they are', async () => {
    const name = await newTopic({ 'cleanup.policy': 'compact', 'message.timestamp.type': 'CreateTime' });
    const found = await log.admin.describe([name, 'test.absent'], ['cleanup.policy', 'message.timestamp.type']);
    expect(found.get(name)).toMatchObject({ name, partitions: PARTITIONS, settings: { 'cleanup.policy': 'compact' } });
    expect(found.get('test.absent')).toBeNull();
    expect(await log.partitionsOf([name, 'test.absent'])).toEqual(new Map([[name, PARTITIONS], ['test.absent', 0]]));
    await expect(log.admin.create([{ name, partitions: 1, settings: {} }], 1)).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
  });

  test.skipIf(skip || open === adapters[1]!.open)('the offset at a time is that of the first record at or after it, else the end', async () => {
    const topic = await newTopic({ 'message.timestamp.type': 'CreateTime' });
    const times = log as Log & LogTimes;
    await log.append([100, 200, 200, 400].map((at) => record(topic, 1, null, `${at}`, at)));
    const at = async (...asked: (number | null)[]): Promise<number[]> => Promise.all(asked.map((time) => times.offsetAt(topic, 1, time)));
    expect(await at(0, 100, 101, 200, 201, 400, 401, null)).toEqual([0, 0, 1, 1, 3, 3, 4, 4]);
    expect(await times.offsetAt(topic, 0, 0)).toBe(0);
  });

  test.skipIf(skip)('records land on the partition of their key, in order, with key, value and timestamp', async () => {
    const topic = await newTopic();
    await log.append([record(topic, null, 'tenant|alice', 'a1', 11), record(topic, null, 'tenant|bob', 'b1', 12), record(topic, null, 'tenant|alice', null, 13)]);
    await log.append([record(topic, null, null, 'keyless', 14)]);
    // The same hash on every adapter, so that embedded with N partitions does what Kafka does: alice → 0, bob → 2.
    const found = await Promise.all([0, 1, 2].map(async (p) => (await readAll(log, topic, p)).map((r) => [text(r.key), text(r.value), r.timestampMs, r.offset])));
    expect(found).toMatchInlineSnapshot(`
      [
        [
          [
            "tenant|alice",
            "a1",
            11,
            0,
          ],
          [
            "tenant|alice",
            null,
            13,
            1,
          ],
          [
            null,
            "keyless",
            14,
            2,
          ],
        ],
        [],
        [
          [
            "tenant|bob",
            "b1",
            12,
            0,
          ],
        ],
      ]
    `);
  });

  test.skipIf(skip)('arrival is known where the topic keeps it, and only there', async () => {
    const [append, create] = [await newTopic({ 'message.timestamp.type': 'LogAppendTime' }), await newTopic()];
    await log.append([record(append, 0, 'k', 'v', 5), record(create, 0, 'k', 'v', 5)]);
    const [first] = await readAll(log, append, 0);
    expect(first!.arrivedAt).toBeGreaterThan(1.6e12);
    expect(first!.timestampMs).toBe(first!.arrivedAt);
    expect((await readAll(log, create, 0))[0]).toMatchObject({ arrivedAt: null, timestampMs: 5 });
  });

  test.skipIf(skip)('outputs on several topics and positions commit together', async () => {
    const [a, b, group, id] = [await newTopic(), await newTopic(), unique('group'), unique('id')];
    expect(await committed(group, a, 1)).toBe(0);
    const writer = await log.openWriter(id);
    for (let i = 0; i < 5; i++) {
      await writer.commit({ records: [record(a, 1, 'k', `a${i}`), record(b, null, 'x', `b${i}`)], group, positions: [position(a, 1, 10 + i)] });
    }
    await writer.close();
    await settle(id);
    expect(await values(a, 1)).toEqual(['a0', 'a1', 'a2', 'a3', 'a4']);
    expect((await Promise.all([0, 1, 2].map((p) => values(b, p)))).flat()).toEqual(['b0', 'b1', 'b2', 'b3', 'b4']);
    expect(await committed(group, a, 1)).toBe(14);
    expect(await committed(group, a, 0)).toBe(0);
  });

  test.skipIf(skip)('a commit of more bytes than one request holds comes in its order', async () => {
    const [topic, id] = [await newTopic(), unique('id')];
    const writer = await log.openWriter(id);
    for (let commit = 0; commit < 2; commit++) {
      writer.add(Array.from({ length: 300 }, (_, i) => record(topic, i % 3, 'k', `${commit}-${i} ${'x'.repeat(12_000)}`)));
      await writer.commit({ records: [record(topic, 0, 'k', `${commit}-last`)], group: unique('group'), positions: [] });
    }
    await writer.close();
    await settle(id);
    const names = (partition: number) => [0, 1].flatMap((commit) => [...Array.from({ length: 300 }, (_, i) => i).filter((i) => i % 3 === partition).map((i) => `${commit}-${i}`), ...(partition === 0 ? [`${commit}-last`] : [])]);
    for (const partition of [0, 1, 2]) expect((await values(topic, partition)).map((value) => value!.split(' ')[0])).toEqual(names(partition));
  });

  test.skipIf(skip)('what follows a position: records, not the marks of transactions', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    expect(await log.hasMore(position(topic, 0, 0))).toBe(false);
    await log.append([record(topic, 0, 'k', 'a')]);
    expect([await log.hasMore(position(topic, 0, 0)), await log.hasMore(position(topic, 0, 1)), await log.hasMore(position(topic, 1, 0))]).toEqual([true, false, false]);
    const writer = await log.openWriter(id);
    await writer.commit({ records: [record(topic, 0, 'k', 'b')], group, positions: [] });
    await settle(id);
    expect([await log.hasMore(position(topic, 0, 1)), await log.hasMore(position(topic, 0, 2))]).toEqual([true, false]);
  });

  test.skipIf(skip)('a commit of positions alone, and one of nothing', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    await writer.commit({ records: [], group, positions: [position(topic, 0, 7)] });
    await writer.commit({ records: [], group, positions: [] });
    await settle(id);
    expect(await committed(group, topic, 0)).toBe(7);
    await writer.close();
  });

  test.skipIf(skip)('a commit larger than one batch and one request keeps its order', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const padding = 'x'.repeat(60_000);
    const records = Array.from({ length: 60 }, (_, i) => record(topic, 0, 'k', `${i}:${padding}`));
    await writer.commit({ records, group, positions: [position(topic, 0, 1)] });
    await writer.commit({ records: [record(topic, 0, 'k', 'last')], group, positions: [position(topic, 0, 2)] });
    await writer.close();
    await settle(id);
    expect((await values(topic, 0)).map((v) => v!.split(':')[0])).toEqual([...Array.from({ length: 60 }, (_, i) => String(i)), 'last']);
  });

  test.skipIf(skip)('opening a writer fences the one before: nothing of its next commit is seen', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const zombie = await log.openWriter(id);
    await zombie.commit({ records: [record(topic, 0, 'k', 'before')], group, positions: [position(topic, 0, 1)] });
    const owner = await log.openWriter(id);
    await expect(zombie.commit({ records: [record(topic, 0, 'k', 'zombie')], group, positions: [position(topic, 0, 99)] })).rejects.toMatchObject({
      code: 'FARHAND_FENCED',
    });
    await owner.commit({ records: [record(topic, 0, 'k', 'after')], group, positions: [position(topic, 0, 2)] });
    await settle(id);
    expect(await values(topic, 0)).toEqual(['before', 'after']);
    expect(await committed(group, topic, 0)).toBe(2);
    await Promise.all([zombie.close(), owner.close()]);
  });

  test.skipIf(skip)('what was prepared changes nothing of what a commit holds: other topics than before, another group, nothing at all', async () => {
    const [a, b, group, other, id] = [await newTopic(), await newTopic(), unique('group'), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const prepare = () => [group, group].forEach((of) => writer.prepare(of));
    prepare();
    await writer.commit({ records: [record(a, 0, 'k', 'one'), record(b, 2, 'k', 'one')], group, positions: [position(a, 0, 1)] });
    prepare();
    await writer.commit({ records: [record(a, 1, 'k', 'two')], group, positions: [position(a, 0, 2)] });
    prepare();
    await writer.commit({ records: [], group, positions: [] });
    prepare();
    await writer.commit({ records: [record(a, 1, 'k', 'three')], group: other, positions: [position(a, 0, 3)] });
    await writer.close();
    await settle(id);
    expect([await values(a, 0), await values(a, 1), await values(b, 2)]).toEqual([['one'], ['two', 'three'], ['one']]);
    expect([await committed(group, a, 0), await committed(other, a, 0)]).toEqual([2, 3]);
  });

  test.skipIf(skip)('what was added goes with the next commit, before its own records, and with no other writer', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const writer = await log.openWriter(id);
    const of = (n: number, records: readonly OutgoingRecord[] = []): Commit => ({ records, group, positions: [position(topic, 0, n)] });
    writer.add([record(topic, 0, 'k', 'one'), record(topic, null, 'tenant|bob', 'by its key')]);
    writer.add([record(topic, 0, 'k', 'two')]);
    const committing = writer.commit(of(1, [record(topic, 0, 'k', 'three')]));
    writer.add([record(topic, 0, 'k', 'four')]); // while that is on its way
    await committing;
    writer.add([record(topic, 0, 'k', 'five'), record(topic, null, 'tenant|bob', 'by its key too')]);
    await writer.commit(of(2));
    writer.add([record(topic, 0, 'k', 'never committed')]);
    await writer.close();
    const next = await log.openWriter(id);
    await next.commit(of(3, [record(topic, 0, 'k', 'six')]));
    await next.close();
    await settle(id);
    expect(await values(topic, 0)).toEqual(['one', 'two', 'three', 'four', 'five', 'six']);
    expect(await values(topic, 2)).toEqual(['by its key', 'by its key too']);
  });

  test.skipIf(skip)('a writer that was fenced after it had prepared commits nothing, and holds nobody up', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const zombie = await log.openWriter(id);
    await zombie.commit({ records: [record(topic, 0, 'k', 'before')], group, positions: [position(topic, 0, 1)] });
    zombie.prepare(group);
    const owner = await log.openWriter(id);
    await expect(zombie.commit({ records: [record(topic, 0, 'k', 'zombie')], group, positions: [position(topic, 0, 99)] })).rejects.toMatchObject({ code: 'FARHAND_FENCED' });
    zombie.prepare(group);
    owner.prepare(group);
    await owner.commit({ records: [record(topic, 0, 'k', 'after')], group, positions: [position(topic, 0, 2)] });
    await settle(id);
    expect(await values(topic, 0)).toEqual(['before', 'after']);
    expect(await committed(group, topic, 0)).toBe(2);
    await Promise.all([zombie.close(), owner.close()]);
  });

  test.skipIf(skip)('after a failed commit a new writer of the same id goes on, and what failed is not there', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    let writer: TaskWriter = await log.openWriter(id);
    await writer.commit({ records: [record(topic, 0, 'k', 'one')], group, positions: [position(topic, 0, 1)] });
    const failing = { records: [record(topic, 0, 'k', 'lost'), record('test.absent', 0, 'k', 'lost')], group, positions: [position(topic, 0, 2)] };
    await expect(writer.commit(failing)).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
    await expect(writer.commit({ records: [], group, positions: [] })).rejects.toMatchObject({ code: 'FARHAND_INVARIANT' });
    await writer.close();
    writer = await log.openWriter(id);
    expect(await committed(group, topic, 0)).toBe(1);
    await writer.commit({ records: [record(topic, 0, 'k', 'two')], group, positions: [position(topic, 0, 2)] });
    await writer.close();
    await settle(id);
    expect(await values(topic, 0)).toEqual(['one', 'two']);
  });

  test.skipIf(skip)('a feed gives committed records from its position on, tells its end, and goes on when more comes', async () => {
    const topic = await newTopic();
    await log.append([0, 1, 2].map((i) => record(topic, 1, 'k', `v${i}`, i)));
    const reader = await log.openReader();
    const feed = reader.open(position(topic, 1, 1));
    const idle = reader.open(position(topic, 0, 0));
    await until('the feeds', () => feed.headTimestamp() !== undefined && idle.caughtUp);
    expect([feed.headTimestamp(), feed.position, feed.lag]).toEqual([1, 1, 2]);
    expect([text(feed.shift().value), text(feed.shift().value)]).toEqual(['v1', 'v2']);
    expect([feed.headTimestamp(), feed.position, feed.lag, feed.caughtUp]).toEqual([undefined, 3, 0, true]);
    const waited = reader.wait(10_000);
    await log.append([record(topic, 1, 'k', 'v3')]);
    await waited;
    await until('the next record', () => feed.headTimestamp() !== undefined);
    expect([text(feed.shift().value), feed.position]).toEqual(['v3', 4]);
    await reader.close();
    await expect(reader.wait(10_000), 'not answered at once, again and again').rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' });
  });

  test.skipIf(skip)('a feed and readToEnd see transactions when they are committed, never before', async () => {
    const [topic, group] = [await newTopic(), unique('group')];
    const writer = await log.openWriter(unique('id'));
    const reader = await log.openReader();
    const feed = reader.open(position(topic, 0, 0));
    const seen: (string | null)[] = [];
    for (let i = 0; i < 3; i++) {
      await writer.commit({ records: [record(topic, 0, 'k', `v${i}`)], group, positions: [] });
      await until('the committed record', () => feed.headTimestamp() !== undefined);
      seen.push(text(feed.shift().value));
    }
    expect(seen).toEqual(['v0', 'v1', 'v2']);
    await until('the end', () => feed.caughtUp);
    expect(await log.readToEnd(topic, 0, () => undefined)).toBe(feed.position);
    await Promise.all([reader.close(), writer.close()]);
  });

  test.skipIf(skip)('readToEnd from an offset gives what lies behind it; the offsets of a partition tell where that may be', async () => {
    const [topic, group] = [await newTopic(), unique('group')];
    expect(await log.offsetsOf(topic, 0)).toEqual({ start: 0, end: 0 });
    const id = unique('id');
    const writer = await log.openWriter(id);
    for (let i = 0; i < 4; i++) await writer.commit({ records: [record(topic, 0, 'k', `v${i}`)], group, positions: [] });
    await writer.close();
    await settle(id);
    const { start, end } = await log.offsetsOf(topic, 0);
    const all = await readAll(log, topic, 0);
    expect([start, all.length]).toEqual([0, 4]);
    expect(end).toBeGreaterThan(all.at(-1)!.offset);
    for (const from of [0, all[2]!.offset, end]) {
      const found: number[] = [];
      expect(await log.readToEnd(topic, 0, (batch) => found.push(...batch.map(({ offset }) => offset)), from)).toBe(end);
      expect(found).toEqual(all.map(({ offset }) => offset).filter((offset) => offset >= from));
    }
  });

  test.skipIf(skip)('a later writer of an id is the same producer with a higher epoch, also after an open transaction was given up', async () => {
    const [topic, group, id] = [await newTopic(), unique('group'), unique('id')];
    const fences: TaskWriter['fence'][] = [];
    for (let i = 0; i < 4; i++) {
      const writer = await log.openWriter(id);
      fences.push(writer.fence);
      const fails = i === 1 ? [record('test.absent', 0, 'k', 'lost')] : [];
      const committed = writer.commit({ records: [record(topic, 0, 'k', 'v'), ...fails], group, positions: [] });
      await (i === 1 ? expect(committed).rejects.toMatchObject({ code: 'FARHAND_LOG_UNAVAILABLE' }) : committed);
      await writer.close();
    }
    expect(new Set(fences.map(({ producer }) => producer)).size).toBe(1);
    for (let i = 1; i < fences.length; i++) expect(fences[i]!.epoch).toBeGreaterThan(fences[i - 1]!.epoch);
  });

  describe.skipIf(skip)('a group', () => {
    class Worker implements GroupMember {
      tasks: readonly number[] = [];
      calls: string[] = [];
      membership!: Membership;
      quiesce() {
        this.calls.push('quiesce');
        return Promise.resolve();
      }
      assigned(tasks: readonly number[]) {
        this.calls.push(`assigned ${tasks.join(',')}`);
        this.tasks = tasks;
      }
      lost(error: Error) {
        this.calls.push(`lost ${error.message}`);
      }
    }

    test('shares tasks evenly, keeps what it can, and stops tasks before they move', async () => {
      const [a, b, group] = [await newTopic({}, 6), await newTopic({}, 6), unique('group')];
      const enter = async (name: string) => {
        const worker = new Worker();
        worker.membership = await log.join({ group, topics: [a, b], worker: name }, worker);
        return worker;
      };
      const one = await enter('one');
      await until('all tasks at one', () => one.tasks.length === 6);
      const two = await enter('two');
      await until('an even share', () => one.tasks.length === 3 && two.tasks.length === 3);
      expect([...one.tasks, ...two.tasks].sort((x, y) => x - y)).toEqual([0, 1, 2, 3, 4, 5]);
      const last = one.calls.lastIndexOf(`assigned ${one.tasks.join(',')}`);
      expect(one.calls[last - 1], 'quiesced before the tasks moved').toBe('quiesce');
      expect([await log.admin.membersOf(group), await log.admin.membersOf(unique('group'))]).toEqual([2, 0]);
      const epoch = one.membership.epoch;
      await two.membership.leave();
      await until('all tasks back', () => one.tasks.length === 6);
      expect(one.membership.epoch).toBeGreaterThan(epoch);
      await one.membership.rejoin();
      await until('all tasks again', () => one.tasks.length === 6);
      await one.membership.leave();
      expect(one.calls.filter((call) => call.startsWith('lost'))).toEqual([]);
    });

    test('a rejoin waits for the tasks to stop', async () => {
      const [topic, group] = [await newTopic(), unique('group')];
      const slow = new Worker();
      let stopped = false;
      slow.quiesce = async () => {
        if (slow.tasks.length > 0) await new Promise((resolve) => setTimeout(resolve, 1_500));
        stopped = slow.tasks.length > 0;
      };
      slow.membership = await log.join({ group, topics: [topic], worker: 'slow' }, slow);
      await until('the first assignment', () => slow.tasks.length === PARTITIONS);
      const other = new Worker();
      const joined = log.join({ group, topics: [topic], worker: 'other' }, other);
      await until('a task of the other worker', () => other.tasks.length > 0);
      expect(stopped).toBe(true);
      await Promise.all([slow.membership.leave(), (await joined).leave()]);
    });
  });
});
