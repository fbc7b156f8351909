import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forgetUnseen } from './members.ts';

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
