/** What is asked of every two people of a bucket: how much alike their hands are, and how they stand to each other. */
import { likenessBefore, readyHands } from '../model/hands.ts';
import { APART, TOGETHER } from './standing.ts';

export interface Candidate {
  /** What the hands are made of. */
  readonly contrasts: readonly number[];
  /** The hands are not those that were enrolled. */
  readonly changed: boolean;
}

export interface Pairs {
  /** Of each person, the likeness of whoever is most alike, decades; LEAST for nobody. */
  readonly nearest: Float64Array;
  /** Of those who are apart from each other, by pair: n × n, symmetric. Of others nothing is in it. */
  readonly likeness: Float64Array;
  /** Of each person, who is apart from them: rows of `words` words, 32 people a word. */
  readonly apart: Int32Array;
  readonly words: number;
  /** Pairs that typed together. */
  readonly strangers: number;
  /** A likeness as far as those pairs allow. */
  readonly limited: (likeness: number) => number;
}

const LEAST = -9;

/** @param standingsBefore puts how a person and each one before stand to each other (standing.ts) into `out` */
export function compare(people: readonly Candidate[], standingsBefore: (i: number, out: Uint8Array) => void): Pairs {
  const n = people.length;
  const words = (n + 31) >> 5;
  const hands = readyHands(people.map(({ contrasts }) => contrasts));
  const nearest = new Float64Array(n).fill(LEAST);
  const likeness = new Float64Array(n * n);
  const apart = new Int32Array(n * words);
  const alike = new Float64Array(n);
  const standing = new Uint8Array(n);
  // Those of strangers that chance may limit: of the others only the number counts.
  const strangersAbove: number[] = [];
  const apartAbove: number[] = [];
  let strangers = 0;
  for (let i = 0; i < n; i++) {
    likenessBefore(hands, i, alike);
    standingsBefore(i, standing);
    let most = LEAST;
    for (let j = 0; j < i; j++) {
      const value = alike[j]!;
      if (value > most) most = value;
      if (value > nearest[j]!) nearest[j] = value;
      if (standing[j] === TOGETHER) {
        strangers++;
        if (value > 0) strangersAbove.push(value);
      } else if (standing[j] === APART) {
        likeness[i * n + j] = likeness[j * n + i] = value;
        if (value > 0) apartAbove.push(i * n + j);
        mark(apart, i * words, j);
        mark(apart, j * words, i);
      }
    }
    nearest[i] = most;
  }
  const falling = new Float64Array(strangersAbove).sort().reverse();
  // No limit is lower: most stay below it.
  const least = Math.log10((strangers + 1) / (falling.length + 1));
  const limited = (value: number): number => (value <= least ? value : Math.min(value, chanceLimit(falling, strangers, value)));
  // The limit rises with the likeness: the most alike one stays it.
  for (let i = 0; i < n; i++) nearest[i] = limited(nearest[i]!);
  for (const at of apartAbove) likeness[at] = likeness[(at % n) * n + Math.floor(at / n)] = limited(likeness[at]!);
  return { nearest, likeness, apart, words, strangers, limited };
}

export const mark = (bits: Int32Array, row: number, at: number): void => void (bits[row + (at >> 5)]! |= 1 << (at & 31));

/** log10 of one over the share of `strangers` who are at least so alike: no e-value is larger but by luck. */
function chanceLimit(falling: Float64Array, strangers: number, value: number): number {
  let low = 0;
  let high = falling.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (falling[middle]! >= value) low = middle + 1;
    else high = middle;
  }
  return Math.log10((strangers + 1) / (low + 1));
}
