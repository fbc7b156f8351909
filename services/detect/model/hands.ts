/**
 * Hands: what two rhythms say about being of one person, wherever each was typed.
 *
 * Features: those of rhythm.ts, but each time is spread over 24 ms before quantiles are taken, so that the clocks of two
 * workstations (a quarter of them counts in steps of 8 or 16 ms) do not make one person two.
 *
 * Likeness: log10 of the likelihood ratio "one person / two people" of a two-covariance model (two-people.ts). Real people are not
 * Gaussian, so the ratio is calibrated (logistic regression): its mean over pairs of strangers is at most 1, and it may be used as an e-value.
 *
 * Fitted to the development half of the people of the Aalto 136M Keystrokes sub-sample (CHI 2018): one half of the sentences against the
 * other, which is played at another day's pace on another workstation's clock (tools/evaluate/hands-fit.ts, which prints the figures).
 */
import { HANDS } from './hands-fitted.ts';
import { twoPeople, type Ready, type ReadyRows } from './two-people.ts';
import { EDGES, GRID, holdsOf, intervalsOf, PAIRS, ROLLOVERS, SHARES, TOP_MS } from './rhythm.ts';

/** Width over which a time is spread, ms. */
const SPREAD_MS = 24;
const STEPS = 9;
/** Edges of the bins with both ends, ms. */
const BOUNDS = Float64Array.of(8, ...EDGES, 2 * TOP_MS);
const WIDTHS = Float64Array.from({ length: GRID }, (_, bin) => BOUNDS[bin + 1]! - BOUNDS[bin]!);
/** Bin of every whole ms below the last edge: edges are whole. */
const BIN_AT = Uint8Array.from({ length: 2 * TOP_MS }, (_, ms) => Math.max(0, BOUNDS.findLastIndex((edge) => edge <= ms)));
const below = new Float64Array(GRID + 1);
const area = new Float64Array(GRID + 1);
/** Counts per ms, by bin. */
const density = new Float64Array(GRID);

/** Integral of the counts below each time, up to `ms`. */
function areaAt(ms: number): number {
  if (ms <= BOUNDS[0]!) return 0;
  if (ms >= BOUNDS[GRID]!) return area[GRID]! + below[GRID]! * (ms - BOUNDS[GRID]!);
  const low = BIN_AT[ms | 0]!;
  const within = ms - BOUNDS[low]!;
  return area[low]! + within * (below[low]! + (density[low]! * within) / 2);
}

/** Of the quantiles that are looked for: what is counted below each, times the spread; the least that each may be, and half of the width of what it is in, ms. */
const wanted = new Float64Array(SHARES.length);
const lows = new Float64Array(SHARES.length);
const halves = new Float64Array(SHARES.length);

/**
 * Halves STEPS times what each quantile is in. All of them at a time, as none waits for another, and without a branch, as none could be foreseen. Bounds are whole ms,
 * so nothing is rounded.
 */
function halveAll(): void {
  for (let step = 0; step < STEPS; step++) {
    for (let i = 0; i < SHARES.length; i++) {
      const middle = lows[i]! + halves[i]!;
      const around = areaAt(middle + SPREAD_MS / 2) - areaAt(middle - SPREAD_MS / 2);
      lows[i]! += halves[i]! * Number(around < wanted[i]!);
      halves[i]! /= 2;
    }
  }
}

/** Log (natural) of the quantiles of spread-out times; rising shares. */
function spreadQuantiles(counts: Uint16Array, from: number, out: number[]): void {
  for (let i = 0, count = 0, sum = 0; i < GRID; i++) {
    const before = count;
    const inBin = counts[from + i]!;
    count += inBin;
    sum += ((before + count) / 2) * WIDTHS[i]!;
    below[i + 1] = count;
    area[i + 1] = sum;
    density[i] = inBin / WIDTHS[i]!;
  }
  let bin = 0;
  for (let i = 0; i < SHARES.length; i++) {
    const share = SHARES[i]! * below[GRID]!;
    while (bin < GRID - 1 && below[bin + 1]! < share) bin++;
    wanted[i] = share * SPREAD_MS;
    lows[i] = Math.max(1, BOUNDS[bin]! - SPREAD_MS / 2);
    halves[i] = (BOUNDS[bin + 1]! + SPREAD_MS / 2 - lows[i]!) / 2;
  }
  halveAll();
  for (let i = 0; i < SHARES.length; i++) out.push(Math.log(lows[i]! + halves[i]!));
}

/** The first five of `handsFeatures`, which intervals alone give. */
export function intervalFeatures(counts: Uint16Array): number[] {
  const features: number[] = [];
  spreadQuantiles(counts, 0, features);
  return features;
}

/** In the order of `featuresOf`; null where holds are not known: intervals alone tell too little to compare people. */
export function handsFeatures(counts: Uint16Array): number[] | null {
  if (holdsOf(counts) * 2 < intervalsOf(counts) || counts[PAIRS] === 0) return null;
  const features = intervalFeatures(counts);
  // Holds lie behind the intervals, on the same grid.
  spreadQuantiles(counts, GRID, features);
  features.push(2 * Math.sqrt(counts[ROLLOVERS]! / counts[PAIRS]!));
  return features;
}

const PEOPLE = twoPeople(HANDS);

/** A rhythm made ready to be compared. */
export type Hands = Ready;

export const handsOf = PEOPLE.ready;

/** No single pair says more than this, decades: what few hundred thousand pairs of strangers can confirm. */
export const LIKENESS_MAX = 3.5;

/** The ratio as the model has it, before it is calibrated, decades. */
export const modelRatio = PEOPLE.ratio;

const calibrated = (ratio: number): number => Math.min(LIKENESS_MAX, HANDS.slope * ratio + HANDS.offset);

/** log10 of the calibrated likelihood ratio of one person against two; at most LIKENESS_MAX. */
export const likeness = (a: Hands, b: Hands): number => calibrated(modelRatio(a, b));

/** Rhythms of as many people as there are, made ready to be compared with each other. */
export const readyHands = PEOPLE.readyRows;

/** `likeness` of the person `i` and of each before, put into `out`. */
export function likenessBefore(hands: ReadyRows, i: number, out: Float64Array): void {
  PEOPLE.ratiosBefore(hands, i, out);
  for (let j = 0; j < i; j++) out[j] = calibrated(out[j]!);
}

/** The middle of sittings lies where more people are than a sitting does: what keeps the mean ratio of strangers at most 1, decades (measured: 1.13 without it). */
const MIDDLE_COST = 0.06;

/** The same of a sitting and several others, taken as one person's: their middle has less of each one's chance in it. `others`: contrasts. */
export function likenessToMiddle(hands: Hands, others: readonly (readonly number[])[]): number {
  const middle = others[0]!.map((_, i) => others.reduce((sum, contrasts) => sum + contrasts[i]!, 0) / others.length);
  return likeness(hands, handsOf(middle)) - MIDDLE_COST;
}
