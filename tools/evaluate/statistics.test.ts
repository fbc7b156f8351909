import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { areaUnder, curve } from './statistics.ts';

describe('curve', () => {
  it('goes through every threshold, ties at once', () => {
    const points = curve([3, 2, 2], [2, 1]);
    expect(points.map(({ threshold }) => threshold)).toEqual([3, 2, 1]);
    expect(points[1]).toMatchObject({ recall: 1, falseShare: 0.5, precision: 0.75 });
  });

  it('has the area that the pairs have: wins, and half of the ties', () => {
    fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 }), fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 20 }), (piloted, honest) => {
      let wins = 0;
      for (const a of piloted) for (const b of honest) wins += a > b ? 1 : a === b ? 0.5 : 0;
      expect(areaUnder(curve(piloted, honest))).toBeCloseTo(wins / (piloted.length * honest.length), 10);
    }));
  });
});
