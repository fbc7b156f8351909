import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TwoGenerationCache } from './two-generation-cache.ts';

test('keeps what is asked for, forgets what is not', () => {
  const cache = new TwoGenerationCache<number>(4);
  cache.set('kept', 1);
  cache.set('lost', 2);
  for (let i = 0; i < 10; i++) {
    expect(cache.get('kept')).toBe(1);
    cache.set(`filler ${i}`, i);
  }
  expect(cache.get('lost')).toBeUndefined();
});

test('never holds more than its bound, and answers only what was set last', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 9 }), fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.boolean()), { maxLength: 200 }), (bound, steps) => {
      const cache = new TwoGenerationCache<number>(bound);
      const truth = new Map<string, number>();
      steps.forEach(([key, write], step) => {
        if (write) {
          cache.set(`${key}`, step);
          truth.set(`${key}`, step);
        } else {
          const value = cache.get(`${key}`);
          if (value !== undefined) expect(value).toBe(truth.get(`${key}`));
        }
        expect(cache.size).toBeLessThanOrEqual(bound);
      });
    }),
  );
});
