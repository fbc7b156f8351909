/** Quantiles, rank correlation and normal scores: the little statistics that fits and the evaluation share. */
import { normalQuantile } from '#lib/kernel/intervals.ts';

export function sorted(values: Iterable<number>): number[] {
  return Array.from(values).sort((a, b) => a - b);
}

/** Quantile p of sorted values, linear between order statistics (Hyndman–Fan type 7); NaN where there are none. */
export function quantileOf(ordered: readonly number[], p: number): number {
  if (ordered.length === 0) return NaN;
  const at = p * (ordered.length - 1);
  const low = Math.floor(at);
  const a = ordered[low]!;
  const b = ordered[Math.min(ordered.length - 1, low + 1)]!;
  return a + (b - a) * (at - low);
}

export const medianOf = (values: Iterable<number>): number => quantileOf(sorted(values), 0.5);

/** Values at equally spaced levels 0…1 out of a table that was made at those levels. */
export function fromTable(table: readonly number[], u: number): number {
  const at = Math.min(Math.max(u, 0), 1) * (table.length - 1);
  const low = Math.min(table.length - 2, Math.floor(at));
  return table[low]! + (table[low + 1]! - table[low]!) * (at - low);
}

/** Table of quantiles at `levels` equally spaced levels; the ends are the 0.5% and 99.5% quantiles, not the extremes. */
export function tableOf(values: Iterable<number>, levels: number, digits: number): number[] {
  const ordered = sorted(values);
  return Array.from({ length: levels }, (_, i) => {
    const level = Math.min(0.995, Math.max(0.005, i / (levels - 1)));
    return Number(quantileOf(ordered, level).toPrecision(digits));
  });
}

/** Mid-ranks scaled into (0, 1). */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!);
  const rank = values.map(() => 0);
  for (let i = 0; i < order.length; ) {
    let j = i;
    while (j + 1 < order.length && values[order[j + 1]!] === values[order[i]!]) j++;
    for (let k = i; k <= j; k++) rank[order[k]!] = ((i + j) / 2 + 0.5) / order.length;
    i = j + 1;
  }
  return rank;
}

/** Normal scores of the ranks: what a Gaussian copula correlates. */
export function normalScores(values: readonly number[]): number[] {
  return ranks(values).map(normalQuantile);
}

export function correlation(a: readonly number[], b: readonly number[]): number {
  const n = a.length;
  const meanA = a.reduce((s, x) => s + x, 0) / n;
  const meanB = b.reduce((s, x) => s + x, 0) / n;
  let ab = 0;
  let aa = 0;
  let bb = 0;
  for (let i = 0; i < n; i++) {
    const da = a[i]! - meanA;
    const db = b[i]! - meanB;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa > 0 && bb > 0 ? ab / Math.sqrt(aa * bb) : 0;
}

/** Φ, by the logistic form of Page (1977); error under 2e-4. */
export const normalCdf = (z: number): number => 1 / (1 + Math.exp(-(1.5976 * z + 0.07056 * z * z * z)));
