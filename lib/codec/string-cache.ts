/**
 * Strings out of bytes. Identifiers, symbols and addresses come back in record after record: a cache answers them with
 * the string that is there already, which costs neither a call into the runtime nor memory, and whose hash a Map has
 * computed before. Bounded: one slot per hash, a newer string takes the place of the older.
 */
import { isUtf8 } from 'node:buffer';
import { bitsBefore, nonPlain } from './words.ts';

/**
 * Slots; a session has some eight strings of its own, and a process some ten thousand sessions: with a quarter of this a fifth of what is
 * read had to be made anew. With their bytes and at some 100 bytes a string the cache holds at most 22 MiB.
 */
const SLOTS = 131_072;
/** Of a slot: the length of its string plus one (0: empty), then the bytes, four a word. */
const SLOT_WORDS = 16;
/** Longer strings are not kept. */
const KEPT_BYTES_MAX = (SLOT_WORDS - 1) * 4;
const NOT_ASCII = 0x80808080;
const QUOTE = 0x22;
const SEED = 0x811c9dc5 | 0;

/** Of the string that is asked for. */
const words = new Int32Array(SLOT_WORDS);

export class StringCache {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => '');
  /** What stands in the slots, so that a string is told by whole words and without being fetched. */
  readonly #known = new Int32Array(SLOTS * SLOT_WORDS);

  /** Where the string ends that `readQuoted` answered. */
  end = 0;

  /** The string of `bytes[start, end)`, or undefined when they are not UTF-8. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    const length = end - start;
    if (length > KEPT_BYTES_MAX) return decodeString(bytes, start, end);
    let hash = SEED;
    let all = 0;
    let count = 0;
    for (let i = start; i < end; i += 4) {
      const word = i + 4 <= end ? bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24) : tail(bytes, i, end);
      all |= word;
      hash = mixed(hash, word);
      words[count++] = word;
    }
    return (all & NOT_ASCII) === 0 ? this.#at(mixed(hash, length), bytes, start, length, count) : decodeString(bytes, start, end);
  }

  /**
   * The string from `start` up to the next quote, whose place `end` then is. Undefined where it is not plain (an escape, a control
   * character, anything but ASCII), is too long to be kept, or goes on beyond `stop`. `bytes` are the whole buffer that `view` is of, and
   * three bytes more lie behind `stop`.
   */
  readQuoted(bytes: Uint8Array, view: DataView, start: number, stop: number): string | undefined {
    let hash = SEED;
    let count = 0;
    for (let at = start; at < stop && count < SLOT_WORDS - 1; at += 4) {
      const word = view.getInt32(at, true);
      const special = nonPlain(word);
      if (special === 0) {
        hash = mixed(hash, word);
        words[count++] = word;
        continue;
      }
      const bits = bitsBefore(special);
      if (((word >>> bits) & 0xff) !== QUOTE) return undefined;
      if (bits > 0) {
        const rest = word & ((1 << bits) - 1);
        hash = mixed(hash, rest);
        words[count++] = rest;
      }
      this.end = at + (bits >>> 3);
      const length = this.end - start;
      return this.#at(mixed(hash, length), bytes, start, length, count);
    }
    return undefined;
  }

  /** The string of that hash and those `words`; if it is not there, it is made of the bytes. */
  #at(hash: number, bytes: Uint8Array, start: number, length: number, count: number): string {
    const slot = hash & (SLOTS - 1);
    const at = slot * SLOT_WORDS;
    const known = this.#known;
    let same = known[at] === length + 1;
    for (let i = 0; same && i < count; i++) same = known[at + 1 + i] === words[i];
    if (same) return this.#slots[slot]!;
    known[at] = length + 1;
    for (let i = 0; i < count; i++) known[at + 1 + i] = words[i]!;
    return (this.#slots[slot] = latin1(bytes, start, start + length));
  }
}

function mixed(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x5bd1e995);
  return product ^ (product >>> 15);
}

/** The last one to three bytes as a word. */
function tail(bytes: Uint8Array, at: number, end: number): number {
  let word = bytes[at] as number;
  if (at + 1 < end) word |= (bytes[at + 1] as number) << 8;
  if (at + 2 < end) word |= (bytes[at + 2] as number) << 16;
  return word;
}

/** One for all readers of a thread, so that the records of a person share the strings that name them. */
export const sharedStrings = new StringCache();

/** The string of `bytes[start, end)`, or undefined when they are not UTF-8. */
export function decodeString(bytes: Uint8Array, start: number, end: number): string | undefined {
  let all = 0;
  for (let i = start; i < end; i++) all |= bytes[i] as number;
  if (all < 0x80) return latin1(bytes, start, end);
  return isUtf8(bytes.subarray(start, end)) ? asBuffer(bytes).toString('utf8', start, end) : undefined;
}

interface SlicingBuffer {
  latin1Slice(start: number, end: number): string;
}

/** The string of `bytes[start, end)`, all of them ASCII. */
export function latin1(bytes: Uint8Array, start: number, end: number): string {
  return (asBuffer(bytes) as unknown as SlicingBuffer).latin1Slice(start, end);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
