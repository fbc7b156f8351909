import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { HOUR_MS, markMinute, type Minutes } from './minutes.ts';
import { addHour, isDayOver, newTurnDay, sharedOf, turnFigures, type TurnDay } from './turns.ts';

const START = Date.UTC(2026, 2, 2, 8);
const MINUTE = 60_000;

/** A day out of [person, first minute, last minute] and how many of the minutes are typed. */
function dayOf(stretches: readonly (readonly [string, number, number])[], typed = 1, seed = 1): TurnDay {
  const prng = new Prng(seed, 'typed');
  const hours = new Map<number, Map<string, Minutes>>();
  for (const [key, from, to] of stretches) {
    for (let minute = from; minute < to; minute++) {
      if (!prng.chance(typed)) continue;
      const hour = Math.floor(minute / 60);
      const people = hours.get(hour) ?? new Map<string, Minutes>();
      hours.set(hour, people);
      const minutes = people.get(key) ?? [0, 0];
      people.set(key, minutes);
      markMinute(minutes, START + minute * MINUTE);
    }
  }
  const day = newTurnDay();
  for (const [hour, people] of [...hours].toSorted((a, b) => a[0] - b[0])) {
    addHour(day, START + hour * HOUR_MS, [...people].map(([key, minutes]) => ({ key, minutes })).toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  }
  return day;
}

test('five in turn are hardly a chance, and more so the oftener they change', () => {
  const five = ['a', 'b', 'c', 'd', 'e'];
  const once = turnFigures(dayOf(five.map((key, i) => [key, i * 110, i * 110 + 100] as const)));
  expect(once).toMatchObject({ people: 5, together: 0, runs: 5, minutes: 500 });
  expect(once.log10Apart).toBeLessThan(-130);
  const often = turnFigures(dayOf(Array.from({ length: 20 }, (_, i) => [five[i % 5]!, i * 27, i * 27 + 24] as const)));
  expect(often.log10Apart).toBeLessThan(once.log10Apart);
});

test('of one person, the minutes shared with others are told beside what chance would give', () => {
  const day = dayOf([['a', 0, 100], ['b', 110, 210], ['x', 50, 150]]);
  expect(sharedOf(day, 'a')).toMatchObject({ shared: 50 });
  expect(sharedOf(day, 'x').shared).toBe(90);
  expect(sharedOf(day, 'x').expected).toBeGreaterThan(15);
  expect(sharedOf(day, 'nobody')).toEqual({ shared: 0, expected: 0 });
});

test('two shifts of a household are an ordinary chance', () => {
  const { log10Apart } = turnFigures(dayOf([['a', 0, 240], ['b', 300, 540]]));
  expect(log10Apart).toBeGreaterThan(-60);
});

test('people who share a working day are not apart', () => {
  const figures = turnFigures(dayOf([['a', 0, 480], ['b', 30, 500], ['c', 60, 420]], 0.5));
  expect(figures.log10Apart).toBe(0);
  expect(figures.together).toBeGreaterThan(figures.expected / 2);
});

test('few strewn minutes rarely meet, which is no sign of turns', () => {
  const { log10Apart } = turnFigures(dayOf([['a', 0, 480], ['b', 0, 480]], 0.06));
  expect(log10Apart).toBeGreaterThan(-60);
});

test('under independence a chance below 1% is not claimed more often than that', () => {
  let below = 0;
  const rounds = 400;
  for (let seed = 0; seed < rounds; seed++) {
    const prng = new Prng(seed, 'independent');
    const stretches = ['a', 'b', 'c'].map((key) => {
      const length = prng.uniform(60, 300);
      const from = Math.floor(prng.uniform(0, 960 - length));
      return [key, from, Math.floor(from + length)] as const;
    });
    if (turnFigures(dayOf(stretches, 0.7, seed)).log10Apart < -200) below++;
  }
  expect(below / rounds).toBeLessThanOrEqual(0.01);
});

test('a person more, at any time, only ever adds to people and minutes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 700 }), fc.integer({ min: 15, max: 200 }), (from, length) => {
      const base = turnFigures(dayOf([['a', 0, 100], ['b', 120, 220]]));
      const more = turnFigures(dayOf([['a', 0, 100], ['b', 120, 220], ['c', from, from + length]]));
      expect(more.people).toBe(base.people + 1);
      expect(more.minutes).toBe(base.minutes + length);
      expect(more.together).toBeGreaterThanOrEqual(base.together);
    }),
  );
});

test('a day ends with a pause of four hours', () => {
  const day = dayOf([['a', 0, 100]]);
  expect(isDayOver(day, START + 5 * HOUR_MS)).toBe(false);
  expect(isDayOver(day, START + 6 * HOUR_MS)).toBe(true);
});

test('an hour at once is its minutes one after the other', () => {
  const word = fc.integer({ min: 0, max: 2 ** 30 - 1 });
  const hour = fc.array(fc.tuple(word, word, fc.boolean()), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(fc.array(hour, { minLength: 1, maxLength: 5 }), (hours) => {
      const [atOnce, oneByOne] = [newTurnDay(), newTurnDay()];
      hours.forEach((people, n) => {
        const typed = people.map(([first, second, there], i) => ({ key: `k${i}`, minutes: there ? [first, second] : [] }));
        addHour(atOnce, START + n * HOUR_MS, typed);
        for (let minute = 0; minute < 60; minute++) {
          const only: Minutes = [0, 0];
          markMinute(only, START + minute * MINUTE);
          addHour(oneByOne, START + n * HOUR_MS, typed.map(({ key, minutes }) => ({ key, minutes: minutes.map((bits, i) => bits & only[i]!) })));
        }
      });
      expect(atOnce).toEqual(oneByOne);
    }),
  );
});
