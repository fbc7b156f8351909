import { expect, test } from 'vitest';
import { HISTORY_BINS, historyBin, newHistory, ownGap, recordMinute } from './history.ts';
import { START } from './test-view.ts';

const DAY = 86_400_000;

test('only days that are over speak, and their median is typical', () => {
  const history = newHistory('d', 'ENDPOINT_AGENT');
  for (let i = 0; i < 90; i++) recordMinute(history, START + i * 60_000, 60, 0);
  expect(ownGap(history)).toBeNull();
  for (let day = 1; day <= 3; day++) for (let i = 0; i < 90; i++) recordMinute(history, START + day * DAY + i * 60_000, 60, 0);
  const typical = ownGap(history)!;
  expect(typical).toMatchObject({ days: 3, minutes: 270 });
  expect(Math.abs(typical.typicalMs - 60)).toBeLessThan(4);
});

test('bins rise with the gap and never end', () => {
  let last = -1;
  for (let gap = -50; gap < 5000; gap += 0.5) {
    const bin = historyBin(gap);
    expect(bin).toBeGreaterThanOrEqual(last);
    last = bin;
  }
  expect(last).toBe(HISTORY_BINS - 1);
});

test('days far above all earlier ones are not learnt, until they have gone on for a week', () => {
  const history = newHistory('d', 'ENDPOINT_AGENT');
  const day = (n: number, gapMs: number): void => {
    for (let i = 0; i < 90; i++) recordMinute(history, START + n * DAY + i * 60_000, gapMs, 0);
  };
  for (let n = 0; n < 3; n++) day(n, 5);
  for (let n = 3; n < 9; n++) day(n, 45);
  expect(ownGap(history)!.highMs).toBeLessThan(6);
  for (let n = 9; n < 13; n++) day(n, 45);
  expect(ownGap(history)!.highMs).toBeGreaterThan(40);
});

test('beyond the grid nothing can be compared: a gap of a second is not a rise from its last edge', () => {
  const history = newHistory('d', 'ENDPOINT_AGENT');
  for (let day = 0; day < 3; day++) for (let i = 0; i < 90; i++) recordMinute(history, START + day * DAY + i * 60_000, 300 + i, 0);
  expect(ownGap(history)).toMatchObject({ typicalMs: Infinity, highMs: Infinity });
});

test('what the line spread is a mean over the minutes of the days that were learnt', () => {
  const history = newHistory('d', 'ENDPOINT_AGENT');
  const day = (n: number, minutes: number, gapMs: number, spreadUs: number): void => {
    for (let i = 0; i < minutes; i++) recordMinute(history, START + n * DAY + i * 60_000, gapMs, spreadUs);
  };
  day(0, 90, 5, 10_000);
  day(1, 30, 5, 30_000);
  expect(ownGap(history)!.spreadMs).toBe(10);
  // Not learnt, and so is its line.
  day(2, 90, 60, 80_000);
  expect(ownGap(history)!.spreadMs).toBe(15);
  day(3, 60, 5, 0);
  expect(ownGap(history)!.spreadMs).toBe(15);
  day(4, 1, 5, 0);
  expect(ownGap(history)!.spreadMs).toBe(10);
});
