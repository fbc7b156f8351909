import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { claimableMs, gapStatistic, legFloor } from './gap-statistic.ts';
import { gapView, parameters, transportView } from './test-view.ts';
import { MINUTES_MAX, type MinuteSummary } from './view.ts';

/** Minutes of a session whose gap jumps, falls back and is now and then mixed with another's. */
function minutesOf(prng: Prng, count: number): MinuteSummary[] {
  let level = prng.uniform(0, 120);
  return Array.from({ length: count }, (_, i) => {
    if (prng.chance(0.2)) level = prng.uniform(-20, 200);
    const low = level + prng.uniform(0, 8);
    return { end: (i + 1) * 60_000, samples: 60, low, middle: low + (prng.chance(0.3) ? prng.uniform(20, 150) : prng.uniform(0, 12)) };
  });
}

test('what may be claimed is never above the bound that settles nearly every window', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e6 }), fc.integer({ min: 0, max: MINUTES_MAX }), fc.double({ min: 0, max: 40, noNaN: true }), (seed, count, explainedMs) => {
      const prng = new Prng(seed, 'gap-statistic');
      const gap = gapView(prng.uniform(0, 150), { minutes: minutesOf(prng, count), clockErrorMs: prng.chance(0.3) ? prng.uniform(0, 30) : 0, jitterMs: prng.uniform(0.5, 20) });
      const transport = prng.chance(0.2) ? null : transportView(45, { lowerSpreadMs: prng.uniform(0, 6) });
      expect(claimableMs(gap, transport, explainedMs, parameters)).toBeGreaterThanOrEqual(gapStatistic(gap, transport, explainedMs, parameters).claimedMs);
    }),
  );
});

const minutesAt = (lows: readonly number[]): MinuteSummary[] => lows.map((low, i) => ({ end: (i + 1) * 60_000, samples: 60, low, middle: low + 3 }));

test('a leg is as long as the gap that it comes back to since it has been there', () => {
  // An honest morning of 4 ms, then a leg of 90 ms under queues of up to 40 ms.
  const handedOver = minutesAt([4, 5, 4, 4, 120, 92, 130, 90, 118, 95, 110]);
  const { floorMs, queueMs } = legFloor(handedOver, 110);
  expect(floorMs).toBe(92);
  expect(queueMs).toBeGreaterThan(10);
  expect(legFloor(handedOver.slice(0, 6), 110), 'two minutes tell no floor').toEqual({ floorMs: 110, queueMs: 0 });
  expect(legFloor(minutesAt([84, 85, 84, 85, 84]), 84), 'a calm leg has no queue to speak of').toEqual({ floorMs: 84, queueMs: 0 });
});

test('minutes at two levels are no jitter: only what spreads within them is', () => {
  const apart = gapStatistic(gapView(40, { minutes: minutesAt([20, 20, 60, 60, 20, 60, 60, 60]), jitterMs: 20 }), transportView(45), 0, parameters);
  expect(apart.jitterMs).toBe(0);
});
