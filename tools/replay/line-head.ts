/**
 * How the line began that was walked over last: what stands between its values, byte for byte. A writer's lines begin alike, so the
 * next is held against that, and only its values are looked at. Whatever differs is walked over anew.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const ZERO = 0x30;
const NINE = 0x39;

/** What follows the bytes of `before`. */
interface Part {
  readonly before: Buffer;
  /** A string, else an integer. */
  readonly text: boolean;
}

export class LineHead {
  #parts: Part[] = [];
  #learning: Part[] = [];
  #at = 0;
  /** Of each value of the line that `matches`: of a string between its quotes. */
  readonly starts: number[] = [];
  readonly ends: number[] = [];

  /** A line is walked over that begins at `start`. */
  begin(start: number): void {
    this.#learning = [];
    this.#at = start;
  }

  /** Its next value, a string between its quotes or an integer. */
  value(bytes: Buffer, start: number, end: number, text: boolean): void {
    this.#learning.push({ before: Buffer.from(bytes.subarray(this.#at, start)), text });
    this.#at = end;
  }

  /** All that is needed has been met, and every value on the way was told. */
  learn(): void {
    this.#parts = this.#learning;
  }

  /** Whether the line begins as that one did; then `starts` and `ends` say where its values lie. */
  matches(bytes: Buffer, from: number, to: number): boolean {
    const parts = this.#parts;
    let at = from;
    for (let part = 0; part < parts.length; part++) {
      const { before, text } = parts[part]!;
      if (at + before.length >= to) return false;
      for (let i = 0; i < before.length; i++) if (bytes[at + i] !== before[i]) return false;
      at += before.length;
      this.starts[part] = at;
      let byte = bytes[at]!;
      if (text) {
        while (byte !== QUOTE) {
          if (byte === BACKSLASH || at >= to) return false;
          byte = bytes[++at]!;
        }
      } else while (byte >= ZERO && byte <= NINE) byte = bytes[++at]!;
      if (at >= to) return false;
      this.ends[part] = at;
    }
    return parts.length > 0;
  }
}
