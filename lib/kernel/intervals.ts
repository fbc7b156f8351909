/**
 * Confidence intervals of counts. `confidence` is the coverage, between 0 and 1; both sides get half of what is left.
 *
 * Sources: Garwood, "Fiducial limits for the Poisson distribution", Biometrika 28 (1936); Wilson, "Probable inference, the
 * law of succession, and statistical inference", JASA 22 (1927). The quantile of the normal: Acklam's rational
 * approximation (2003), relative error below 1.15e-9.
 */
import { assert } from './errors.ts';

export interface Interval {
  readonly lower: number;
  readonly upper: number;
}

/**
 * Exact (Garwood) interval for the mean of a Poisson count: all means under which a count so high, or so low, has at
 * least probability (1 − confidence) / 2.
 *
 * @param count a non-negative integer
 */
export function poissonInterval(count: number, confidence = 0.95): Interval {
  assert(Number.isSafeInteger(count) && count >= 0, `a Poisson count is a non-negative integer, this is ${count}`);
  const tail = (1 - confidence) / 2;
  // P(X ≤ count | mean) falls as the mean rises.
  const upper = meanWhere((mean) => poissonCumulative(count, mean) > tail, count);
  const lower = count === 0 ? 0 : meanWhere((mean) => 1 - poissonCumulative(count - 1, mean) < tail, count);
  return { lower, upper };
}

/** The mean at which `below` turns from true to false, to a relative precision of 1e-12. */
function meanWhere(below: (mean: number) => boolean, start: number): number {
  let low = 0;
  let high = start + 10;
  while (below(high)) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 200 && high - low > 1e-12 * high; i++) {
    const middle = (low + high) / 2;
    if (below(middle)) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** P(X ≤ count) of a Poisson variable; terms are added from the largest down, so that nothing under- or overflows. */
function poissonCumulative(count: number, mean: number): number {
  if (mean === 0) return 1;
  const top = Math.min(count, Math.floor(mean));
  const peak = Math.exp(top * Math.log(mean) - mean - logFactorial(top));
  let sum = peak;
  let term = peak;
  for (let k = top; k > 0 && term > sum * 1e-18; k--) sum += term *= k / mean;
  term = peak;
  for (let k = top + 1; k <= count && term > sum * 1e-18; k++) sum += term *= mean / k;
  return Math.min(1, sum);
}

/** ln(n!): by summing below 32, above by Stirling's series, whose error there is below 1e-13. */
function logFactorial(n: number): number {
  if (n < 32) {
    let sum = 0;
    for (let k = 2; k <= n; k++) sum += Math.log(k);
    return sum;
  }
  const x = n + 1;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5);
}

/** Wilson's score interval for a share: `part` of `whole`; null where the whole is 0. */
export function wilsonInterval(part: number, whole: number, confidence = 0.95): Interval | null {
  assert(part >= 0 && part <= whole, `a share is a part of a whole, this is ${part} of ${whole}`);
  if (whole === 0) return null;
  const z = normalQuantile((1 + confidence) / 2);
  const share = part / whole;
  const scale = 1 + (z * z) / whole;
  const middle = share + (z * z) / (2 * whole);
  const half = z * Math.sqrt((share * (1 - share)) / whole + (z * z) / (4 * whole * whole));
  return { lower: part === 0 ? 0 : Math.max(0, (middle - half) / scale), upper: part === whole ? 1 : Math.min(1, (middle + half) / scale) };
}

const A = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.357751867269, -30.66479806614716, 2.506628277459239];
const B = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
const C = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968, 2.938163982698783];
const D = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
const TAIL = 0.02425;

const polynomial = (coefficients: readonly number[], x: number): number => coefficients.reduce((sum, coefficient) => sum * x + coefficient, 0);

/** The value below which a standard normal variable lies with probability p, 0 < p < 1. */
export function normalQuantile(p: number): number {
  assert(p > 0 && p < 1, `a probability between 0 and 1 is needed, this is ${p}`);
  if (p > 1 - TAIL) return -normalQuantile(1 - p);
  if (p < TAIL) {
    const q = Math.sqrt(-2 * Math.log(p));
    return polynomial(C, q) / polynomial(D, q);
  }
  const q = p - 0.5;
  const r = q * q;
  return (q * polynomial(A, r)) / polynomial(B, r);
}
