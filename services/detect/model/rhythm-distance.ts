/**
 * How far two rhythms are apart: decades by which two people are a likelier explanation of them than one, in the model of hands.ts.
 * Where it is negative, one person is the likelier. Unlike a distance in deviations of one person's typing, it counts the ways in
 * which people differ from each other, and not those in which everybody strays.
 *
 * Unlike between machines, days are what is compared here: the pace is granted three times of what it moves within a sitting.
 */
import { HANDS } from './hands-fitted.ts';
import { twoPeople } from './two-people.ts';

/** Features in the order of `featuresOf`: five of intervals, then five of holds and one of rollovers, which may be missing. */
const INTERVALS = 5;
/** The quantile of the intervals that pace and the other two middle ones give. */
const REDUNDANT = 2;
const SIZE = HANDS.mean.length;

/** Standard deviation of the difference of one person's log pace from day to day. */
const PACE_SPREAD = 0.17;
const PEOPLE = twoPeople({ ...HANDS, within: HANDS.within.map((row, i) => (i === 0 ? [PACE_SPREAD ** 2 / 2] : row)) });

/** Further apart than any two people are, decades. */
const FURTHEST = 60;
/** Nearer than anything is looked at, decades. */
const NEAREST = -10;

/** Mean of the three middle log quantiles of the intervals; the outer ones are pauses and rolls. */
const paceOf = (features: readonly number[]): number => (features[1]! + features[2]! + features[3]!) / 3;

/** What the spread is about: the pace, the intervals beside it, and the rest as it is. */
export function contrastsOf(features: readonly number[]): number[] {
  const pace = paceOf(features);
  const contrasts = [pace];
  for (let i = 0; i < features.length; i++) if (i !== REDUNDANT) contrasts.push(i < INTERVALS ? features[i]! - pace : features[i]!);
  return contrasts;
}

/**
 * @param a features of two rhythms (hands.ts); what only one has is left out
 * @returns distance in decades, −10 … 60
 */
export function rhythmDistance(a: readonly number[], b: readonly number[]): { distance: number; withHolds: boolean } {
  return { distance: Math.min(FURTHEST, Math.max(NEAREST, -PEOPLE.ratioOf(contrastsOf(a), contrastsOf(b)))), withHolds: Math.min(a.length, b.length) === SIZE };
}
