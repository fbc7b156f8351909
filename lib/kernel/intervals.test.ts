import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { normalQuantile, poissonInterval, wilsonInterval } from './intervals.ts';

describe('poissonInterval', () => {
  // Garwood's own table (and R: poisson.test(k)$conf.int).
  it.each([
    [0, 0, 3.688879],
    [1, 0.02531781, 5.571643],
    [5, 1.623486, 11.66833],
    [10, 4.795389, 18.39036],
    [100, 81.36397, 121.6272],
  ])('of %i events', (count, lower, upper) => {
    const interval = poissonInterval(count);
    expect(interval.lower).toBeCloseTo(lower, 4);
    expect(Math.abs(interval.upper / upper - 1)).toBeLessThan(1e-5);
  });

  it('holds the count, and grows with the confidence', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 5000 }), (count) => {
        const narrow = poissonInterval(count, 0.8);
        const wide = poissonInterval(count, 0.99);
        expect(narrow.lower).toBeLessThanOrEqual(count);
        expect(narrow.upper).toBeGreaterThanOrEqual(count);
        expect(wide.lower).toBeLessThanOrEqual(narrow.lower);
        expect(wide.upper).toBeGreaterThan(narrow.upper);
      }),
      { numRuns: 60 },
    );
  });
});

describe('wilsonInterval', () => {
  // R: binom::binom.confint(x, n, methods = "wilson")
  it.each([
    [0, 10, 0, 0.2775328],
    [5, 10, 0.2365931, 0.7634069],
    [10, 10, 0.7224672, 1],
    [81, 263, 0.2552759, 0.3661945],
  ])('%i of %i', (part, whole, lower, upper) => {
    const interval = wilsonInterval(part, whole)!;
    expect(interval.lower).toBeCloseTo(lower, 3);
    expect(interval.upper).toBeCloseTo(upper, 3);
  });

  it('knows nothing of nothing', () => {
    expect(wilsonInterval(0, 0)).toBeNull();
  });
});

it('quantiles of the normal', () => {
  expect(normalQuantile(0.975)).toBeCloseTo(1.959963985, 8);
  expect(normalQuantile(0.5)).toBeCloseTo(0, 12);
  expect(normalQuantile(0.001)).toBeCloseTo(-3.090232306, 7);
});
