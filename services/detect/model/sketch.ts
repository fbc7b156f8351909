/**
 * Quantile sketch of gaps (ms) with integer counts: a fixed grid, so that it is mergeable and the same to the byte in
 * every order of input. Counts saturate at 65,535 (min(sum, max) is associative for counts, so order still never shows).
 *
 * Grid: 1 ms in [−32, 64), 2 ms to 128, 4 ms to 256, 8 ms to 512, 32 ms to 1,024, then and below −32 one bin an octave.
 * Guarantee: a quantile lies in the bin of the true order statistic, so its error is below that bin's width.
 */
import { Spares } from './spares.ts';

/** A whole number of fours (mergeIntoBoth). */
export const SKETCH_BINS = 224;
const NEGATIVE_TAIL = 8;
const ZERO = NEGATIVE_TAIL + 32;
/** Of one bin. */
export const SKETCH_COUNT_MAX = 0xffff;
const COUNT_MAX = SKETCH_COUNT_MAX;

export type Sketch = Uint16Array;

const spare = new Spares<Sketch>(() => new Uint16Array(SKETCH_BINS), (sketch) => void sketch.fill(0));

export const newSketch = (): Sketch => spare.take();

/** Hands back one that nobody holds any more. */
export const releaseSketch = (sketch: Sketch): void => spare.release(sketch);

/** Two that live together, in one buffer: a buffer of its own costs as much again as its counts are long. */
function emptyPair(): [Sketch, Sketch] {
  const bytes = new ArrayBuffer(4 * SKETCH_BINS);
  return [new Uint16Array(bytes, 0, SKETCH_BINS), new Uint16Array(bytes, 2 * SKETCH_BINS, SKETCH_BINS)];
}

const sparePairs = new Spares(emptyPair, ([first, second]) => {
  first.fill(0);
  second.fill(0);
});

export const newSketchPair = (): [Sketch, Sketch] => sparePairs.take();

/** Hands back two that nobody holds any more, to live together again. */
export const releaseSketchPair = (pair: [Sketch, Sketch]): void => sparePairs.release(pair);

/** Bin of a value in ms; values beyond the grid go to its outermost bins. */
export function binOf(valueMs: number): number {
  if (valueMs >= -32 && valueMs < 64) return ZERO + Math.floor(valueMs);
  if (valueMs < 0) return Math.max(0, NEGATIVE_TAIL - 1 - octave(-valueMs, 32));
  if (valueMs < 128) return 104 + ((valueMs - 64) >> 1);
  if (valueMs < 256) return 136 + ((valueMs - 128) >> 2);
  if (valueMs < 512) return 168 + ((valueMs - 256) >> 3);
  if (valueMs < 1024) return 200 + ((valueMs - 512) >> 5);
  return Math.min(SKETCH_BINS - 1, 216 + octave(valueMs, 1024));
}

/** How often `value` can be halved before it is below 2 × base; exact, without logarithms. */
function octave(value: number, base: number): number {
  let n = 0;
  for (let edge = base * 2; value >= edge && n < 8; edge *= 2) n++;
  return n;
}

/** Lower edges of the bins; entry `SKETCH_BINS` is the upper edge of the last. */
const EDGES: Float64Array = (() => {
  const edges = new Float64Array(SKETCH_BINS + 1);
  for (let i = 0; i < NEGATIVE_TAIL; i++) edges[i] = -32 * 2 ** (NEGATIVE_TAIL - i);
  for (let i = 0; i < 96; i++) edges[NEGATIVE_TAIL + i] = -32 + i;
  for (let i = 0; i < 32; i++) {
    edges[104 + i] = 64 + 2 * i;
    edges[136 + i] = 128 + 4 * i;
    edges[168 + i] = 256 + 8 * i;
  }
  for (let i = 0; i < 16; i++) edges[200 + i] = 512 + 32 * i;
  for (let i = 0; i <= 8; i++) edges[216 + i] = 1024 * 2 ** i;
  return edges;
})();

export const binLow = (bin: number): number => EDGES[bin]!;
const binMiddle = (bin: number): number => (EDGES[bin]! + EDGES[bin + 1]!) / 2;

/** Counts a value `times` times. */
export function addValue(sketch: Sketch, valueMs: number, times = 1): void {
  const bin = binOf(valueMs);
  sketch[bin] = Math.min(COUNT_MAX, sketch[bin]! + times);
}

export function mergeInto(target: Sketch, source: Sketch): void {
  for (let i = 0; i < SKETCH_BINS; i++) {
    const count = source[i]!;
    if (count !== 0) target[i] = Math.min(COUNT_MAX, target[i]! + count);
  }
}

/** Into two at a time; answers what the source counts. */
export function mergeIntoBoth(first: Sketch, second: Sketch, source: Sketch): number {
  let all = 0;
  // Four at a time: most have nothing, and which of those beside each other have is foreseen too seldom to ask.
  for (let from = 0; from < SKETCH_BINS; from += 4) {
    if ((source[from]! | source[from + 1]! | source[from + 2]! | source[from + 3]!) === 0) continue;
    for (let i = from; i < from + 4; i++) {
      const count = source[i]!;
      const one = first[i]! + count;
      const other = second[i]! + count;
      all += count;
      first[i] = one < COUNT_MAX ? one : COUNT_MAX;
      second[i] = other < COUNT_MAX ? other : COUNT_MAX;
    }
  }
  return all;
}

export function countOf(sketch: Sketch): number {
  let count = 0;
  for (let i = 0; i < SKETCH_BINS; i++) count += sketch[i]!;
  return count;
}

/**
 * Quantiles of one sketch, linear within a bin.
 *
 * @param shares ascending, each in [0, 1]
 * @param total what the sketch counts, where that is known
 * @param result takes them
 * @returns ms, one per share; NaN for an empty sketch
 */
export function quantiles<T extends number[] | Float64Array = number[]>(sketch: Sketch, shares: readonly number[], total = countOf(sketch), result = [] as number[] as T): T {
  let below = 0;
  let bin = 0;
  for (let i = 0; i < shares.length; i++) {
    if (total === 0) {
      result[i] = NaN;
      continue;
    }
    const wanted = shares[i]! * total;
    while (bin < SKETCH_BINS - 1 && (below + sketch[bin]! < wanted || sketch[bin] === 0)) below += sketch[bin++]!;
    const count = sketch[bin]!;
    const within = count === 0 ? 1 : Math.min(1, Math.max(0, (wanted - below) / count));
    result[i] = EDGES[bin]! + (EDGES[bin + 1]! - EDGES[bin]!) * within;
  }
  return result;
}

/** The sketch of the same values less `shiftMs`: each bin moves by its middle. */
export function shifted(sketch: Sketch, shiftMs: number): Sketch {
  const moved = newSketch();
  for (let i = 0; i < SKETCH_BINS; i++) if (sketch[i] !== 0) addValue(moved, binMiddle(i) - shiftMs, sketch[i]);
  return moved;
}
