/**
 * The event ids of one stretch of event time. A bucket that is asked has a hash set; one that nobody has asked for a while
 * rests: then its chunks are all it has, a third of the memory, and each full one is sorted, so that it can still be asked.
 */
import { CHUNK_ENTRIES_MAX, type Chunk } from './chunk.ts';
import { HashSet64 } from './hash-set.ts';

/** Questions to a resting bucket after which it is worth a set again. */
const WAKES_AFTER = 256;

export class Bucket {
  readonly start: number;
  /** Serial number of the task's insertion that touched it last. */
  touched = 0;
  /** In order; all but the last are full. */
  readonly chunks: Chunk[] = [];
  /** The last chunk holds entries that the store was not told of yet. */
  dirty = false;
  /** The last batch that asked it. */
  asked = 0;
  #entries = 0;
  #set: HashSet64 | null = new HashSet64();
  /** Chunks that are sorted, from the first on. */
  #sorted = 0;
  #questions = 0;

  constructor(start: number) {
    this.start = start;
  }

  get last(): Chunk | null {
    return this.chunks.at(-1) ?? null;
  }

  get entries(): number {
    return this.#entries;
  }

  get rests(): boolean {
    return this.#set === null;
  }

  has(high: number, low: number): boolean {
    if (this.#set !== null) return this.#set.has(high, low);
    if (++this.#questions > WAKES_AFTER) return this.#wake().has(high, low);
    for (let i = 0; i < this.chunks.length; i++) {
      const chunk = this.chunks[i]!;
      if (i < this.#sorted ? isInSorted(chunk.hashes, high, low) : isAmong(chunk, high, low)) return true;
    }
    return false;
  }

  /** Counts a hash that was added to the chunks; false where it had been there before. */
  note(high: number, low: number): boolean {
    if (this.#set !== null && !this.#set.add(high, low)) return false;
    this.#entries++;
    return true;
  }

  rest(): void {
    for (; this.#sorted < this.chunks.length && this.chunks[this.#sorted]!.count === CHUNK_ENTRIES_MAX; this.#sorted++) sort(this.chunks[this.#sorted]!.hashes);
    this.#set = null;
    this.#questions = 0;
  }

  #wake(): HashSet64 {
    const set = new HashSet64();
    for (const { hashes, count } of this.chunks) for (let i = 0; i < count; i++) set.add(hashes[i * 2]!, hashes[i * 2 + 1]!);
    return (this.#set = set);
  }
}

/** By the second half of each pair, then by the first: as one little-endian number of 64 bits. */
function sort(hashes: Uint32Array): void {
  new BigUint64Array(hashes.buffer, hashes.byteOffset, hashes.length / 2).sort();
}

function isInSorted(hashes: Uint32Array, high: number, low: number): boolean {
  let from = 0;
  let to = CHUNK_ENTRIES_MAX;
  while (from < to) {
    const middle = (from + to) >> 1;
    const h = hashes[middle * 2]!;
    const l = hashes[middle * 2 + 1]!;
    if (h === high && l === low) return true;
    if (l < low || (l === low && h < high)) from = middle + 1;
    else to = middle;
  }
  return false;
}

function isAmong({ hashes, count }: Chunk, high: number, low: number): boolean {
  for (let i = 0; i < count; i++) if (hashes[i * 2] === high && hashes[i * 2 + 1] === low) return true;
  return false;
}
