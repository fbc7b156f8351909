/**
 * How far two rhythms are apart: the Mahalanobis distance of their timing features (log scale) over the spread within one person, as
 * a root mean square in typical deviations. Quantiles next to each other move together, so that what they share counts once.
 *
 * The spread is that of the differences between two halves of one person's sentences (Aalto 136M Keystrokes, CHI 2018; the
 * development half of the people). Correlations are halved, as an estimate from some hundred people makes them larger than they
 * are (linear shrinkage: Ledoit and Wolf, 2004). The pace is granted three times of what it moves within a sitting, for days differ.
 */

/** Features in the order of `featuresOf`: five of intervals, then five of holds and one of rollovers, which may be missing. */
const INTERVALS = 5;
/** The quantile of the intervals that pace and the other two middle ones give. */
const REDUNDANT = 2;

/** Standard deviation of the difference within a person: the pace; 10, 25, 75, 90% of intervals beside it; five of holds; rollovers. */
export const SPREAD = [0.17, 0.06, 0.039, 0.047, 0.104, 0.062, 0.047, 0.045, 0.047, 0.054, 0.075] as const;
const SIZE = SPREAD.length;
/** Correlations of those differences, in hundredths, below the diagonal. */
export const CORRELATIONS: readonly (readonly number[])[] = [
  [],
  [-44],
  [-43, 61],
  [47, -53, -83],
  [18, -18, -28, 39],
  [-2, 3, -4, -1, -4],
  [8, 1, -3, 1, 2, 70],
  [11, -5, -4, 5, 6, 54, 73],
  [16, -5, -8, 9, 11, 36, 58, 75],
  [17, -4, -11, 11, 16, 25, 40, 53, 69],
  [-34, -8, -7, 5, 5, 24, 29, 37, 38, 41],
];
const SHRINKAGE = 0.5;

/** Lower triangle of the Cholesky factor; its upper left part is the factor for intervals alone. */
const FACTOR: readonly Float64Array[] = (() => {
  const rows = SPREAD.map(() => new Float64Array(SIZE));
  for (let i = 0; i < SIZE; i++) {
    for (let j = 0; j <= i; j++) {
      const correlation = i === j ? 1 : ((1 - SHRINKAGE) * CORRELATIONS[i]![j]!) / 100;
      let rest = correlation * SPREAD[i]! * SPREAD[j]!;
      for (let k = 0; k < j; k++) rest -= rows[i]![k]! * rows[j]![k]!;
      rows[i]![j] = i === j ? Math.sqrt(rest) : rest / rows[j]![j]!;
    }
  }
  return rows;
})();

/** Mean of the three middle log quantiles of the intervals; the outer ones are pauses and rolls. */
const paceOf = (features: readonly number[]): number => (features[1]! + features[2]! + features[3]!) / 3;

/** What the spread is about: the pace, the intervals beside it, and the rest as it is. */
export function contrastsOf(features: readonly number[]): number[] {
  const pace = paceOf(features);
  const contrasts = [pace];
  for (let i = 0; i < features.length; i++) if (i !== REDUNDANT) contrasts.push(i < INTERVALS ? features[i]! - pace : features[i]!);
  return contrasts;
}

/** @param a features of two rhythms; what only one has is left out */
export function rhythmDistance(a: readonly number[], b: readonly number[]): { distance: number; withHolds: boolean } {
  const features = Math.min(a.length, b.length);
  const [x, y] = [contrastsOf(a.slice(0, features)), contrastsOf(b.slice(0, features))];
  const whitened = new Float64Array(features);
  let sum = 0;
  for (let i = 0; i < features; i++) {
    const row = FACTOR[i]!;
    let rest = x[i]! - y[i]!;
    for (let k = 0; k < i; k++) rest -= row[k]! * whitened[k]!;
    whitened[i] = rest / row[i]!;
    sum += whitened[i]! * whitened[i]!;
  }
  return { distance: Math.sqrt(sum / features), withHolds: features === SIZE };
}
