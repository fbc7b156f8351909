import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { findOnset, onset } from './onset.ts';
import { RANK, gapView, parameters, rankAlone, reading, strengthTold, view } from './test-view.ts';

const minutes = (lows: readonly number[], middles = lows.map((low) => low + 1)) => lows.map((low, i) => ({ end: i * 60_000, samples: 60, low, middle: middles[i]! }));
const of = (lows: readonly number[], middles?: readonly number[]) => onset(view({ gap: gapView(5, { minutes: minutes(lows, middles as number[]) }) }), parameters);

test('a rise that stays is an onset, a burst and a steady gap are none', () => {
  const found = reading(of([4, 5, 4, 6, 5, 4, 64, 66, 65, 64, 66]));
  expect(found.observed).toBe(60.5);
  expect(rankAlone('onset', found)).toBe(RANK.LOW);
  expect(of([4, 5, 4, 6, 5, 4, 64, 66, 65, 5, 4])).toBe('quiet');
  expect(of(Array.from({ length: 20 }, () => 60))).toBe('quiet');
  expect(of([4, 5, 60, 60, 60])).toBeNull();
});

test('at a desktop hosted elsewhere the honest way to it may change its route, and a rise alone is LOW at most', () => {
  const at = (lows: readonly number[], sensor: 'VDI_GATEWAY' | 'ENDPOINT_AGENT') => reading(onset(view({ gap: gapView(5, { sensor, minutes: minutes(lows) }) }), parameters)).strength;
  const rise = [0, 1, 0, 2, 1, 0, 170, 172, 171, 170, 172];
  const elsewhere = rise.map((ms) => 110 + ms);
  expect(at(elsewhere, 'VDI_GATEWAY')).toBe(2);
  expect(at(elsewhere, 'ENDPOINT_AGENT')).toBeGreaterThan(4);
  expect(at(rise, 'VDI_GATEWAY')).toBeGreaterThan(4);
});

test('a rise to where the device was on earlier days anyhow is no news, once it has had days to show it', () => {
  const rise = [4, 5, 4, 6, 5, 4, 64, 66, 65, 64, 66];
  const own = { days: 2, minutes: 120, lowMs: 5, typicalMs: 5, oftenMs: 62, highMs: 70, spreadMs: 0 };
  const at = (change: Partial<typeof own>) => onset(view({ gap: gapView(5, { minutes: minutes(rise), own: { ...own, ...change } }) }), parameters);
  expect(at({})).toBe('quiet');
  expect(reading(at({ days: 1 })).observed).toBe(60.5);
  expect(reading(at({ minutes: 30 })).observed).toBe(60.5);
  const beyond = reading(at({ oftenMs: 20 }));
  expect(beyond.observed).toBe(45);
  expect(strengthTold(beyond)).toBeCloseTo(beyond.strength, 1);
  expect(beyond.explanation).toContain('from 20.0, which 15% of the minutes of the earlier days had, to 65.0 ms');
  expect(reading(at({ oftenMs: 5 })).explanation).not.toContain('earlier days');
});

test('a jittery transport that calms down is none: the medians do not rise', () => {
  expect(of([-80, -70, -90, -75, -80, -85, 0, 1, 0, 2, 1], [1, 2, 0, 1, 2, 1, 3, 2, 1, 3, 2])).toBe('quiet');
});

test('a constant shift of all gaps (a slow machine, a clock error) changes nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: -50, max: 300 }), (seed, shift) => {
      const prng = new Prng(seed, 'onset');
      const split = 6 + prng.below(10);
      const lows = Array.from({ length: split + 6 }, (_, i) => Math.round(prng.uniform(0, 6) + (i >= split ? prng.uniform(0, 80) : 0)));
      const a = findOnset(minutes(lows), 5);
      const b = findOnset(minutes(lows.map((low) => low + shift)), 5);
      expect(b === null ? null : b.afterMs - b.beforeMs).toBe(a === null ? null : a.afterMs - a.beforeMs);
    }),
  );
});

test('the cheap question never hides a rise that counts', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 9, max: 32 }), (seed, count) => {
      const prng = new Prng(seed, 'onset');
      const split = 5 + prng.below(count - 8);
      const rise = prng.uniform(0, 90);
      const lows = Array.from({ length: count }, (_, i) => Math.round(prng.uniform(0, 12) + (i >= split ? rise : 0)));
      const found = findOnset(minutes(lows), 5);
      const counts = found !== null && found.afterMs - found.beforeMs >= parameters.config.hiddenLeg.onsetMsMin + 4 * found.noiseMs;
      expect(of(lows) === 'quiet').toBe(!counts);
    }),
  );
});
