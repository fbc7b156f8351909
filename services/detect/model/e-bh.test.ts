import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { barOfFleet } from './e-bh.ts';

const falling = (values: number[]): number[] => values.toSorted((a, b) => b - a);

test('it is e-BH: as many as reach the bar justify it', () => {
  fc.assert(
    fc.property(fc.integer({ min: 20, max: 100_000 }), fc.array(fc.double({ min: 0, max: 9, noNaN: true }), { maxLength: 64 }), fc.double({ min: 0.01, max: 1, noNaN: true }), (sessions, values, share) => {
      const top = falling(values);
      const bar = barOfFleet({ sessions, top }, share);
      const reaching = top.filter((value) => value >= bar).length;
      if (reaching > 0) expect(10 ** bar).toBeGreaterThanOrEqual((sessions / (share * reaching)) * (1 - 1e-9));
      else expect(bar).toBeCloseTo(Math.log10(sessions / share), 9);
    }),
  );
});

test('the more sessions are truly suspicious, the lower the bar; a large quiet fleet asks for more', () => {
  const bar = (sessions: number, strong: number) => barOfFleet({ sessions, top: Array.from({ length: strong }, () => 6) }, 0.2);
  expect(bar(1000, 20)).toBeLessThan(bar(1000, 2));
  expect(bar(100_000, 2)).toBeGreaterThan(bar(1000, 2));
  expect(barOfFleet(null, 0.2)).toBe(0);
  expect(barOfFleet({ sessions: 5, top: [3] }, 0.2)).toBe(0);
});

test('of honest e-values, opened at the bar of their own hour, the share of false ones stays below q', () => {
  // 2,000 honest sessions whose e-value is 100 with a chance of 1 in 100, and 20 piloted ones of 10⁵, in each of 300 hours.
  const prng = new Prng(5, 'e-bh');
  const share = 0.2;
  let shares = 0;
  for (let hour = 0; hour < 300; hour++) {
    const honest = Array.from({ length: 2000 }, () => (prng.chance(0.01) ? 2 : 0));
    const piloted = Array.from({ length: 20 }, () => 5);
    const bar = barOfFleet({ sessions: 2020, top: falling([...honest, ...piloted]).slice(0, 64) }, share);
    const opened = [...honest, ...piloted].filter((value) => value >= bar).length;
    shares += opened === 0 ? 0 : honest.filter((value) => value >= bar).length / opened;
  }
  expect(shares / 300).toBeLessThanOrEqual(share);
});
