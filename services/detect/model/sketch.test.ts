import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SKETCH_BINS, addValue, binLow, binOf, countOf, mergeInto, mergeIntoBoth, newSketch, quantiles, shifted } from './sketch.ts';

const values = fc.array(fc.double({ min: -5000, max: 60_000, noNaN: true }), { minLength: 1, maxLength: 300 });

test('every value lies in the bin that counts it', () => {
  fc.assert(
    fc.property(fc.double({ min: -4000, max: 200_000, noNaN: true }), (value) => {
      const bin = binOf(value);
      expect(value).toBeGreaterThanOrEqual(binLow(bin));
      expect(value).toBeLessThanOrEqual(bin === SKETCH_BINS - 1 ? Infinity : binLow(bin + 1));
    }),
  );
});

test('order and grouping never show', () => {
  fc.assert(
    fc.property(values, values, (a, b) => {
      const left = newSketch();
      for (const value of [...a, ...b]) addValue(left, value);
      const right = newSketch();
      const other = newSketch();
      for (const value of b.toReversed()) addValue(right, value);
      for (const value of a) addValue(other, value);
      mergeInto(right, other);
      expect(right).toEqual(left);
    }),
  );
});

test('saturated counts merge the same in every order', () => {
  const a = newSketch();
  addValue(a, 5, 60_000);
  const b = newSketch();
  addValue(b, 5, 60_000);
  mergeInto(a, b);
  mergeInto(a, b);
  expect(a[binOf(5)]).toBe(65_535);
});

test('a quantile is off by less than the width of its bin', () => {
  fc.assert(
    fc.property(values, fc.constantFrom(0.1, 0.25, 0.5, 0.9), (list, share) => {
      const sketch = newSketch();
      for (const value of list) addValue(sketch, value);
      expect(countOf(sketch)).toBe(list.length);
      const exact = list.toSorted((x, y) => x - y)[Math.max(0, Math.ceil(share * list.length) - 1)]!;
      const bin = binOf(exact);
      const [estimate] = quantiles(sketch, [share]);
      const width = binLow(bin + 1) - binLow(bin);
      expect(Math.abs(estimate! - Math.min(Math.max(exact, binLow(bin)), binLow(bin + 1)))).toBeLessThanOrEqual(width);
    }),
  );
});

test('quantiles of nothing are not numbers; shifting moves them', () => {
  expect(quantiles(newSketch(), [0.5])[0]).toBeNaN();
  const sketch = newSketch();
  for (let i = 0; i < 100; i++) addValue(sketch, 40 + (i % 7));
  const [before] = quantiles(sketch, [0.5]);
  const [after] = quantiles(shifted(sketch, 30), [0.5]);
  expect(after).toBeCloseTo(before! - 30, 0);
});

test('into two at a time is into one after the other, full bins included', () => {
  const counts = fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, { weight: 2, arbitrary: fc.nat({ max: 40 }) }, { weight: 1, arbitrary: fc.nat({ max: 0xffff }) }), { minLength: SKETCH_BINS, maxLength: SKETCH_BINS });
  fc.assert(
    fc.property(counts, counts, counts, (a, b, c) => {
      const [first, second, source] = [Uint16Array.from(a), Uint16Array.from(b), Uint16Array.from(c)];
      const [one, other] = [first.slice(), second.slice()];
      mergeInto(one, source);
      mergeInto(other, source);
      expect(mergeIntoBoth(first, second, source)).toBe(countOf(source));
      expect([first, second]).toEqual([one, other]);
    }),
  );
});
