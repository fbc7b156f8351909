/**
 * Repeated looks at the same question. An e-value promises that it reaches t for at most a share 1/t of honest people, once. Who looks
 * again every few hours and takes what is largest gets more than one chance a day, however much the looks hang together.
 *
 * So what is told at a look is the mean over the last look of the day before, where there was one, and all looks of the day, of which those
 * to come count as nothing: Σ over the looks so far of weight · e, with weights that sum to 1 and do not depend on what was seen. It only
 * grows during the day, and what it has grown to at its end is a mean of e-values, so the greatest of it is an e-value as well, whatever the
 * dependence. A look that was left out, because nobody typed, leaves its weight to the next one. Days are periods from their first look to
 * the first of the next day; each has its own. What lasts over all looks loses nothing by this, what one of four shows 0.6 decades, or 0.8
 * where there was one on the day before. Without that one, what has lasted for days would begin each day 0.6 decades below itself, and whoever
 * works in the early hours of UTC would never be told the whole of it.
 */
import { DAY_MS } from './minutes.ts';
/** Time between two looks, ms; a day has a whole number of them. */
export const LOOK_EVERY_MS = DAY_MS / 4;

const LOOKS_A_DAY = DAY_MS / LOOK_EVERY_MS;
/** Part of the weight that the last look of the day before has. */
const YESTERDAY = 0.3;

export interface Looks {
  /** UTC day that began with or before the last look, since the epoch, and the number of the look in it, from 1. */
  day: number;
  look: number;
  /** Weighted sum of the e-values by question. */
  sums: number[];
  /** Part of the weight that the day's own looks share, and the e-values of the last look, by question; absent in what earlier releases kept. */
  own?: number;
  last?: number[];
}

export const isLook = (at: number): boolean => at % LOOK_EVERY_MS === 0;

/**
 * One more look.
 *
 * @param at its time, epoch ms; after the last one's
 * @param strengths log10 of the e-value by question; −Infinity for nothing
 */
export function lookAgain(before: Looks | undefined, at: number, strengths: readonly number[]): Looks {
  const day = Math.floor(at / DAY_MS);
  const look = Math.floor((at % DAY_MS) / LOOK_EVERY_MS) + 1;
  const known = before?.day === day ? before : beginOf(day, before);
  const { own = 1 } = known;
  const weight = (own * (look - known.look)) / LOOKS_A_DAY;
  const last = strengths.map((strength) => 10 ** strength);
  return { day, look, own, sums: last.map((value, i) => (known.sums[i] ?? 0) + weight * value), last };
}

/** A day before its first look. */
function beginOf(day: number, before: Looks | undefined): Looks {
  const yesterday = before?.day === day - 1 ? before.last : undefined;
  return yesterday === undefined ? { day, look: 0, own: 1, sums: [] } : { day, look: 0, own: 1 - YESTERDAY, sums: yesterday.map((value) => YESTERDAY * value) };
}

/** log10 of what the day's looks so far amount to; −Infinity for nothing. */
export const strengthOfLooks = ({ sums }: Looks, question: number): number => Math.log10(sums[question] ?? 0);
