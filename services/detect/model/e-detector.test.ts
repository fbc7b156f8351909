import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { advanceDay, dayEvidence, newDetector } from './e-detector.ts';
import { strengthOfShare } from './reading.ts';
import { SIGNALS } from './signals.ts';

const DAY = 86_400_000;
const held = (share: number, ...names: string[]) => SIGNALS.map(({ name }) => (names.includes(name) ? strengthOfShare(share) : 0));

test('changes on several days add up, within a bound; quiet days take it back; what lasts is not counted again', () => {
  const detector = newDetector();
  const day = (n: number, values: readonly number[]) => {
    advanceDay(detector, n * DAY + 1, SIGNALS.map(() => 0));
    detector.today = dayEvidence(values);
  };
  day(1, held(0.01, 'onset'));
  day(2, held(0.01, 'onset'));
  expect(detector.carried).toBeGreaterThan(0);
  day(3, held(0.001, 'onset', 'impossibleTravel'));
  day(4, SIGNALS.map(() => 0));
  expect(detector.carried).toBe(0.5);
  for (let n = 5; n < 15; n++) day(n, SIGNALS.map(() => 0));
  expect(detector.carried).toBe(0);
  day(20, held(1e-5, 'hiddenLeg', 'remoteControl', 'hours'));
  day(21, SIGNALS.map(() => 0));
  expect(detector.carried).toBe(0);
});

test('rises at a hosted desktop, whose own way changes its route again and again, do not add up', () => {
  const carriedOf = (hosted: boolean, ...names: string[]) => {
    const detector = newDetector();
    for (let n = 1; n < 5; n++) {
      advanceDay(detector, n * DAY + 1, SIGNALS.map(() => 0));
      detector.today = dayEvidence(held(0.001, ...names), hosted);
    }
    return detector.carried;
  };
  expect(carriedOf(false, 'onset')).toBe(0.5);
  expect(carriedOf(true, 'onset')).toBe(0);
  expect(carriedOf(true, 'impossibleTravel')).toBe(0.5);
});

test('a change that is held over midnight counts once', () => {
  const detector = newDetector();
  const change = held(0.001, 'onset');
  for (let n = 1; n < 6; n++) {
    advanceDay(detector, n * DAY + 1, change);
    detector.today = dayEvidence(change);
  }
  expect(detector.carried).toBe(0);
});

test('honest days, on which one in fifty brings a change, hardly ever carry a decade', () => {
  const prng = new Prng(3, 'days');
  let full = 0;
  let days = 0;
  for (let person = 0; person < 400; person++) {
    const detector = newDetector();
    for (let n = 1; n <= 100; n++, days++) {
      advanceDay(detector, n * DAY + 1, SIGNALS.map(() => 0));
      if (detector.carried >= 1) full++;
      detector.today = dayEvidence(prng.chance(0.02) ? held(0.02, 'onset') : SIGNALS.map(() => 0));
    }
  }
  expect(full / days).toBeLessThan(0.01);
});
