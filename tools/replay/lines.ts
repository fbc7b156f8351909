/** Cuts a stream of chunks into lines without ever holding more than one chunk and one bounded line. */

export interface Line {
  /** Counted from 1; empty lines count, but are not handed out. */
  readonly number: number;
  /** Without its line feed and carriage return; a view, not a copy, where the line lies inside one chunk. */
  readonly bytes: Buffer;
  /** Length of the whole line where it was longer than the bound; `bytes` then holds its beginning only. */
  readonly tooLongBytes: number | null;
}

/** Takes a line where it lies: `bytes` from `start` to before `end`; the rest as in Line. */
export type OnLine = (number: number, bytes: Buffer, start: number, end: number, tooLongBytes: number | null) => void;

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;
/** What is kept of a line beyond the bound, for its dead letter. */
export const KEPT_BYTES = 4096;
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf]);

export class LineSplitter {
  readonly #lineBytesMax: number;
  #number = 0;
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** Bytes of a line beyond the bound that were thrown away so far; `#carry` keeps its beginning. */
  #dropped = 0;
  #started = false;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  /** Number of the line that was handed out or skipped last. */
  get lineNumber(): number {
    return this.#number;
  }

  push(chunk: Buffer, into: Line[]): void {
    this.each(chunk, (number, bytes, start, end, tooLongBytes) => void into.push({ number, bytes: bytes.subarray(start, end), tooLongBytes }));
  }

  /** As `push`, without an object a line. */
  each(chunk: Buffer, onLine: OnLine): void {
    let start = 0;
    if (!this.#started) {
      this.#started = true;
      if (chunk.subarray(0, 3).equals(BYTE_ORDER_MARK)) start = 3;
    }
    for (;;) {
      const end = chunk.indexOf(LINE_FEED, start);
      if (end < 0) break;
      this.#finish(chunk, start, end, onLine);
      start = end + 1;
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start));
  }

  /** The last line need not have a line feed. */
  end(into: Line[]): void {
    this.endEach((number, bytes, start, end, tooLongBytes) => void into.push({ number, bytes: bytes.subarray(start, end), tooLongBytes }));
  }

  endEach(onLine: OnLine): void {
    if (this.#carryBytes > 0 || this.#dropped > 0) this.#finish(Buffer.alloc(0), 0, 0, onLine);
  }

  #keep(part: Buffer): void {
    if (this.#dropped > 0 || this.#carryBytes + part.length > this.#lineBytesMax + 1) {
      if (this.#dropped === 0) {
        const head = Buffer.concat([...this.#carry, part]);
        this.#carry = [Buffer.from(head.subarray(0, KEPT_BYTES))];
        this.#carryBytes = this.#carry[0]!.length;
        this.#dropped = head.length - this.#carryBytes;
      } else {
        this.#dropped += part.length;
      }
      return;
    }
    // A copy, so that a short rest does not hold its whole chunk.
    this.#carry.push(Buffer.from(part));
    this.#carryBytes += part.length;
  }

  #finish(chunk: Buffer, from: number, to: number, onLine: OnLine): void {
    this.#number++;
    let [bytes, start, end, length] = [chunk, from, to, to - from];
    if (this.#carryBytes > 0) {
      length += this.#carryBytes + this.#dropped;
      bytes = this.#dropped > 0 ? this.#carry[0]! : Buffer.concat([...this.#carry, chunk.subarray(from, to)]);
      start = 0;
      end = bytes.length;
      this.#carry = [];
      this.#carryBytes = 0;
      this.#dropped = 0;
    }
    const tooLong = length > this.#lineBytesMax + 1;
    if (!tooLong && end > start && bytes[end - 1] === CARRIAGE_RETURN) end--;
    if (end === start) return;
    onLine(this.#number, bytes, start, tooLong ? Math.min(end, start + KEPT_BYTES) : end, tooLong ? length : null);
  }
}
