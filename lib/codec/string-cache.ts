/**
 * Strings out of bytes. Identifiers, symbols and addresses come back in record after record: a cache answers them with
 * the string that is there already, which costs neither a call into the runtime nor memory, and whose hash a Map has
 * computed before. Bounded: one slot per hash, a newer string takes the place of the older.
 */
import { isUtf8 } from 'node:buffer';

/** Slots; a session has some eight strings of its own. At some 100 bytes a string the cache holds less than 4 MiB. */
const SLOTS = 32_768;
/** Longer strings are not kept. */
const KEPT_BYTES_MAX = 64;

export class StringCache {
  readonly #slots: string[] = Array.from({ length: SLOTS }, () => '');

  /** The string of `bytes[start, end)`, or undefined when they are not UTF-8. */
  read(bytes: Uint8Array, start: number, end: number): string | undefined {
    if (end - start > KEPT_BYTES_MAX) return decodeString(bytes, start, end);
    let hash = 0x811c9dc5;
    let all = 0;
    for (let i = start; i < end; i++) {
      const byte = bytes[i] as number;
      all |= byte;
      hash = Math.imul(hash ^ byte, 0x01000193);
    }
    if (all >= 0x80) return decodeString(bytes, start, end);
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#slots[slot] as string;
    if (known.length === end - start && equals(known, bytes, start)) return known;
    const text = latin1(bytes, start, end);
    this.#slots[slot] = text;
    return text;
  }
}

function equals(known: string, bytes: Uint8Array, start: number): boolean {
  for (let i = 0; i < known.length; i++) if (known.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

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

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return (asBuffer(bytes) as unknown as SlicingBuffer).latin1Slice(start, end);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
