import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ownGap } from './own-gap.ts';
import { QUIET } from './reading.ts';
import { gapView, parameters, reading, transportView, view } from './test-view.ts';

const minutes = (low: number) => Array.from({ length: 8 }, (_, i) => ({ end: i * 60_000, samples: 60, low, middle: low + 2 }));
const after = (days: number, low: number, change: Parameters<typeof gapView>[1] = {}) =>
  ownGap(view({ gap: gapView(low, { minutes: minutes(low), own: { days, minutes: 90 * days, lowMs: 4, typicalMs: 4, oftenMs: 5, highMs: 6, spreadMs: 0 }, ...change }) }), parameters);

test('a rise over the earlier days counts, the same gap as ever does not', () => {
  expect(reading(after(4, 60)).strength).toBeGreaterThan(2.5);
  expect(after(4, 6)).toBe(QUIET);
  expect(ownGap(view({ gap: gapView(60, { minutes: minutes(60), own: null }) }), parameters)).toBeNull();
});

test('the fewer days are known, the less it counts; from three days on it is the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 25, max: 160 }), (low) => {
      const strengths = [1, 2, 3, 9].map((days) => reading(after(days, low)).strength);
      expect(strengths[0]).toBeLessThanOrEqual(strengths[1]!);
      expect(strengths[1]).toBeLessThanOrEqual(strengths[2]!);
      expect(strengths[3]).toBe(strengths[2]);
    }),
  );
  // At worst a device is at its other level on every second day where one day is known, and on every fourth where three are.
  expect(reading(after(3, 50)).strength - reading(after(1, 50)).strength).toBeCloseTo(Math.log10(1 / 4 / (27 / 256)), 9);
  expect(reading(after(1, 50)).explanation).toContain('2.4 times as many as where more days are known');
  expect(reading(after(3, 50)).explanation).not.toContain('times as many');
});

test('of what the line spreads only the part counts that the earlier minutes did not have', () => {
  const at = (spreadMs: number, before: number) =>
    ownGap(view({ gap: gapView(60, { minutes: minutes(60), own: { days: 4, minutes: 360, lowMs: 4, typicalMs: 4, oftenMs: 5, highMs: 6, spreadMs: before } }), transport: transportView(45, { lowerSpreadMs: spreadMs }) }), parameters);
  const calm = reading(at(0, 0));
  expect(reading(at(30, 30)).strength).toBe(calm.strength);
  expect(reading(at(5, 30)).strength).toBe(calm.strength);
  const wilder = reading(at(30, 10));
  expect(wilder.strength).toBeLessThan(calm.strength);
  expect(wilder.explanation).toContain('With 20.0 ms granted for the round trip, which spreads so much more than in those minutes, a rise of 34.0 ms');
  expect(at(60, 0)).toBe(QUIET);
});
