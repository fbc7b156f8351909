/**
 * Arrays of floats that are used again. Nearly all of a decoded record is its three arrays of keystroke times, which are of use
 * until a part of records has been worked off: a host that knows when that is keeps them out of the garbage collector's way.
 */
const LENGTH_MAX = 512;
/** Arrays that are kept, over all lengths: at most 16 MiB, usually a tenth of that. */
const ARRAYS_MAX = 4096;

interface OfOneLength {
  readonly arrays: number[][];
  used: number;
}

export class FloatPool {
  readonly #byLength: OfOneLength[] = Array.from({ length: LENGTH_MAX + 1 }, () => ({ arrays: [], used: 0 }));
  #touched: OfOneLength[] = [];
  #arrays = 0;

  /** An array of `length` numbers that are not set yet. Nobody may hold it beyond the next `release`. */
  take(length: number): number[] {
    const kept = this.#byLength[length];
    if (kept === undefined) return [];
    if (kept.used === 0) this.#touched.push(kept);
    if (kept.used < kept.arrays.length) return kept.arrays[kept.used++]!;
    const array = doubles(length);
    if (this.#arrays === ARRAYS_MAX) return array;
    this.#arrays++;
    kept.arrays.push(array);
    kept.used++;
    return array;
  }

  /** All that was taken may be handed out again. */
  release(): void {
    for (const kept of this.#touched) kept.used = 0;
    this.#touched.length = 0;
  }
}

/** Of each length one, doubles from the first; a copy of it has room for just so many, where an array that grows is copied again and again. */
const TEMPLATES: number[][] = [];
const TEMPLATE_LENGTH_MAX = 1024;

/** An array of `count` numbers for whoever has no pool; empty, to grow, where they are many. */
export function doubles(count: number): number[] {
  if (count > TEMPLATE_LENGTH_MAX) return [];
  const template = (TEMPLATES[count] ??= Array.from({ length: count }, () => 0.5));
  return template.slice();
}
