/**
 * Hands: what two rhythms say about being of one person, wherever each was typed.
 *
 * Features: those of rhythm.ts, but each time is spread over 24 ms before quantiles are taken, so that the clocks of two
 * workstations (a quarter of them counts in steps of 8 or 16 ms) do not make one person two.
 *
 * Likeness: log10 of the likelihood ratio "one person / two people" of a two-covariance model (probabilistic linear discriminant
 * analysis: Ioffe 2006; Prince and Elder 2007): people differ by BETWEEN, one person's sittings by WITHIN. Two ordinary
 * rhythms that agree tell less than two rare ones. Real people are not Gaussian, so the ratio is calibrated (logistic
 * regression): its mean over pairs of strangers is at most 1, and it may be used as an e-value.
 *
 * Fitted to the development half of the people of the Aalto 136M Keystrokes sub-sample (CHI 2018): one half of the sentences against the
 * other, which is played at another day's pace on another workstation's clock (tools/evaluate/hands-fit.ts, which prints the figures).
 */
import { HANDS } from './hands-fitted.ts';
import { EDGES, GRID, holdsOf, intervalsOf, PAIRS, ROLLOVERS, SHARES, TOP_MS } from './rhythm.ts';

/** Width over which a time is spread, ms. */
const SPREAD_MS = 24;
const STEPS = 9;
/** Edges of the bins with both ends, ms. */
const BOUNDS: readonly number[] = [8, ...EDGES, 2 * TOP_MS];
const below = new Float64Array(GRID + 1);
const area = new Float64Array(GRID + 1);

/** Integral of the counts below each time, up to `ms`. */
function areaAt(ms: number): number {
  if (ms <= BOUNDS[0]!) return 0;
  if (ms >= BOUNDS[GRID]!) return area[GRID]! + below[GRID]! * (ms - BOUNDS[GRID]!);
  let low = 0;
  let high = GRID;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (BOUNDS[middle]! <= ms) low = middle;
    else high = middle;
  }
  const within = ms - BOUNDS[low]!;
  const density = (below[low + 1]! - below[low]!) / (BOUNDS[low + 1]! - BOUNDS[low]!);
  return area[low]! + within * (below[low]! + (density * within) / 2);
}

/** Log (natural) of the quantiles of spread-out times; rising shares. */
function spreadQuantiles(counts: Uint16Array, from: number, out: number[]): void {
  for (let i = 0; i < GRID; i++) {
    below[i + 1] = below[i]! + counts[from + i]!;
    area[i + 1] = area[i]! + ((below[i]! + below[i + 1]!) / 2) * (BOUNDS[i + 1]! - BOUNDS[i]!);
  }
  let bin = 0;
  for (const share of SHARES) {
    const wanted = share * below[GRID]!;
    while (bin < GRID - 1 && below[bin + 1]! < wanted) bin++;
    let low = Math.max(1, BOUNDS[bin]! - SPREAD_MS / 2);
    let high = BOUNDS[bin + 1]! + SPREAD_MS / 2;
    for (let step = 0; step < STEPS; step++) {
      const middle = (low + high) / 2;
      if (areaAt(middle + SPREAD_MS / 2) - areaAt(middle - SPREAD_MS / 2) < wanted * SPREAD_MS) low = middle;
      else high = middle;
    }
    out.push(Math.log((low + high) / 2));
  }
}

/** In the order of `featuresOf`; null where holds are not known: intervals alone tell too little to compare people. */
export function handsFeatures(counts: Uint16Array): number[] | null {
  if (holdsOf(counts) * 2 < intervalsOf(counts) || counts[PAIRS] === 0) return null;
  const features: number[] = [];
  spreadQuantiles(counts, 0, features);
  // Holds lie behind the intervals, on the same grid.
  spreadQuantiles(counts, GRID, features);
  features.push(2 * Math.sqrt(counts[ROLLOVERS]! / counts[PAIRS]!));
  return features;
}

const SIZE = HANDS.mean.length;

/** Lower Cholesky factor of the matrix whose lower triangle is given row by row. */
function factorOf(lower: readonly (readonly number[])[]): readonly Float64Array[] {
  const rows = lower.map(() => new Float64Array(SIZE));
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = lower[i]![j]!;
      for (let k = 0; k < j; k++) rest -= rows[i]![k]! * rows[j]![k]!;
      rows[i]![j] = i === j ? Math.sqrt(rest) : rest / rows[j]![j]!;
    }
  }
  return rows;
}

const logDeterminant = (factor: readonly Float64Array[]): number => factor.reduce((sum, row, i) => sum + 2 * Math.log(row[i]!), 0);

function whiten(factor: readonly Float64Array[], x: readonly number[]): Float64Array {
  const whitened = new Float64Array(SIZE);
  for (let i = 0; i < SIZE; i++) {
    let rest = x[i]!;
    for (let k = 0; k < i; k++) rest -= factor[i]![k]! * whitened[k]!;
    whitened[i] = rest / factor[i]![i]!;
  }
  return whitened;
}

const sum = (...parts: readonly (readonly (readonly number[])[])[]): number[][] => parts[0]!.map((row, i) => row.map((_, j) => parts.reduce((total, part) => total + part[i]![j]!, 0)));
/** Half the difference of two sittings' spread; one sitting; two sittings together. */
const WITHIN = factorOf(HANDS.within);
const TOTAL = factorOf(sum(HANDS.within, HANDS.between));
const BOTH = factorOf(sum(HANDS.within, HANDS.between, HANDS.between));
const LEVEL = logDeterminant(TOTAL) - (logDeterminant(WITHIN) + logDeterminant(BOTH)) / 2;

/** A rhythm made ready to be compared. */
export interface Hands {
  readonly apart: Float64Array;
  readonly together: Float64Array;
  /** Squared distance from the middle of all people, in deviations. */
  readonly rarity: number;
}

/** @param contrasts as `contrastsOf` (rhythm-distance.ts) makes them of the features */
export function handsOf(contrasts: readonly number[]): Hands {
  const x = contrasts.map((value, i) => value - HANDS.mean[i]!);
  return { apart: whiten(WITHIN, x), together: whiten(BOTH, x), rarity: whiten(TOTAL, x).reduce((total, value) => total + value * value, 0) };
}

/** No single pair says more than this, decades: what few hundred thousand pairs of strangers can confirm. */
export const LIKENESS_MAX = 3.5;

/** The ratio as the model has it, before it is calibrated, decades. */
export function modelRatio(a: Hands, b: Hands): number {
  let differs = 0;
  let agrees = 0;
  for (let i = 0; i < SIZE; i++) {
    const difference = a.apart[i]! - b.apart[i]!;
    const both = a.together[i]! + b.together[i]!;
    differs += difference * difference;
    agrees += both * both;
  }
  return (LEVEL + (a.rarity + b.rarity) / 2 - (differs + agrees) / 4) / Math.LN10;
}

/** log10 of the calibrated likelihood ratio of one person against two; at most LIKENESS_MAX. */
export const likeness = (a: Hands, b: Hands): number => Math.min(LIKENESS_MAX, HANDS.slope * modelRatio(a, b) + HANDS.offset);
