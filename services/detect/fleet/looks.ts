/**
 * Repeated looks at the same question. An e-value promises that it reaches t for at most a share 1/t of honest people, once. Who looks
 * again every few hours and takes what is largest gets more than one chance a day, however much the looks hang together.
 *
 * So what is told at a look is the mean over all looks of the day, of which those to come count as nothing: Σ over the looks so far of
 * weight · e, with weights that sum to at most 1. It only grows during the day, and what it has grown to at its end is a mean of e-values,
 * so the greatest of it is an e-value as well, whatever the dependence. A look that was left out, because nobody typed, leaves its weight to the next
 * one. Days are periods from their first look to the first of the next day; each has its own. What lasts over all looks of a day loses nothing by
 * this, what one of four shows 0.6 decades.
 */
import { DAY_MS } from './minutes.ts';
/** Time between two looks, ms; a day has a whole number of them. */
export const LOOK_EVERY_MS = DAY_MS / 4;

export interface Looks {
  /** UTC day that began with or before the last look, since the epoch, and the number of the look in it, from 1. */
  day: number;
  look: number;
  /** Weighted sum of the e-values by question. */
  sums: number[];
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
  const known = before?.day === day ? before : { look: 0, sums: strengths.map(() => 0) };
  const weight = ((look - known.look) * LOOK_EVERY_MS) / DAY_MS;
  return { day, look, sums: strengths.map((strength, i) => (known.sums[i] ?? 0) + weight * 10 ** strength) };
}

/** log10 of what the day's looks so far amount to; −Infinity for nothing. */
export const strengthOfLooks = ({ sums }: Looks, question: number): number => Math.log10(sums[question] ?? 0);
