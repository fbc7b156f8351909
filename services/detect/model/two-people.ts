/**
 * One person or two: the likelihood ratio of a two-covariance model (probabilistic linear discriminant analysis: Ioffe 2006; Prince
 * and Elder 2007). People differ by `between`, one person's sittings by `within`; both Gaussian. Two rhythms that differ in a way in which people
 * differ, and one person's sittings do not, are two people's; two ordinary rhythms that agree say less than two rare ones.
 */
export interface PeopleModel {
  /** Middle of all people. */
  readonly mean: readonly number[];
  /** Lower triangles, row by row. */
  readonly within: readonly (readonly number[])[];
  readonly between: readonly (readonly number[])[];
}

/** A rhythm made ready to be compared. */
export interface Ready {
  readonly apart: Float64Array;
  readonly together: Float64Array;
  /** Squared distance from the middle of all people, in deviations. */
  readonly rarity: number;
}

/** Several of them, made ready to be compared with each other. */
export interface ReadyRows {
  /** Contrasts of each. */
  readonly size: number;
  /** Rows of twice the size: first `apart` of each, then `together`. */
  readonly rows: Float64Array;
  readonly rarities: Float64Array;
}

type Factor = readonly Float64Array[];

/** Lower Cholesky factor of the matrix whose lower triangle is given; its upper left part is the factor of the first features alone. */
function factorOf(lower: readonly (readonly number[])[]): Factor {
  const rows = lower.map(() => new Float64Array(lower.length));
  for (let i = 0; i < lower.length; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = lower[i]![j]!;
      for (let k = 0; k < j; k++) rest -= rows[i]![k]! * rows[j]![k]!;
      rows[i]![j] = i === j ? Math.sqrt(rest) : rest / rows[j]![j]!;
    }
  }
  return rows;
}

/** Puts x into `whitened`, from `at` on, in the deviations of the factor; answers its squared length there. */
function whiten(factor: Factor, x: ArrayLike<number>, whitened: Float64Array, size = whitened.length, at = 0): number {
  let all = 0;
  for (let i = 0; i < size; i++) {
    const row = factor[i]!;
    let rest = x[i]!;
    for (let k = 0; k < i; k++) rest -= row[k]! * whitened[at + k]!;
    const value = rest / row[i]!;
    whitened[at + i] = value;
    all += value * value;
  }
  return all;
}

/** Squared lengths of the difference and of the sum of two rows, together. */
function lengthsOf({ size, rows }: ReadyRows, i: number, j: number): number {
  let own = 2 * size * i;
  let other = 2 * size * j;
  let differs = 0;
  let agrees = 0;
  for (const end = own + size; own < end; own++, other++) {
    const gap = rows[own]! - rows[other]!;
    const sums = rows[own + size]! + rows[other + size]!;
    differs += gap * gap;
    agrees += sums * sums;
  }
  return differs + agrees;
}

const sum = (...parts: readonly (readonly (readonly number[])[])[]): number[][] => parts[0]!.map((row, i) => row.map((_, j) => parts.reduce((total, part) => total + part[i]![j]!, 0)));

export interface TwoPeople {
  /** @param contrasts as `contrastsOf` (rhythm-distance.ts) makes them of the features; the first few alone where the rest is not known */
  readonly ready: (contrasts: readonly number[]) => Ready;
  /** log10 of the likelihood ratio of one person against two, as the model has it; both of as many contrasts. */
  readonly ratio: (a: Ready, b: Ready) => number;
  /** Contrasts of as many people as there are; as many of each. */
  readonly readyRows: (contrasts: readonly (readonly number[])[]) => ReadyRows;
  /** `ratio` of the row `i` and of each before it, put into `out`. */
  readonly ratiosBefore: (rows: ReadyRows, i: number, out: Float64Array) => void;
  /** The same of the contrasts themselves, for two that are compared once. */
  readonly ratioOf: (a: readonly number[], b: readonly number[]) => number;
}

export function twoPeople({ mean, within, between }: PeopleModel): TwoPeople {
  /** Half the difference of two sittings' spread; one sitting; two sittings together. */
  const [apart, total, both] = [factorOf(within), factorOf(sum(within, between)), factorOf(sum(within, between, between))];
  /** By how many contrasts there are. */
  const levels = [0];
  mean.forEach((_, i) => levels.push(levels[i]! + 2 * Math.log(total[i]![i]!) - Math.log(apart[i]![i]!) - Math.log(both[i]![i]!)));
  const [scratch, x, y, difference, together] = Array.from({ length: 5 }, () => new Float64Array(mean.length)) as [Float64Array, Float64Array, Float64Array, Float64Array, Float64Array];
  const log10Ratio = (level: number, rarities: number, lengths: number): number => (level + rarities / 2 - lengths / 4) / Math.LN10;
  return {
    ratioOf(a, b) {
      const size = Math.min(a.length, b.length);
      for (let i = 0; i < size; i++) {
        x[i] = a[i]! - mean[i]!;
        y[i] = b[i]! - mean[i]!;
        difference[i] = x[i]! - y[i]!;
        together[i] = x[i]! + y[i]!;
      }
      const lengthOf = (factor: Factor, of: Float64Array): number => whiten(factor, of, scratch, size);
      return log10Ratio(levels[size]!, lengthOf(total, x) + lengthOf(total, y), lengthOf(apart, difference) + lengthOf(both, together));
    },
    ready(contrasts) {
      const own = contrasts.map((value, i) => value - mean[i]!);
      const ready = { apart: new Float64Array(own.length), together: new Float64Array(own.length), rarity: whiten(total, own, scratch, own.length) };
      whiten(apart, own, ready.apart);
      whiten(both, own, ready.together);
      return ready;
    },
    readyRows(contrasts) {
      const size = contrasts[0]?.length ?? 0;
      const ready = { size, rows: new Float64Array(2 * size * contrasts.length), rarities: new Float64Array(contrasts.length) };
      contrasts.forEach((own, person) => {
        for (let i = 0; i < size; i++) x[i] = own[i]! - mean[i]!;
        ready.rarities[person] = whiten(total, x, scratch, size);
        whiten(apart, x, ready.rows, size, 2 * size * person);
        whiten(both, x, ready.rows, size, 2 * size * person + size);
      });
      return ready;
    },
    ratiosBefore(ready, i, out) {
      const level = levels[ready.size]!;
      const { rarities } = ready;
      for (let j = 0; j < i; j++) out[j] = log10Ratio(level, rarities[i]! + rarities[j]!, lengthsOf(ready, i, j));
    },
    ratio(a, b) {
      const size = a.apart.length;
      let differs = 0;
      let agrees = 0;
      for (let i = 0; i < size; i++) {
        const gap = a.apart[i]! - b.apart[i]!;
        const sums = a.together[i]! + b.together[i]!;
        differs += gap * gap;
        agrees += sums * sums;
      }
      return log10Ratio(levels[size]!, a.rarity + b.rarity, differs + agrees);
    },
  };
}
