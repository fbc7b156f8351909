import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { WEEK_HOURS, countMinute, hoursView, newActivity } from './activity.ts';
import { bestZone, hours } from './hours.ts';
import { novelty, type Familiar } from './novelty.ts';
import { RANK, START, parameters, rankAlone, reading, sighting, view } from './test-view.ts';
import { utcOffsetHours } from './zones.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const MIDNIGHT = START - (START % DAY_MS);

/** A session that began with the first of the days. */
const REGULAR = { sessionStart: MIDNIGHT, moved: false };

/** Nine hours of a working day, a minute in three, from an hour of UTC on. */
function activity(fromHour: number, days = 5) {
  const seen = newActivity();
  for (let day = 0; day < days; day++) for (let minute = 0; minute < 540; minute += 3) countMinute(seen, MIDNIGHT + day * DAY_MS + fromHour * HOUR_MS + minute * 60_000);
  return seen;
}

const at = (fromHour: number, days?: number) => hours(view({ hours: hoursView(activity(fromHour, days), REGULAR), windowEnd: MIDNIGHT + 5 * DAY_MS }), parameters);

describe('hours', () => {
  test('the day of the declared zone is quiet, early and late birds too', () => {
    // Denver keeps UTC−7 in winter: nine o'clock there is 16:00 UTC.
    for (const fromHour of [13, 14, 15, 16, 17, 18]) expect(at(fromHour)).toBe('quiet');
  });

  test('the day of another zone is weak, and names that zone', () => {
    const found = reading(at(1));
    expect(found.ubiquitous).toBe(true);
    expect(found.strength).toBeLessThan(parameters.config.fusion.carrierMin);
    expect(found.explanation).toContain('UTC+8');
  });

  test('too few days, and hours of every kind, say nothing', () => {
    expect(at(1, 2)).toBeNull();
    const shifts = newActivity();
    for (let hour = 0; hour < WEEK_HOURS; hour++) for (let i = 0; i < 4; i++) countMinute(shifts, MIDNIGHT + hour * HOUR_MS + i * 60_000);
    expect(hours(view({ hours: hoursView(shifts, REGULAR) }), parameters)).toBe('quiet');
  });

  test('daylight saving is in the declared offset', () => {
    const summer = Date.UTC(2026, 6, 6);
    const seen = newActivity();
    for (let day = 0; day < 4; day++) for (let minute = 0; minute < 540; minute += 3) countMinute(seen, summer + day * DAY_MS + 15 * HOUR_MS + minute * 60_000);
    const best = bestZone(seen.counts).offsetHours;
    expect(best).toBeCloseTo(-6, 0);
    expect(hours(view({ hours: hoursView(seen, REGULAR), windowEnd: summer + 4 * DAY_MS }), parameters)).toBe('quiet');
  });

  test('hours that the last days have brought are still outside of those before, and weigh less than on the first day', () => {
    const day = (seen: ReturnType<typeof newActivity>, n: number, from: number, length = 480): void => {
      for (let minute = 0; minute < length; minute += 6) countMinute(seen, MIDNIGHT + n * DAY_MS + from * HOUR_MS + minute * 60_000);
    };
    const at = (nights: number, before = 4) => {
      const seen = newActivity();
      for (let n = 0; n < before; n++) day(seen, n, 14);
      for (let n = before; n < before + nights; n++) day(seen, n, 2);
      day(seen, before + nights, 2, 120);
      const sessionStart = MIDNIGHT + (before + nights) * DAY_MS + 2 * HOUR_MS;
      return hours(view({ windowEnd: sessionStart + 2 * HOUR_MS, hours: { ...hoursView(seen, REGULAR)!, sessionStart } }), parameters);
    };
    const [first, second, third] = [reading(at(0)), reading(at(1)), reading(at(2))];
    expect(second.strength).toBeLessThan(first.strength);
    expect(second.strength).toBeGreaterThan(1.5);
    expect(second.ubiquitous).toBe(true);
    expect(third.explanation).toContain('on days before the last 2, which brought it');
    for (const other of [at(5), at(1, 1)]) expect(typeof other === 'object' && other !== null ? other.strength : 0, 'a habit by now, or too little before').toBeLessThan(1);
  });

  test('counts do not depend on the order of minutes within a day', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1439), { maxLength: 200 }), (minutes) => {
        const [one, two] = [newActivity(), newActivity()];
        for (const minute of minutes) countMinute(one, MIDNIGHT + minute * 60_000);
        for (const minute of minutes.toReversed()) countMinute(two, MIDNIGHT + minute * 60_000);
        expect(one).toEqual(two);
      }),
    );
  });
});

describe('novelty', () => {
  const known = (change: Partial<Familiar>): Familiar => ({ kind: 'network', value: '64500', firstAt: START - 60_000, lastAt: START, daysBefore: 9, ...change });

  test('a first after known days is weak evidence for some days; a country counts more than a network', () => {
    const network = reading(novelty(view({ familiar: [known({})] }), parameters));
    const country = reading(novelty(view({ familiar: [known({}), known({ kind: 'country', value: 'US' })] }), parameters));
    expect(country.strength).toBeGreaterThan(network.strength);
    expect(country.ubiquitous).toBe(true);
    expect(novelty(view({ familiar: [known({ firstAt: START - 4 * DAY_MS })] }), parameters)).toBe('quiet');
  });

  test('what it is worth over all the days on which it is still new is what one day of it would be: the mean over honest days is one', () => {
    const zone = utcOffsetHours('America/Denver', START)! * HOUR_MS;
    for (const [kind, share] of [['country', 0.01], ['network', 0.02], ['fingerprint', 0.05]] as const) {
      // A first at any hour; a day is judged by the most that any of its windows says.
      for (let hour = 0; hour < 24; hour += 5) {
        const firstAt = Math.floor(START / DAY_MS) * DAY_MS + hour * HOUR_MS;
        const ofDays = new Map<number, number>();
        for (let windowEnd = firstAt + 60_000; windowEnd < firstAt + 6 * DAY_MS; windowEnd += HOUR_MS) {
          const answer = novelty(view({ windowEnd, familiar: [known({ kind, value: kind === 'country' ? 'US' : kind === 'network' ? '64500' : 'x', firstAt })] }), parameters);
          const day = Math.floor((windowEnd - 1 + zone) / DAY_MS);
          if (answer !== 'quiet') ofDays.set(day, Math.max(ofDays.get(day) ?? 0, 10 ** reading(answer).strength));
        }
        const values = [...ofDays.values()];
        const mean = share * values.reduce((sum, value) => sum + value, 0);
        expect(mean).toBeLessThanOrEqual(1 + 1e-9);
        expect(mean).toBeGreaterThan(0.9);
        expect(values.toSorted((x, y) => y - x), 'most on the first').toEqual(values);
      }
    }
  });

  test('an address counts by how rarely this person’s change, and never more than a network', () => {
    const place = { ip: '203.0.113.80', latitude: 39.7, longitude: -105, country: 'US', firstAt: START - 60_000, lastAt: START };
    const at = (addresses: number, days: number, change: Partial<typeof place> = {}) => novelty(view({ knownPlace: { ...place, ...change }, placesBefore: { addresses, days } }), parameters);
    expect(reading(at(1, 5))).toMatchObject({ observed: 1, expected: 0.112, samples: 5, ubiquitous: true });
    expect(reading(at(1, 5)).strength).toBeCloseTo(-Math.log10((0.1 * 91) / 81), 9);
    expect(reading(at(1, 5)).explanation).toContain("about 10% of this user's days bring a new address");
    expect(reading(at(1, 10)).strength).toBeGreaterThan(reading(at(1, 5)).strength);
    expect(reading(at(1, 400)).strength).toBe(reading(novelty(view({ familiar: [known({})] }), parameters)).strength);
    expect(at(4, 5), 'a provider that gives another one every day').toBe('quiet');
    expect(at(0, 5), 'the first of all').toBe('quiet');
    expect(at(1, 1), 'hardly known').toBe('quiet');
    expect(at(1, 5, { firstAt: START - 4 * DAY_MS })).toBe('quiet');
    // Of days with k addresses, the estimate is above the share that had a new one: over many days its inverse has no more than mean 1.
    for (const [addresses, days] of [[2, 20], [3, 12], [6, 30]] as const) expect(reading(at(addresses, days)).expected).toBeGreaterThan((addresses - 1) / days);
  });

  test('a new person, and the organisation’s own egress, bring none', () => {
    expect(novelty(view({ familiar: [known({ daysBefore: 1 })] }), parameters)).toBe('quiet');
    expect(novelty(view({ familiar: [known({})], sighting: sighting(undefined, { policy: 'CORPORATE_EGRESS' }) }), parameters)).toBe('quiet');
    expect(novelty(view({ familiar: [known({})], sighting: null }), parameters)).toBeNull();
  });

  test('a network near a place to which the person has moved, as declared, is nothing new; a browser and other places are', () => {
    const at = (change: Partial<Parameters<typeof view>[0]>, kind: Familiar['kind'] = 'country') => novelty(view({ familiar: [known({ kind, value: kind === 'country' ? 'US' : '7922' })], movedSince: START - DAY_MS, sourceToDeclaredKm: 80, ...change }), parameters);
    expect(at({})).toBe('quiet');
    expect(reading(at({ movedSince: null })).strength).toBeGreaterThan(1);
    expect(reading(at({ sourceToDeclaredKm: 900 })).strength).toBeGreaterThan(1);
    expect(reading(at({ movedSince: START + 3 * DAY_MS })).strength, 'seen there long before the move').toBeGreaterThan(1);
    expect(reading(at({}, 'fingerprint')).strength).toBeGreaterThan(1);
  });

  test('a night after days of regular hours is told, and opens nothing alone', () => {
    const night = (days: number, startHour: number, moved = false) => {
      const seen = activity(15, days);
      const sessionStart = MIDNIGHT + days * DAY_MS + startHour * HOUR_MS;
      for (let minute = 0; minute < 60; minute += 3) countMinute(seen, sessionStart + minute * 60_000);
      return hours(view({ hours: hoursView(seen, { sessionStart, moved }), windowEnd: sessionStart + HOUR_MS }), parameters);
    };
    const found = reading(night(4, 7));
    expect(found.explanation).toContain("outside of this user's own");
    expect(rankAlone('hours', found)).toBe(RANK.NONE);
    for (const startHour of [12, 13, 14, 15, 20, 23]) expect(night(4, startHour), `${startHour}:00 lies near the usual hours`).toBe('quiet');
    expect(night(2, 7), 'two days make no habit').not.toMatchObject({ unit: 'share' });
    expect(night(4, 7, true), 'who has been declared elsewhere keeps other hours').toBe('quiet');
  });

  test('people without hours of their own keep none outside of them', () => {
    const seen = newActivity();
    for (let day = 0; day < 4; day++) for (let minute = 0; minute < 360; minute += 3) countMinute(seen, MIDNIGHT + day * DAY_MS + ((day * 8) % 24) * HOUR_MS + minute * 60_000);
    const sessionStart = MIDNIGHT + 4 * DAY_MS + 5 * HOUR_MS;
    expect(hours(view({ hours: hoursView(seen, { sessionStart, moved: false }), windowEnd: sessionStart + HOUR_MS }), parameters)).not.toMatchObject({ unit: 'share' });
  });
});
