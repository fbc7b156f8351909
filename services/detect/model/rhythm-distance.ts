/**
 * How far two rhythms are apart: decades by which two people are a likelier explanation of them than one, in the model of hands.ts.
 * Where it is negative, one person is the likelier. Unlike a distance in deviations of one person's typing, it counts the ways in
 * which people differ from each other, and not those in which everybody strays.
 *
 * Unlike between machines, days are what is compared here: the pace is granted three times of what it moves within a sitting.
 *
 * A gateway times keys after the person's line, whose jitter stands in every interval and every hold. The way of a press and that of the
 * release, or of the next press, are alike, so what the line adds is as often negative as positive: it spreads short times out, leaves their
 * medians where they are, and is lost in long ones. One person over a calm line today and a restless one tomorrow has the same medians and
 * other tails, which the model of one person at one keyboard has no place for. There two rhythms are further apart than their lines explain
 * only where what a line does not move says so as well (`distanceOverLines`).
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
const DAYS = { ...HANDS, within: HANDS.within.map((row, i) => (i === 0 ? [PACE_SPREAD ** 2 / 2] : row)) };
const PEOPLE = twoPeople(DAYS);

/** Of the contrasts, those that a symmetric jitter leaves as they are: the pace, the long intervals beside it, and the median hold. */
const UNMOVED = [0, 3, 4, 7] as const;
const unmovedOf = (features: readonly number[]): number[] => {
  const contrasts = contrastsOf(features);
  return UNMOVED.map((i) => contrasts[i]!);
};
const among = (lower: readonly (readonly number[])[]): number[][] => UNMOVED.map((row, i) => UNMOVED.slice(0, i + 1).map((column) => lower[row]![column]!));
const UNMOVED_PEOPLE = twoPeople({ mean: UNMOVED.map((i) => DAYS.mean[i]!), within: among(DAYS.within), between: among(DAYS.between) });

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
  return { distance: within(-PEOPLE.ratioOf(contrastsOf(a), contrastsOf(b))), withHolds: Math.min(a.length, b.length) === SIZE };
}

const within = (distance: number): number => Math.min(FURTHEST, Math.max(NEAREST, distance));

/** The same of two rhythms that lines of their own may have spread out: no further apart than what lines do not move is. Without holds too little would be left, so nothing is granted. */
export function distanceOverLines(a: readonly number[], b: readonly number[]): { distance: number; withHolds: boolean } {
  const { distance, withHolds } = rhythmDistance(a, b);
  return { distance: withHolds ? Math.min(distance, within(-UNMOVED_PEOPLE.ratioOf(unmovedOf(a), unmovedOf(b)))) : distance, withHolds };
}
