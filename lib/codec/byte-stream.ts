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
  #consumed = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  /** Bytes handed out so far: the offset in the stream. */
  get offset(): number {
    return this.#consumed;
  }

  /** Makes `count` bytes available where the stream has them; answers how many there are, at most `count`. */
  async ensure(count: number): Promise<number> {
    const missing = count - (this.#held.length - this.#at);
    if (missing <= 0) return count;
    const parts = [this.#held.subarray(this.#at)];
    for (let got = 0; got < missing; ) {
      const next = await this.#chunks.next();
      if (next.done === true) break;
      const chunk = next.value;
      parts.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      got += chunk.length;
    }
    this.#held = parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts);
    this.#at = 0;
    return Math.min(count, this.#held.length);
  }

  /** The next `count` bytes (never overwritten later), or undefined when the stream ends before. */
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
