import { expect, test } from 'vitest';
import { historyBin, newHistory, recordMinute, typicalGap } from './history.ts';
import { START } from './test-view.ts';

const DAY = 86_400_000;

test('only days that are over speak, and their median is typical', () => {
  const history = newHistory('d');
  for (let i = 0; i < 90; i++) recordMinute(history, START + i * 60_000, 60);
  expect(typicalGap(history)).toBeNull();
  for (let day = 1; day <= 3; day++) for (let i = 0; i < 90; i++) recordMinute(history, START + day * DAY + i * 60_000, 60);
  const typical = typicalGap(history)!;
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
  expect(last).toBe(47);
});
