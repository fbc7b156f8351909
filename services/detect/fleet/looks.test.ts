import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { FleetReport } from '#schemas/records.ts';
import { config } from '../test-events.ts';
import { isLook, LOOK_EVERY_MS, lookAgain, strengthOfLooks, type Looks } from './looks.ts';
import { HOUR_MS } from './minutes.ts';
import { readRhythm, rhythmKind } from './rhythm.ts';

const DAY_MS = 86_400_000;
const DAY = Date.UTC(2026, 2, 3);
const LOOKS = DAY_MS / LOOK_EVERY_MS;

/** What is told at each look of one day; null for a look that is left out. */
function told(strengths: readonly (number | null)[], before?: Looks): number[] {
  let looks = before;
  return strengths.flatMap((strength, i) => {
    if (strength === null) return [];
    looks = lookAgain(looks, DAY + i * LOOK_EVERY_MS, [strength]);
    return [strengthOfLooks(looks, 0)];
  });
}

describe('repeated looks', () => {
  const strengths = fc.array(fc.option(fc.double({ min: -3, max: 4, noNaN: true })), { minLength: LOOKS, maxLength: LOOKS });

  test('what is told only grows during the day, and is never more than a mean of the looks', () => {
    fc.assert(
      fc.property(strengths, (day) => {
        const values = told(day);
        for (let i = 1; i < values.length; i++) expect(values[i]!).toBeGreaterThanOrEqual(values[i - 1]!);
        const seen = day.filter((strength) => strength !== null);
        for (const yesterday of [-1, 2]) {
          const later = told(day, lookAgain(undefined, DAY - LOOK_EVERY_MS, [yesterday]));
          if (later.length > 0) expect(later.at(-1)!).toBeLessThanOrEqual(Math.max(yesterday, ...seen) + 1e-9);
        }
        if (seen.length > 0) expect(values.at(-1)!).toBeLessThanOrEqual(Math.max(...seen) + 1e-9);
      }),
    );
  });

  test('the greatest of a day reaches t for at most a share 1/t of honest days, whatever hangs together; the greatest look reaches it more often', () => {
    // Each look is 1/share with a chance of share, else nothing: all combinations of four, independent or all the same.
    const share = 0.01;
    let [mean, reached, greatest, meanAfter, reachedAfter] = [0, 0, 0, 0, 0];
    // The same with a look on the day before.
    for (let bits = 0; bits < 1 << (LOOKS + 1); bits++) {
      const values = Array.from({ length: LOOKS + 1 }, (_, i) => ((bits >> i) & 1 ? -Math.log10(share) : -Infinity));
      const probability = values.reduce((product, value) => product * (value > 0 ? share : 1 - share), 1);
      const most = Math.max(...told(values.slice(1), lookAgain(undefined, DAY - LOOK_EVERY_MS, [values[0]!])));
      meanAfter += probability * 10 ** most;
      if (most >= -Math.log10(share) - 1e-9) reachedAfter += probability;
    }
    expect(meanAfter).toBeLessThanOrEqual(1 + 1e-9);
    expect(reachedAfter).toBeLessThanOrEqual(share);
    for (let bits = 0; bits < 1 << LOOKS; bits++) {
      const fired = Array.from({ length: LOOKS }, (_, i) => (bits >> i) & 1);
      const probability = fired.reduce((product, one) => product * (one === 1 ? share : 1 - share), 1);
      const most = Math.max(...told(fired.map((one) => (one === 1 ? -Math.log10(share) : -Infinity))));
      mean += probability * 10 ** most;
      if (most >= -Math.log10(share) - 1e-9) reached += probability;
      if (fired.includes(1)) greatest += probability;
    }
    expect(mean).toBeLessThanOrEqual(1 + 1e-9);
    expect(reached).toBeLessThanOrEqual(share);
    expect(greatest).toBeGreaterThan(3 * share);
    expect(Math.max(...told([2, 2, 2, 2])), 'what lasts loses nothing').toBeCloseTo(2, 9);
    expect(Math.max(...told([2, -Infinity, -Infinity, -Infinity]))).toBeCloseTo(2 - Math.log10(LOOKS), 9);
  });

  test('a look that is left out leaves its weight to the next; a new day begins with the last look of the one before and nothing older', () => {
    expect(told([null, null, 2])[0]).toBeCloseTo(2 + Math.log10(3 / LOOKS), 9);
    const yesterday = lookAgain(undefined, DAY - LOOK_EVERY_MS, [3]);
    expect(told([2], yesterday)[0]).toBeCloseTo(Math.log10(0.3 * 1000 + (0.7 / LOOKS) * 100), 9);
    expect(told([3, 3, 3, 3], yesterday).at(-1), 'what lasts from day to day loses nothing').toBeCloseTo(3, 9);
    const older = lookAgain(undefined, DAY - LOOKS * LOOK_EVERY_MS - LOOK_EVERY_MS, [3]);
    expect(told([2], older)[0]).toBeCloseTo(2 - Math.log10(LOOKS), 9);
    // State of earlier releases has no last look.
    expect(told([2], { day: yesterday.day, look: yesterday.look, sums: yesterday.sums })[0]).toBeCloseTo(2 - Math.log10(LOOKS), 9);
    expect(isLook(DAY)).toBe(true);
    expect(isLook(DAY + HOUR_MS)).toBe(false);
  });
});

describe('the exchange', () => {
  const SKETCH = [148, -46, -45, 0, 38, 42, 378, 457, 532, 554, 437, 49];
  const person = (n: number, sketch: readonly number[]): Omit<FleetReport, 'windowStart'> => ({ type: 'FleetReport', subject: 's', kind: 'RHYTHM', tenantId: 't', userId: `u${String(n).padStart(2, '0')}`, deviceId: `d${n}`, minutes: [0, 0], values: [...sketch, 397, -1050, 0, 0, n + 1] });

  /** What the first of two alike is told at the looks of a day, among so many people who are not. */
  function toldAmong(others: number) {
    const memory = rhythmKind.newMemory();
    const far = (n: number): number[] => SKETCH.map((value, i) => value + Math.round(30 * new Prng(n, `sketch ${i}`).normal()));
    const people = [person(0, SKETCH), person(1, SKETCH), ...Array.from({ length: others }, (_, n) => person(n + 2, far(n)))];
    const figures: ReturnType<typeof readRhythm>[] = [];
    for (let hour = 5; hour < 24; hour++) {
      const windowStart = DAY + hour * HOUR_MS;
      const closed = rhythmKind.newHour();
      // The two type in turn; all others together, which shows how alike people are by chance.
      people.forEach((one, n) => rhythmKind.merge(closed, { ...one, windowStart, minutes: n > 1 || hour % 2 === n ? [0x3fffffff, 0x3fffffff] : [0, 0] }, config.fleet));
      rhythmKind.close(memory, closed, { subject: 's', windowStart, windowEnd: windowStart + HOUR_MS, settings: config.fleet, tell: (to, values) => to?.userId === 'u00' && figures.push(readRhythm(values)) });
    }
    return figures;
  }

  test('tells one typist by the number of others, on the mean of the looks', () => {
    const figures = toldAmong(20);
    expect(figures.length).toBeGreaterThan(2);
    for (let i = 1; i < figures.length; i++) {
      const { likeness, people, typist } = figures[i]!;
      expect(people).toBe(22);
      expect(typist).toBeGreaterThan(0);
      expect(typist).toBeLessThanOrEqual(likeness - Math.log10(people - 1) + 0.01);
      // The last of them is the first of the next day.
      if (i < figures.length - 1) expect(typist).toBeGreaterThanOrEqual(figures[i - 1]!.typist);
    }
    expect(Math.max(...toldAmong(40).map(({ typist }) => typist))).toBeLessThan(Math.max(...figures.map(({ typist }) => typist)));
  });
});
