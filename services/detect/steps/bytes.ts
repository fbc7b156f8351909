/** Compact binary forms for the state: varints, doubles, strings, sparse counts. Writer and reader must call in the same order. */
import { assert } from '#lib/kernel/errors.ts';

export class ByteWriter {
  #bytes = new Uint8Array(1024);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + count));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Non-negative integer up to 2^53. */
  count(value: number): void {
    assert(Number.isSafeInteger(value) && value >= 0, `state holds ${value} where a count belongs`);
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#length++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#length++] = rest;
  }

  /** Any safe integer, zigzag. */
  integer(value: number): void {
    this.count(value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value);
    this.#length += 8;
  }

  text(value: string): void {
    const bytes = Buffer.from(value, 'utf8');
    this.count(bytes.length);
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** A plain value without undefined, infinities or dates; null is one byte. */
  plain(value: unknown): void {
    this.text(value === null ? '' : JSON.stringify(value));
  }

  /** Non-zero counts with the distance from the one before. */
  sparse(counts: Uint16Array): void {
    let used = 0;
    for (const n of counts) if (n !== 0) used++;
    this.count(used);
    let last = 0;
    for (let i = 0; i < counts.length; i++) {
      if (counts[i] === 0) continue;
      this.count(i - last);
      this.count(counts[i]!);
      last = i;
    }
  }

  optional<T>(value: T | null, write: (value: T) => void): void {
    this.count(value === null ? 0 : 1);
    if (value !== null) write(value);
  }

  list<T>(values: readonly T[], write: (value: T) => void): void {
    this.count(values.length);
    for (const value of values) write(value);
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#length);
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
    let at = 0;
    for (let used = this.count(); used > 0; used--) {
      at += this.count();
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
