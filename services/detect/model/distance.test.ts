import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { operatorDistance } from './distance.ts';

test('the interval is ordered, and the truth of any leg that light allows is below its upper end', () => {
  fc.assert(
    fc.property(fc.double({ min: 50, max: 18_000, noNaN: true }), fc.double({ min: 1, max: 3, noNaN: true }), fc.double({ min: 0.3, max: 8, noNaN: true }), (km, inflation, machine) => {
      const distance = operatorDistance((km / KM_PER_RTT_MS) * inflation + machine, 3.5, 0)!;
      expect(distance.lower).toBeLessThanOrEqual(distance.likely);
      expect(distance.likely).toBeLessThanOrEqual(distance.upper);
      expect(distance.upper).toBeGreaterThanOrEqual(Math.floor(km));
    }),
  );
});

test('known legs: 110 ms reach at most 10,962 km; nothing late is no distance; half the earth is the end', () => {
  expect(operatorDistance(110, 3.5, 0)!.upper).toBe(10_962);
  expect(operatorDistance(0.2, 3.5, 0)).toBeNull();
  expect(operatorDistance(900, 3.5, 0)!.upper).toBe(20_015);
});

test('a clock error widens it in both directions', () => {
  const [sure, unsure] = [operatorDistance(100, 3.5, 0)!, operatorDistance(100, 3.5, 20)!];
  expect(unsure.upper).toBeGreaterThan(sure.upper);
  expect(unsure.lower).toBeLessThan(sure.lower);
});
