import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findingIdOf } from './identity.ts';

test('an id never changes: SIEM rules and feedback refer to it', () => {
  expect(findingIdOf('acme', 's-1', 1, 'farhand-default')).toBe('f-c17843f4b4f335514c5525eea55cb44d');
});

test('different subjects, ordinals and rules have different ids, also where the parts run together', () => {
  const parts = fc.tuple(fc.string(), fc.string(), fc.integer({ min: 1, max: 99 }), fc.string());
  fc.assert(
    fc.property(parts, parts, (a, b) => {
      expect(findingIdOf(...a) === findingIdOf(...b)).toBe(JSON.stringify(a) === JSON.stringify(b));
    }),
  );
  expect(findingIdOf('ab', 'c', 1, 'r')).not.toBe(findingIdOf('a', 'bc', 1, 'r'));
});
