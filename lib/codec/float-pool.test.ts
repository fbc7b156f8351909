import { expect, test } from 'vitest';
import { FloatPool } from './float-pool.ts';

test('hands out arrays of the length that was asked for, none of them twice before it is released', () => {
  const pool = new FloatPool();
  const first = [3, 3, 0, 512, 3].map((length) => pool.take(length));
  expect(first.map(({ length }) => length)).toEqual([3, 3, 0, 512, 3]);
  expect(new Set(first).size).toBe(5);
  pool.release();
  const again = [3, 3, 3].map((length) => pool.take(length));
  expect(new Set(again)).toEqual(new Set([first[0], first[1], first[4]]));
  expect(pool.take(3)).not.toBe(first[0]);
});

test('keeps no more than a bounded number, and nothing of long arrays', () => {
  const pool = new FloatPool();
  const many = new Set(Array.from({ length: 10_000 }, () => pool.take(2)));
  expect(many.size).toBe(10_000);
  pool.release();
  const kept = Array.from({ length: 10_000 }, () => pool.take(2)).filter((array) => many.has(array));
  expect(kept.length).toBe(4096);
  expect(pool.take(513)).toEqual([]);
});
