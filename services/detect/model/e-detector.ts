/**
 * e-detector: what the days of one person add up to.
 *
 * A day's evidence is an e-value given the days before it only where its null starts afresh each day. A slow machine is slow
 * every day and a night owl is late every night: such evidence counts once, in its session, however often it comes. What does
 * start afresh are changes (an onset in mid-session, an impossible travel). Their daily e-values are
 * multiplied as an e-CUSUM, M ← max(1, M)·E, which starts again whenever the past speaks against a change; the mean time
 * between false alarms of a person whose daily E are e-values is at least the threshold, in days, whatever their distribution.
 * Source: Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection" (2022), Section 2.
 */
import type { SignalFamily } from '#schemas/records.ts';
import { DAY_MS } from '../fleet/minutes.ts';
import { STAKE } from './fusion.ts';
import { SIGNALS } from './signals.ts';

export interface Detector {
  /** Number of the day that `today` is of (UTC days since the epoch); −1 for none. */
  day: number;
  /** log10 M of the days before, between 0 and CARRIED_MAX. */
  carried: number;
  /** log10 of the day's e-value as its last window left it. */
  today: number;
}

/** Habits make changes too (an application that is started every morning), so no more than this is carried, decades. */
export const CARRIED_MAX = 0.5;

/** Objects of one shape, which signals are not. */
const RENEWING = SIGNALS.flatMap(({ family, weight, renews }, i) => (renews === true ? [{ family, weight, i }] : []));
const FAMILIES = [...new Set(RENEWING.map(({ family }) => family))];

export const newDetector = (): Detector => ({ day: -1, carried: 0, today: 0 });

/**
 * Ends the days before the one of `at`; days without typing say nothing. While a change is still held the day goes on, so that
 * midnight does not count it twice.
 */
export function advanceDay(detector: Detector, at: number, held: ArrayLike<number>): void {
  const day = Math.floor((at - 1) / DAY_MS);
  if (day <= detector.day || (detector.day >= 0 && RENEWING.some(({ i }) => held[i]! > 0))) return;
  if (detector.day >= 0) detector.carried = Math.min(CARRIED_MAX, Math.max(0, detector.carried + detector.today));
  detector.day = day;
  detector.today = 0;
}

/** log10 of a day's e-value without any change. */
const UNCHANGED = evidence(new Map());

/**
 * log10 of the present day's e-value: the bets on the families that have signals whose null starts afresh. `hosted`: at a hosted desktop an
 * honest way lies behind the gateway, and one that changes its route today does so tomorrow: a rise of the gap is no news there.
 */
export function dayEvidence(held: ArrayLike<number>, hosted = false): number {
  let means: Map<SignalFamily, number> | null = null;
  for (const { family, weight, i } of RENEWING) if (held[i]! > 0 && !(hosted && family === 'latency')) (means ??= new Map()).set(family, (means.get(family) ?? 0) + weight * 10 ** held[i]!);
  return means === null ? UNCHANGED : evidence(means);
}

function evidence(means: ReadonlyMap<SignalFamily, number>): number {
  let sum = 0;
  for (const family of FAMILIES) sum += Math.log10(1 - STAKE[family] + STAKE[family] * (means.get(family) ?? 0));
  // State and its encoded form are the same number.
  return Math.round(sum * 1000) / 1000;
}
