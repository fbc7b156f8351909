/** Exact-size reads from a stream of chunks. Holds no more than what was asked for and one chunk. */
import { Cursor, readLong } from './guard.ts';
import { DEFAULT_DECODE_LIMITS } from './limits.ts';

/** A zig-zag varint of 64 bits. */
const VARINT_BYTES_MAX = 10;

export class ByteStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #cursor = new Cursor(DEFAULT_DECODE_LIMITS);
  #held: Buffer = Buffer.alloc(0);
  #at = 0;
  /** Of the last chunk, what comes behind `held`. */
  #rest: Buffer | null = null;
  #consumed = 0;
  #last: Buffer | null = null;
  readonly #onPassed: (chunk: Buffer) => void;

  /** @param onPassed called with each chunk of which nothing is to come any more; what was taken may lie in it */
  constructor(chunks: AsyncIterable<Uint8Array>, onPassed: (chunk: Buffer) => void = () => {}) {
    this.#chunks = chunks[Symbol.asyncIterator]();
    this.#onPassed = onPassed;
  }

  /** Bytes handed out so far: the offset in the stream. */
  get offset(): number {
    return this.#consumed;
  }

  /** Makes `count` bytes available in one piece where the stream has them; answers how many there are, at most `count`. */
  async ensure(count: number): Promise<number> {
    if (this.#at === this.#held.length && this.#rest !== null) {
      this.#held = this.#rest;
      this.#at = 0;
      this.#rest = null;
    }
    let missing = count - (this.#held.length - this.#at);
    if (missing <= 0) return count;
    const parts = [this.#held.subarray(this.#at)];
    while (missing > 0) {
      const chunk = this.#rest ?? (await this.#chunk());
      if (chunk === null) break;
      parts.push(chunk.subarray(0, missing));
      // Only what is asked for is copied; the rest of a chunk stays where it is.
      this.#rest = chunk.length > missing ? chunk.subarray(missing) : null;
      missing -= chunk.length;
    }
    const filled = parts.filter(({ length }) => length > 0);
    this.#held = filled.length === 1 ? (filled[0] as Buffer) : Buffer.concat(filled);
    this.#at = 0;
    return Math.min(count, this.#held.length);
  }

  /** The next chunk; null at the end. */
  async #chunk(): Promise<Buffer | null> {
    for (;;) {
      const next = await this.#chunks.next();
      if (next.done === true) return null;
      if (next.value.byteLength === 0) continue;
      // What was left of it is copied by whoever asks for the next.
      if (this.#last !== null) this.#onPassed(this.#last);
      return (this.#last = Buffer.from(next.value.buffer, next.value.byteOffset, next.value.byteLength));
    }
  }

  /** The next `count` bytes (not written over by this stream), or undefined when the stream ends before. */
  async take(count: number): Promise<Buffer | undefined> {
    if ((await this.ensure(count)) < count) return undefined;
    const bytes = this.#held.subarray(this.#at, this.#at + count);
    this.#advance(count);
    return bytes;
  }

  /** A zig-zag varint; NaN when it is cut off or beyond 2^53. */
  async long(): Promise<number> {
    const available = await this.ensure(VARINT_BYTES_MAX);
    const cursor = this.#cursor;
    cursor.bytes = this.#held;
    cursor.position = this.#at;
    cursor.end = this.#at + available;
    const value = readLong(cursor);
    this.#advance(cursor.position - this.#at);
    return value;
  }

  async atEnd(): Promise<boolean> {
    return (await this.ensure(1)) === 0;
  }

  /** Lets the source be closed. */
  async close(): Promise<void> {
    await this.#chunks.return?.();
  }

  #advance(count: number): void {
    this.#at += count;
    this.#consumed += count;
  }
}
