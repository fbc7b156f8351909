/** Compact binary forms for the state: varints, doubles, strings, counts of which most are zero. Writer and reader must call in the same order. */
import { sharedStrings } from '#lib/codec/string-cache.ts';
import { assert } from '#lib/kernel/errors.ts';
import { roomFor } from './room.ts';

/** Values are cut from slabs, so that one costs no allocation beyond its view. */
const SLAB_BYTES = 262_144;
/** Room that a value finds in the slab at least; a longer one moves to a slab of its own size. */
const VALUE_BYTES = 4096;
const COUNT_BYTES_MAX = 8;

export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const NO_DIGIT = 255;
/** Value of a lower-case hexadecimal digit by its character. */
const DIGITS = Uint8Array.from({ length: 128 }, (_, code) => (code >= 48 && code < 58 ? code - 48 : code >= 97 && code < 103 ? code - 87 : NO_DIGIT));

/** Largest value of half a byte: what is as large or larger goes on in further bytes. */
const HALF = 15;

/** Of a larger count the lowest four groups of seven bits are written apart, so that the rest is a small one. */
const LOW_BITS = 2 ** 28;

/** A count below 2^32, where there is room for it. */
function putSmall(bytes: Uint8Array, at: number, value: number): number {
  let rest = value;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** To be used again and again: `finish` hands the bytes out and begins anew. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #view = viewOf(this.#bytes);
  /** Where the present value begins, and where it goes on. */
  #start = 0;
  #length = 0;
  /** Of the counts that are being written: where they are not zero. */
  #places = new Uint16Array(256);

  #reserve(count: number): void {
    const used = this.#length - this.#start;
    const grown = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * used, used + count));
    this.#bytes.copy(grown, 0, this.#start, this.#length);
    this.#bytes = grown;
    this.#view = viewOf(grown);
    this.#start = 0;
    this.#length = used;
  }

  /** Non-negative integer up to 2^53. */
  count(value: number): void {
    if (this.#length + COUNT_BYTES_MAX > this.#bytes.length) this.#reserve(COUNT_BYTES_MAX);
    // Whole numbers of 31 bits, which nearly all are, are told by this alone.
    if ((value | 0) === value && value >= 0) {
      this.#length = putSmall(this.#bytes, this.#length, value);
      return;
    }
    assert(Number.isSafeInteger(value) && value >= 0, `state holds ${value} where a count belongs`);
    const bytes = this.#bytes;
    const low = value % LOW_BITS;
    bytes[this.#length++] = (low & 0x7f) | 0x80;
    bytes[this.#length++] = ((low >>> 7) & 0x7f) | 0x80;
    bytes[this.#length++] = ((low >>> 14) & 0x7f) | 0x80;
    bytes[this.#length++] = (low >>> 21) | 0x80;
    this.#length = putSmall(bytes, this.#length, (value - low) / LOW_BITS);
  }

  /** Any integer up to 2^52, zigzag. */
  integer(value: number): void {
    this.count(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  /** Integers of 32 bits, one behind the other, zigzag. */
  integers(values: Int32Array): void {
    if (this.#length + 5 * values.length > this.#bytes.length) this.#reserve(5 * values.length);
    const bytes = this.#bytes;
    let at = this.#length;
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      at = putSmall(bytes, at, ((value << 1) ^ (value >> 31)) >>> 0);
    }
    this.#length = at;
  }

  /** 0 to 255. */
  byte(value: number): void {
    if (this.#length === this.#bytes.length) this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  /**
   * A count below 128, then the text from `from` on as lower-case hexadecimal digits, two a byte, without the `marks` that stand between them, and
   * what is before as it is, ASCII. False, and nothing is written, where the text is anything else.
   */
  digits(count: number, text: string, from: number, mark: number, marks: readonly number[]): boolean {
    const { length } = text;
    if (this.#length + 1 + length > this.#bytes.length) this.#reserve(1 + length);
    const bytes = this.#bytes;
    let at = this.#length;
    bytes[at++] = count;
    let next = 0;
    let high = -1;
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) return false;
      if (i < from) bytes[at++] = code;
      else if (i === marks[next]) {
        if (code !== mark) return false;
        next++;
      } else {
        const digit = DIGITS[code]!;
        if (digit === NO_DIGIT) return false;
        if (high < 0) high = digit;
        else {
          bytes[at++] = (high << 4) | digit;
          high = -1;
        }
      }
    }
    this.#length = at;
    return true;
  }

  /** A number of 32 bits. */
  single(value: number): void {
    if (this.#length + 4 > this.#bytes.length) this.#reserve(4);
    this.#view.setFloat32(this.#length, value);
    this.#length += 4;
  }

  double(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  text(value: string): void {
    const { length } = value;
    // Names, ids and addresses: short and ASCII; the rest goes the slow way.
    if (length < 0x80) {
      if (this.#length + 1 + length > this.#bytes.length) this.#reserve(1 + length);
      const bytes = this.#bytes;
      const start = this.#length + 1;
      let i = 0;
      for (; i < length; i++) {
        const code = value.charCodeAt(i);
        if (code >= 0x80) break;
        bytes[start + i] = code;
      }
      if (i === length) {
        bytes[this.#length] = length;
        this.#length = start + length;
        return;
      }
    }
    const size = Buffer.byteLength(value, 'utf8');
    this.count(size);
    if (this.#length + size > this.#bytes.length) this.#reserve(size);
    this.#length += this.#bytes.write(value, this.#length, size, 'utf8');
  }

  /** A text that mostly is one that the reader knows already: then one byte. */
  textUnless(value: string, known: string): void {
    if (value === known) this.count(0);
    else {
      this.count(1);
      this.text(value);
    }
  }

  optionalText(value: string | null): void {
    if (value === null) this.count(0);
    else {
      this.count(1);
      this.text(value);
    }
  }

  flag(value: boolean): void {
    this.count(value ? 1 : 0);
  }

  /** Bytes that were written before, as they are. */
  raw(bytes: Uint8Array): void {
    if (this.#length + bytes.length > this.#bytes.length) this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** What `finishAsText` gave, as it is. */
  rawText(text: string): void {
    if (this.#length + text.length > this.#bytes.length) this.#reserve(text.length);
    this.#length += this.#bytes.write(text, this.#length, text.length, 'latin1');
  }

  /** A plain value without undefined, infinities or dates; null is one byte. */
  plain(value: unknown): void {
    this.text(value === null ? '' : JSON.stringify(value));
  }

  /** Lists the places of what counts; answers how many they are. Which bins count is hard to foresee: a branch for each would mostly be taken wrongly. */
  #placesOf(counts: Uint16Array): number {
    const { length } = counts;
    if (length > this.#places.length) this.#places = new Uint16Array(length);
    const places = this.#places;
    let used = 0;
    for (let i = 0; i < length; i++) {
      places[used] = i;
      used += counts[i] === 0 ? 0 : 1;
    }
    return used;
  }

  /** The same as `sparse` in fewer bytes: where distance and count are small they share one. */
  packed(counts: Uint16Array): void {
    // Beyond half a byte, a distance and a count of 16 bits take at most two and three more.
    if (this.#length + 6 * counts.length + 1 > this.#bytes.length) this.#reserve(6 * counts.length + 1);
    const used = this.#placesOf(counts);
    const [bytes, places] = [this.#bytes, this.#places];
    let at = this.#length;
    let last = -1;
    for (let n = 0; n < used; n++) {
      const place = places[n]!;
      const distance = place - last;
      const more = counts[place]! - 1;
      bytes[at++] = (distance < HALF ? distance << 4 : HALF << 4) | (more < HALF ? more : HALF);
      if (distance >= HALF) at = putSmall(bytes, at, distance - HALF);
      if (more >= HALF) at = putSmall(bytes, at, more - HALF);
      last = place;
    }
    bytes[at++] = 0;
    this.#length = at;
  }

  /** For streams (digest.ts reads them): non-zero counts, each behind its distance from the one before; a distance of 0 ends them. */
  sparse(counts: Uint16Array): void {
    const { length } = counts;
    // A distance and a count of 16 bits take at most two and three bytes.
    if (this.#length + 5 * length + 1 > this.#bytes.length) this.#reserve(5 * length + 1);
    const used = this.#placesOf(counts);
    const [bytes, places] = [this.#bytes, this.#places];
    let at = this.#length;
    let last = -1;
    for (let n = 0; n < used; n++) {
      const place = places[n]!;
      at = putSmall(bytes, at, place - last);
      at = putSmall(bytes, at, counts[place]!);
      last = place;
    }
    bytes[at++] = 0;
    this.#length = at;
  }

  optional<T>(value: T | null, write: (value: T) => void): void {
    this.count(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.count(values.length);
    for (const value of values) write(value);
  }

  /** The bytes, to be kept as long as one likes; the writer is empty again. */
  finish(): Uint8Array {
    const kept = new Uint8Array(this.#bytes.buffer, this.#start, this.#length - this.#start);
    if (this.#bytes.length - this.#length < VALUE_BYTES) {
      this.#bytes = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#view = viewOf(this.#bytes);
      this.#length = 0;
    }
    this.#start = this.#length;
    return kept;
  }

  /** The same as a string of one byte a character. */
  finishAsText(): string {
    const text = this.#bytes.toString('latin1', this.#start, this.#length);
    this.#length = this.#start;
    return text;
  }
}

/** What `finishAsText` gave, and the way back. */
export const bytesOfText = (text: string): Uint8Array => Buffer.from(text, 'latin1');
export const textOfBytes = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');

/** What a writer of ours wrote is UTF-8. */
export const textOf = (bytes: Uint8Array, start: number, end: number): string => sharedStrings.read(bytes, start, end) ?? Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start).toString('utf8');

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
  }

  count(): number {
    const first = this.#bytes[this.#at]!;
    if (first < 0x80) {
      this.#at++;
      return first;
    }
    let value = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = this.#bytes[this.#at++];
      assert(byte !== undefined && scale <= 2 ** 49, 'the state of a person ends too early');
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
  }

  integer(): number {
    const value = this.count();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    assert(value !== undefined, 'the state of a person ends too early');
    return value;
  }

  single(): number {
    const value = this.#view.getFloat32(this.#at);
    this.#at += 4;
    return value;
  }

  double(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  integersInto(values: Int32Array): void {
    for (let i = 0; i < values.length; i++) {
      const value = this.count();
      values[i] = (value >>> 1) ^ -(value & 1);
    }
  }

  text(): string {
    const length = this.count();
    const start = this.#at;
    this.#at += length;
    assert(this.#at <= this.#bytes.length, 'the state of a person ends too early');
    return textOf(this.#bytes, start, this.#at);
  }

  textUnless(known: string): string {
    return this.count() === 0 ? known : this.text();
  }

  optionalText(): string | null {
    return this.count() === 0 ? null : this.text();
  }

  flag(): boolean {
    return this.count() === 1;
  }

  plain<T>(): T {
    const text = this.text();
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  /** Into counts that are all zero. */
  packedInto(counts: Uint16Array): Uint16Array {
    for (let place = -1, pair = this.byte(); pair !== 0; pair = this.byte()) {
      const distance = pair >> 4;
      const more = pair & HALF;
      place += distance < HALF ? distance : HALF + this.count();
      assert(place < counts.length, 'the state of a person counts beyond its grid');
      counts[place] = 1 + (more < HALF ? more : HALF + this.count());
    }
    return counts;
  }

  optional<T>(read: () => T): T | null {
    return this.count() === 0 ? null : read();
  }

  list<T>(read: () => T): T[] {
    let left = this.count();
    const values: T[] = roomFor(left);
    for (; left > 0; left--) values.push(read());
    return values;
  }

  /** Where it goes on. */
  get at(): number {
    return this.#at;
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}
