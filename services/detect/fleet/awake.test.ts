import { expect, test } from 'vitest';
import { AwakeSubjects } from './awake.ts';
import { DAY_MS, HOUR_MS } from './minutes.ts';

const END = 40 * DAY_MS;

test('subjects stay awake for a day while there is room, and for an hour where somebody found none', () => {
  const awake = new AwakeSubjects();
  expect([awake.mayStay('office', 8000, 10), awake.mayStay('home', 1, 10)]).toEqual([true, true]);
  expect(awake.restBefore(END)).toBe(END - DAY_MS);
  expect([awake.mayStay('other office', 192, 10), [...awake.names()]]).toEqual([false, ['office', 'home']]);
  expect(awake.restBefore(END)).toBe(END - HOUR_MS);
  expect(awake.restBefore(END)).toBe(END - DAY_MS);
});

test('people are counted as they are now', () => {
  const awake = new AwakeSubjects();
  for (const people of [8192, 10]) expect(awake.mayStay('a', people, 10)).toBe(true);
  expect(awake.mayStay('b', 8182, 10)).toBe(true);
  expect(awake.mayStay('b', 8183, 10)).toBe(false);
  awake.sleep('a');
  expect([awake.mayStay('b', 8192, 10), [...awake.names()]]).toEqual([true, ['b']]);
});

test('of very many subjects those of one person rest', () => {
  const awake = new AwakeSubjects();
  expect([awake.mayStay('one', 1, 4096), awake.mayStay('one', 1, 4097), awake.mayStay('two', 2, 4097)]).toEqual([true, false, true]);
  expect(awake.restBefore(END), 'which is no crowd').toBe(END - DAY_MS);
});
