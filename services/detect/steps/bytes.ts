/** Compact binary forms for the state: varints, doubles, strings, sparse counts. Writer and reader must call in the same order. */
import { assert } from '#lib/kernel/errors.ts';

const SLAB_BYTES = 65_536;
const COUNT_BYTES_MAX = 8;

/** Bytes that are kept are cut from slabs: a value costs no allocation of its own beyond its view. */
class Slab {
  #buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;

  keep(bytes: Buffer, length: number): Uint8Array {
    if (length > SLAB_BYTES / 4) return Buffer.copyBytesFrom(bytes, 0, length);
    if (this.#used + length > SLAB_BYTES) {
      this.#buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
      this.#used = 0;
    }
    const start = this.#used;
    this.#used += length;
    bytes.copy(this.#buffer, start, 0, length);
    return this.#buffer.subarray(start, this.#used);
  }
}

const slab = new Slab();

/** To be used again and again: `finish` hands the bytes out and begins anew. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafeSlow(4096);
  #length = 0;

  #reserve(count: number): void {
    const grown = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#length + count));
    this.#bytes.copy(grown, 0, 0, this.#length);
    this.#bytes = grown;
  }

  /** Non-negative integer up to 2^53. */
  count(value: number): void {
    if (this.#length + COUNT_BYTES_MAX > this.#bytes.length) this.#reserve(COUNT_BYTES_MAX);
    if (value >= 0 && value < 0x80 && Number.isInteger(value)) {
      this.#bytes[this.#length++] = value;
      return;
    }
    assert(Number.isSafeInteger(value) && value >= 0, `state holds ${value} where a count belongs`);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Any integer up to 2^52, zigzag. */
  integer(value: number): void {
    this.count(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(value: number): void {
    if (this.#length + 8 > this.#bytes.length) this.#reserve(8);
    this.#length = this.#bytes.writeDoubleBE(value, this.#length);
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

  /** A plain value without undefined, infinities or dates; null is one byte. */
  plain(value: unknown): void {
    this.text(value === null ? '' : JSON.stringify(value));
  }

  /** Non-zero counts, each behind its distance from the one before; a distance of 0 ends them. */
  sparse(counts: Uint16Array): void {
    let last = -1;
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i]!;
      if (count === 0) continue;
      this.count(i - last);
      this.count(count);
      last = i;
    }
    this.count(0);
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
    const kept = slab.keep(this.#bytes, this.#length);
    this.#length = 0;
    return kept;
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  count(): number {
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

  double(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  text(): string {
    const length = this.count();
    const start = this.#at;
    this.#at += length;
    assert(this.#at <= this.#bytes.length, 'the state of a person ends too early');
    return Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('utf8');
  }

  plain<T>(): T {
    const text = this.text();
    return (text === '' ? null : JSON.parse(text)) as T;
  }

  sparse(length: number): Uint16Array<ArrayBuffer> {
    const counts = new Uint16Array(length);
    for (let at = -1, step = this.count(); step !== 0; step = this.count()) {
      at += step;
      assert(at < length, 'the state of a person counts beyond its grid');
      counts[at] = this.count();
    }
    return counts;
  }

  optional<T>(read: () => T): T | null {
    return this.count() === 0 ? null : read();
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.count() }, read);
  }

  get atEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}
