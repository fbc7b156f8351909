import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawRecord } from '#lib/runner/task.ts';
import type { Feed, LogRecord } from './log.ts';
import { MergedFeeds } from './merge.ts';

class TestFeed implements Feed {
  readonly topic: string;
  readonly partition = 0;
  caughtUp = true;
  headTick?: number;
  endTick?: number;
  position = 0;
  readonly #times: number[];

  constructor(topic: string, times: number[]) {
    this.topic = topic;
    this.#times = times;
  }
  add(time: number) {
    this.#times.push(time);
  }
  headTimestamp() {
    return this.#times[this.position];
  }
  shift(): LogRecord {
    const offset = this.position++;
    const timestampMs = this.#times[offset]!;
    return { topic: this.topic, partition: 0, offset, arrivedAt: timestampMs, key: null, value: null, timestampMs };
  }
  get lag() {
    return this.#times.length - this.position;
  }
  close() {}
}

const take = (merged: MergedFeeds, max: number, nowMs: number) => {
  const into: RawRecord[] = [];
  merged.take(into, max, nowMs);
  return into.map((r) => `${r.topic}${r.arrivedAt}`);
};

test('takes by timestamp over all inputs, keeps the order inside each, and loses nothing', () => {
  const times = fc.array(fc.nat(1000)).map((list) => list.sort((a, b) => a - b));
  fc.assert(
    fc.property(times, times, fc.integer({ min: 1, max: 7 }), (a, b, max) => {
      const merged = new MergedFeeds([new TestFeed('a', [...a]), new TestFeed('b', [...b])], 100);
      const all: RawRecord[] = [];
      while (merged.take(all, max, 0) > 0);
      expect(all.map((r) => r.arrivedAt)).toEqual([...a, ...b].sort((x, y) => x - y));
      expect(all.filter((r) => r.topic === 'a').map((r) => r.offset)).toEqual(a.map((_, i) => i));
      expect(merged.positions().map((p) => p.offset)).toEqual([a.length, b.length]);
    }),
  );
});

test('an input that has not answered holds the others up, until it answers or the bound has passed', () => {
  const [a, b] = [new TestFeed('a', [1, 2]), new TestFeed('b', [])];
  b.caughtUp = false;
  const merged = new MergedFeeds([a, b], 100);
  expect(take(merged, 10, 1_000)).toEqual([]);
  expect(take(merged, 10, 1_099)).toEqual([]);
  b.add(0);
  expect(take(merged, 1, 1_099), 'the late answer comes first').toEqual(['b0']);
  expect(take(merged, 10, 1_150), 'a new wait has begun').toEqual([]);
  expect(take(merged, 10, 1_250)).toEqual(['a1', 'a2']);
});

test('an input at its end holds nobody up', () => {
  expect(take(new MergedFeeds([new TestFeed('a', [1, 2]), new TestFeed('b', [])], 100), 10, 0)).toEqual(['a1', 'a2']);
});

test('an end that was asked for before the other input\'s record arrived is not believed', () => {
  const [a, b] = [new TestFeed('a', [5, 6]), new TestFeed('b', [])];
  a.headTick = 7;
  b.endTick = 7; // the same fetch brought both: what reached b before a\'s record may have come just after b was read
  const merged = new MergedFeeds([a, b], 100);
  expect(take(merged, 10, 0)).toEqual([]);
  b.add(4);
  expect(take(merged, 1, 1)).toEqual(['b4']);
  b.endTick = 8;
  expect(take(merged, 10, 2)).toEqual(['a5', 'a6']);
});

test('requests are taken first, and nobody waits for them', () => {
  const requests = new TestFeed('requests', [9]);
  const merged = new MergedFeeds([new TestFeed('a', [1, 2]), requests], 100, ['requests']);
  expect(take(merged, 2, 0)).toEqual(['requests9', 'a1']);
  requests.caughtUp = false;
  expect(take(merged, 10, 0)).toEqual(['a2']);
  expect(merged.positions()).toHaveLength(2);
});
