import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { HANDS } from '../model/hands-fitted.ts';
import { handsOf, likeness } from '../model/hands.ts';
import { compare, type Candidate } from './pairs.ts';
import { APART, TOGETHER, UNKNOWN } from './standing.ts';

/** A few operators, so that likenesses of every size are among them. */
function peopleOf(seed: number, n: number): Candidate[] {
  const prng = new Prng(seed, 'people');
  const spread = (of: readonly (readonly number[])[]): number[] => of.map((row, i) => Math.sqrt(row[i]!) * prng.normal());
  const operators = Array.from({ length: 1 + prng.below(n) }, () => spread(HANDS.between).map((value, i) => value + HANDS.mean[i]!));
  return Array.from({ length: n }, () => {
    const operator = operators[prng.below(operators.length)]!;
    return { contrasts: spread(HANDS.within).map((value, i) => operator[i]! + 0.6 * value), changed: false };
  });
}

test('what is said of pairs is what comparing two by two says, to the bit', () => {
  let limitedPairs = 0;
  fc.assert(
    fc.property(fc.nat(1e6), fc.integer({ min: 2, max: 70 }), (seed, n) => {
      const people = peopleOf(seed, n);
      const prng = new Prng(seed, 'standings');
      const standings = people.map(() => people.map(() => [UNKNOWN, TOGETHER, APART][prng.below(3)]!));
      const pairs = compare(people, (i, out) => out.set(standings[i]!));

      const hands = people.map(({ contrasts }) => handsOf(contrasts));
      const alike = hands.map((own, i) => hands.map((other, j) => (i < j ? likeness(other, own) : likeness(own, other))));
      const standing = (i: number, j: number): number => standings[Math.max(i, j)]![Math.min(i, j)]!;
      const strangers = alike.flatMap((row, i) => row.filter((_, j) => j < i && standing(i, j) === TOGETHER));
      const limited = (value: number): number => Math.min(value, Math.log10((strangers.length + 1) / (strangers.filter((other) => other >= value).length + 1)));
      expect(pairs.strangers).toBe(strangers.length);
      for (let i = 0; i < n; i++) {
        const others = alike[i]!.filter((_, j) => j !== i);
        expect(pairs.nearest[i]).toBe(Math.max(-9, ...others.map((value) => (value > 0 ? limited(value) : value))));
        for (let j = 0; j < n; j++) {
          const apart = i !== j && standing(i, j) === APART;
          expect((pairs.apart[i * pairs.words + (j >> 5)]! >> (j & 31)) & 1).toBe(apart ? 1 : 0);
          if (!apart) continue;
          const value = alike[i]![j]!;
          expect(pairs.likeness[i * n + j]).toBe(value > 0 ? limited(value) : value);
          if (value > limited(value)) limitedPairs++;
        }
      }
    }),
    { numRuns: 40 },
  );
  expect(limitedPairs).toBeGreaterThan(100);
});
