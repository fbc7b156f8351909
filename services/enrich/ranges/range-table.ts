/**
 * Address ranges → a number, in typed arrays with binary search: 12 bytes per IPv4 range, 36 per IPv6 range, about
 * 20 comparisons per look-up. Tables are immutable; the builder takes ranges in any order and lets the most specific win.
 */
import type { AddressRange, AddressWords } from '#lib/kernel/ip-address.ts';

const NONE = -1;
const WORDS = 4;

interface FamilyColumns {
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  readonly values: Uint32Array;
}

export interface RangeColumns {
  readonly v4: FamilyColumns;
  readonly v6: FamilyColumns;
}

export class RangeTable {
  readonly #starts4: Uint32Array;
  readonly #ends4: Uint32Array;
  readonly #values4: Uint32Array;
  readonly #starts6: Uint32Array;
  readonly #ends6: Uint32Array;
  readonly #values6: Uint32Array;

  constructor({ v4, v6 }: RangeColumns) {
    this.#starts4 = v4.starts;
    this.#ends4 = v4.ends;
    this.#values4 = v4.values;
    this.#starts6 = v6.starts;
    this.#ends6 = v6.ends;
    this.#values6 = v6.values;
  }

  /** What it holds, for another table of the same. */
  get columns(): RangeColumns {
    return {
      v4: { starts: this.#starts4, ends: this.#ends4, values: this.#values4 },
      v6: { starts: this.#starts6, ends: this.#ends6, values: this.#values6 },
    };
  }

  /** How many disjoint ranges it holds, both families. */
  get size(): number {
    return this.#values4.length + this.#values6.length;
  }

  /** The value of the range that covers the address; -1 for none. */
  find(words: AddressWords): number {
    return words.length === 1 ? this.#find4(words[0]) : this.#find6(words);
  }

  #find4(word: number): number {
    const starts = this.#starts4;
    let low = 0;
    let high = starts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((starts[middle] as number) <= word) low = middle + 1;
      else high = middle;
    }
    return low > 0 && (this.#ends4[low - 1] as number) >= word ? (this.#values4[low - 1] as number) : NONE;
  }

  #find6(words: AddressWords): number {
    let low = 0;
    let high = this.#values6.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareAt(this.#starts6, middle, words) <= 0) low = middle + 1;
      else high = middle;
    }
    return low > 0 && compareAt(this.#ends6, low - 1, words) >= 0 ? (this.#values6[low - 1] as number) : NONE;
  }
}

function compareAt(columns: Uint32Array, index: number, words: AddressWords): number {
  for (let i = 0; i < WORDS; i++) {
    const difference = (columns[index * WORDS + i] as number) - (words[i] as number);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Columns of one family that grow; `words` is 1 for IPv4, 4 for IPv6. */
class FamilyBuilder {
  readonly #words: number;
  #starts: Uint32Array;
  #ends: Uint32Array;
  #values: Uint32Array;
  #length = 0;
  /** Whether all ranges so far came in ascending order without overlap: then nothing needs sorting. */
  #disjoint = true;
  /** Ends as they were before they were cut: sorting must see the ranges as they were given. */
  readonly #cuts: { readonly at: number; readonly end: Uint32Array }[] = [];

  constructor(words: number, capacity: number) {
    this.#words = words;
    this.#starts = new Uint32Array(capacity * words);
    this.#ends = new Uint32Array(capacity * words);
    this.#values = new Uint32Array(capacity);
  }

  /** Reads `words` words of start and end out of the given arrays. */
  append(start: ArrayLike<number>, end: ArrayLike<number>, value: number): void {
    const w = this.#words;
    if (this.#length === this.#values.length) this.#grow();
    const base = this.#length * w;
    for (let i = 0; i < w; i++) {
      this.#starts[base + i] = start[i] as number;
      this.#ends[base + i] = end[i] as number;
    }
    this.#values[this.#length] = value;
    this.#length++;
    if (base > 0 && this.#disjoint && this.#compare(this.#starts, base, this.#ends, base - w) <= 0) this.#overlap(base);
  }

  /**
   * The range at `base` begins inside the one before. Where it also reaches at least as far, cutting the earlier one
   * short is all that is to do (published tables hold a few such rows, and sorting 400,000 for them takes a second).
   */
  #overlap(base: number): void {
    const w = this.#words;
    const before = base - w;
    if (this.#compare(this.#starts, base, this.#starts, before) <= 0 || this.#compare(this.#ends, base, this.#ends, before) < 0) {
      this.#disjoint = false;
      return;
    }
    this.#cuts.push({ at: before, end: this.#ends.slice(before, base) });
    let borrow = 1;
    for (let i = w - 1; i >= 0; i--) {
      const word = this.#starts[base + i] as number;
      this.#ends[before + i] = word - borrow;
      borrow = word < borrow ? 1 : 0;
    }
  }

  #compare(a: Uint32Array, atA: number, b: Uint32Array, atB: number): number {
    for (let i = 0; i < this.#words; i++) {
      const difference = (a[atA + i] as number) - (b[atB + i] as number);
      if (difference !== 0) return difference;
    }
    return 0;
  }

  #grow(): void {
    const capacity = this.#values.length * 2;
    const copy = (from: Uint32Array, size: number) => {
      const to = new Uint32Array(size);
      to.set(from);
      return to;
    };
    this.#starts = copy(this.#starts, capacity * this.#words);
    this.#ends = copy(this.#ends, capacity * this.#words);
    this.#values = copy(this.#values, capacity);
  }

  build(): FamilyColumns {
    if (!this.#disjoint) return this.#flattened();
    return {
      starts: this.#starts.slice(0, this.#length * this.#words),
      ends: this.#ends.slice(0, this.#length * this.#words),
      values: this.#values.slice(0, this.#length),
    };
  }

  #flattened(): FamilyColumns {
    for (const { at, end } of this.#cuts) this.#ends.set(end, at);
    const ranges: FlatRange[] = [];
    for (let i = 0; i < this.#length; i++) {
      ranges.push({ start: this.#bigintAt(this.#starts, i), end: this.#bigintAt(this.#ends, i), value: this.#values[i] as number, order: i });
    }
    const flat = flatten(ranges);
    const sorted = new FamilyBuilder(this.#words, Math.max(1, flat.length));
    for (const range of flat) sorted.append(wordsOf(range.start, this.#words), wordsOf(range.end, this.#words), range.value);
    return sorted.build();
  }

  #bigintAt(columns: Uint32Array, index: number): bigint {
    let value = 0n;
    for (let i = 0; i < this.#words; i++) value = (value << 32n) | BigInt(columns[index * this.#words + i] as number);
    return value;
  }
}

function wordsOf(value: bigint, words: number): number[] {
  return Array.from({ length: words }, (_, i) => Number((value >> BigInt(32 * (words - 1 - i))) & 0xffffffffn));
}

interface FlatRange {
  start: bigint;
  end: bigint;
  value: number;
  order: number;
}

/**
 * Overlapping ranges → disjoint ones in ascending order. Where ranges overlap, the one that starts later wins, of equal
 * starts the shorter, of equal ranges the one that was added last: for CIDRs that is the most specific.
 */
function flatten(ranges: FlatRange[]): FlatRange[] {
  ranges.sort((a, b) => (a.start !== b.start ? (a.start < b.start ? -1 : 1) : a.end !== b.end ? (a.end > b.end ? -1 : 1) : a.order - b.order));
  const flat: FlatRange[] = [];
  const open: FlatRange[] = [];
  let cursor = 0n;
  const emit = (end: bigint, value: number) => {
    if (cursor > end) return;
    const last = flat.at(-1);
    if (last !== undefined && last.value === value && last.end + 1n === cursor) last.end = end;
    else flat.push({ start: cursor, end, value, order: 0 });
    cursor = end + 1n;
  };
  const closeBefore = (limit: bigint | null) => {
    for (let top = open.at(-1); top !== undefined && (limit === null || top.end < limit); top = open.at(-1)) {
      emit(top.end, top.value);
      open.pop();
    }
  };
  for (const range of ranges) {
    closeBefore(range.start);
    const top = open.at(-1);
    if (top !== undefined) emit(range.start - 1n, top.value);
    cursor = range.start;
    open.push(range);
  }
  closeBefore(null);
  return flat;
}

/** Collects ranges; `expected` only sizes the first allocation. */
export class RangeTableBuilder {
  readonly #v4: FamilyBuilder;
  readonly #v6: FamilyBuilder;

  constructor(expected = 1024) {
    this.#v4 = new FamilyBuilder(1, expected);
    this.#v6 = new FamilyBuilder(WORDS, expected);
  }

  /** Inclusive ends; values are 0 … 2³² − 1. Arrays of one word are IPv4, of four words IPv6. */
  addWords(version: 4 | 6, start: ArrayLike<number>, end: ArrayLike<number>, value: number): void {
    (version === 4 ? this.#v4 : this.#v6).append(start, end, value);
  }

  add(range: AddressRange, value: number): void {
    const words = range.version === 4 ? 1 : WORDS;
    this.addWords(range.version, wordsOf(range.start, words), wordsOf(range.end, words), value);
  }

  build(): RangeTable {
    return new RangeTable({ v4: this.#v4.build(), v6: this.#v6.build() });
  }
}
