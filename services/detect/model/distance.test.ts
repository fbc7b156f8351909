import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { REACH, operatorDistance } from './distance.ts';

const legs = fc.double({ min: 10, max: 400, noNaN: true });

test('the ring is ordered, never beyond what light allows, and from 60 ms up much narrower than the naive interval', () => {
  fc.assert(
    fc.property(legs, (legMs) => {
      const { lower, likely, upper } = operatorDistance(legMs + 3.5, 3.5, 0)!;
      expect(lower).toBeLessThanOrEqual(likely);
      expect(likely).toBeLessThanOrEqual(upper);
      expect(upper).toBeLessThanOrEqual(Math.min(20_015, (legMs + 3.5) * KM_PER_RTT_MS));
      if (legMs >= 60) expect(upper - lower).toBeLessThanOrEqual(0.6 * Math.min(20_015, legMs * KM_PER_RTT_MS));
    }),
  );
});

test('a path of the usual inflation lies inside, at any length and with any usual last mile', () => {
  fc.assert(
    fc.property(fc.double({ min: 500, max: 15_000, noNaN: true }), fc.double({ min: 1.35, max: 2.1, noNaN: true }), fc.double({ min: 0, max: 12, noNaN: true }), (km, inflation, lastMile) => {
      const { lower, upper } = operatorDistance((km / KM_PER_RTT_MS) * inflation + lastMile + 3.5, 3.5, 0)!;
      expect(lower).toBeLessThanOrEqual(km);
      expect(upper).toBeGreaterThanOrEqual(km * 0.97);
    }),
  );
});

test('nothing late is no distance; half the earth is the end; rows of the table rise', () => {
  expect(operatorDistance(0.2, 3.5, 0)).toBeNull();
  expect(operatorDistance(900, 3.5, 0)!.upper).toBe(20_015);
  for (let i = 1; i < REACH.length; i++) expect(REACH[i]!.rttMs).toBeGreaterThan(REACH[i - 1]!.rttMs);
});

test('a clock error widens it in both directions', () => {
  const [sure, unsure] = [operatorDistance(100, 3.5, 0)!, operatorDistance(100, 3.5, 20)!];
  expect(unsure.upper).toBeGreaterThan(sure.upper);
  expect(unsure.lower).toBeLessThan(sure.lower);
});
