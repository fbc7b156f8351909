import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forgetUnseen, keepLatest } from './members.ts';

test('who was not seen for long goes, whoever came, went and was seen in between', () => {
  const MEMORY = 5;
  // By hour: who is seen in it.
  const hours = fc.array(fc.uniqueArray(fc.nat(30), { maxLength: 12 }), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(hours, fc.nat(30), (seenBy, erased) => {
      const members = new Map<string, { lastAt: number }>();
      let plain = new Map<string, number>();
      seenBy.forEach((seen, hour) => {
        for (const n of seen) {
          members.set(`k${n}`, { lastAt: hour });
          plain.set(`k${n}`, hour);
        }
        if (hour % 7 === 3) for (const of of [members, plain]) of.delete(`k${erased}`);
        forgetUnseen(members, hour, MEMORY);
        plain = new Map([...plain].filter(([, lastAt]) => lastAt >= hour - MEMORY));
        expect(new Map([...members].map(([key, { lastAt }]) => [key, lastAt]))).toEqual(plain);
      });
    }),
  );
});

test('of too many those longest unseen go, and of those seen at once the first by name', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.tuple(fc.string({ maxLength: 3 }), fc.nat(4)), { selector: ([key]) => key, maxLength: 40 }), fc.nat(40), (entries, most) => {
      const members = new Map(entries.map(([key, lastAt]) => [key, { lastAt }]));
      keepLatest(members, most);
      const falling = entries.toSorted(([a, x], [b, y]) => y - x || (a < b ? 1 : -1)).slice(0, most);
      expect(new Map([...members].map(([key, { lastAt }]) => [key, lastAt]))).toEqual(new Map(falling));
    }),
  );
});
