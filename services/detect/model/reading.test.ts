import fc from 'fast-check';
import { expect, test } from 'vitest';
import { show } from './reading.ts';

test('numbers from 100 on are written with commas, as toLocaleString writes them', () => {
  fc.assert(
    fc.property(fc.oneof(fc.double({ noNaN: true }), fc.integer(), fc.maxSafeInteger()), (value) => {
      fc.pre(Math.abs(value) >= 100);
      expect(show(value)).toBe(Math.round(value).toLocaleString('en-US'));
    }),
  );
});

test('below 100 there is one decimal', () => {
  expect([show(0), show(99.94), show(-7.25)]).toEqual(['0.0', '99.9', '-7.3']);
});
