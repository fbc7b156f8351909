/**
 * Values of plainly written NDJSON, as the generated code of line-scanner.ts reads them: numbers without exponents, texts without escapes,
 * white space only after colons and commas. Whatever is written otherwise, or wrong, throws NOT_PLAIN.
 */
import { doubles, type FloatPool } from './float-pool.ts';
import { decodeString, latin1, sharedStrings } from './string-cache.ts';
import { bitsBefore, nonPlain } from './words.ts';

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const SPACE = 0x20;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const POINT = 0x2e;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
/** `null`, as a little-endian word. */
const NULL = 0x6c6c756e;
/** Longest run of digits whose integer a double holds exactly; dividing two exact numbers rounds once, as JSON.parse does. */
const DIGITS_MAX = 15;
const POWERS = Array.from({ length: DIGITS_MAX + 1 }, (_, exponent) => 10 ** exponent);

/** Thrown where the line is not plain; no Error, so that no stack is taken. */
export const NOT_PLAIN = Symbol('not plain');

/**
 * Bytes that have to lie behind a line in its buffer, so that words may be fetched without a look at where it ends: more than the
 * longest name. What lies there is never taken for the line's, as a line counts only where its last brace is its last byte.
 */
const MARGIN_BYTES = 64;

/** Where a scan stands, in a whole buffer. */
export class ScanCursor {
  bytes: Buffer = Buffer.alloc(0);
  view: DataView = new DataView(this.bytes.buffer, 0, 0);
  position = 0;
  /** Of the line. */
  end = 0;
  /** A comma was read: another member follows. */
  more = false;
  readonly strings = sharedStrings;
  readonly arrayItemsMax: number;
  readonly pool: FloatPool | null;
  /** Of the array that is read, until it is known how many they are; rounded to 32 bits by being put here. */
  readonly numbers: Float32Array;
  /** Where the last line lay, which is where the next one does too; null for a copy. */
  #source: Uint8Array | null = null;
  /** Of `#source` in its buffer. */
  #offset = 0;
  /** A line has to end before it for the margin to be there. */
  #endMax = -1;
  /** A copy of a line behind which there is no margin. */
  #copy: Buffer = Buffer.alloc(0);

  constructor(arrayItemsMax: number, pool: FloatPool | null) {
    this.arrayItemsMax = arrayItemsMax;
    this.pool = pool;
    this.numbers = new Float32Array(arrayItemsMax);
  }

  /** The line is `source[start, end)`. */
  begin(source: Uint8Array, start: number, end: number): void {
    if (source !== this.#source) this.#use(source);
    if (end > this.#endMax) return this.#beginCopy(source.subarray(start, end));
    this.position = this.#offset + start;
    this.end = this.#offset + end;
  }

  #beginCopy(line: Uint8Array): void {
    if (this.#copy.length < line.length + MARGIN_BYTES) this.#copy = Buffer.from(new ArrayBuffer(2 * line.length + MARGIN_BYTES));
    this.#copy.set(line);
    this.#use(this.#copy);
    this.#source = null;
    this.position = 0;
    this.end = line.length;
  }

  #use(source: Uint8Array): void {
    const { buffer, byteOffset } = source;
    this.#source = source;
    this.#offset = byteOffset;
    this.#endMax = buffer.byteLength - MARGIN_BYTES - byteOffset;
    if (this.view.buffer === buffer) return;
    this.view = new DataView(buffer);
    this.bytes = Buffer.from(buffer);
  }
}

function skipSpace(c: ScanCursor): number {
  let byte = c.bytes[c.position] as number;
  while (byte === SPACE) byte = c.bytes[++c.position] as number;
  return byte;
}

/** Reads digits into an integer below 10^15; throws where there are none, too many, or a leading zero. */
function digits(c: ScanCursor): number {
  const { bytes } = c;
  const start = c.position;
  let position = start;
  let byte = bytes[position] as number;
  let value = 0;
  while (byte >= ZERO && byte <= NINE) {
    value = value * 10 + (byte - ZERO);
    byte = bytes[++position] as number;
  }
  const count = position - start;
  if (count === 0 || count > DIGITS_MAX || (count > 1 && bytes[start] === ZERO)) throw NOT_PLAIN;
  c.position = position;
  return value;
}

/** What the generated code calls. `c` is always the same shape, so that all of it is compiled once and inlined. */
export const HELPERS = {
  /** Behind a value: on to the next member, or to the end of the object. */
  next(c: ScanCursor): void {
    const byte = c.bytes[c.position];
    if (byte === COMMA) {
      c.position++;
      if (skipSpace(c) !== QUOTE) throw NOT_PLAIN;
    } else if (byte === CLOSE_BRACE) c.more = false;
    else throw NOT_PLAIN;
  },
  skipSpace,
  open(c: ScanCursor): void {
    if (c.bytes[c.position] !== OPEN_BRACE) throw NOT_PLAIN;
    c.position++;
    if (c.bytes[c.position] !== QUOTE) throw NOT_PLAIN;
    c.more = true;
  },
  close(c: ScanCursor): void {
    if (c.more || c.bytes[c.position] !== CLOSE_BRACE) throw NOT_PLAIN;
    c.position++;
  },
  fail(): never {
    throw NOT_PLAIN;
  },
  isNull(c: ScanCursor): boolean {
    if (c.view.getInt32(c.position, true) !== NULL) return false;
    c.position += 4;
    return true;
  },
  boolean(c: ScanCursor): boolean {
    const word = c.bytes[c.position] === 0x74 ? 'true' : 'false';
    for (let i = 0; i < word.length; i++) if (c.bytes[c.position + i] !== word.charCodeAt(i)) throw NOT_PLAIN;
    c.position += word.length;
    return word === 'true';
  },
  int(c: ScanCursor): number {
    const value = HELPERS.long(c);
    if ((value | 0) !== value) throw NOT_PLAIN;
    return value;
  },
  long(c: ScanCursor): number {
    const negative = c.bytes[c.position] === MINUS;
    if (negative) c.position++;
    const value = digits(c);
    return negative && value !== 0 ? -value : value;
  },
  double(c: ScanCursor): number {
    const { bytes } = c;
    const negative = bytes[c.position] === MINUS;
    if (negative) c.position++;
    const start = c.position;
    let value = digits(c);
    let position = c.position;
    let byte = bytes[position] as number;
    const whole = position - start;
    let decimals = 0;
    if (byte === POINT) {
      const point = position;
      byte = bytes[++position] as number;
      while (byte >= ZERO && byte <= NINE) {
        value = value * 10 + (byte - ZERO);
        byte = bytes[++position] as number;
      }
      decimals = position - point - 1;
      if (decimals === 0) throw NOT_PLAIN;
    }
    if (whole + decimals > DIGITS_MAX) throw NOT_PLAIN;
    c.position = position;
    if (decimals > 0) value /= POWERS[decimals] as number;
    return negative ? -value : value;
  },
  float(c: ScanCursor): number {
    return Math.fround(HELPERS.double(c));
  },
  string(c: ScanCursor): string {
    const { bytes, position, strings } = c;
    if (bytes[position] !== QUOTE) throw NOT_PLAIN;
    const text = strings.readQuoted(bytes, c.view, position + 1, c.end);
    if (text === undefined) return HELPERS.newString(c);
    c.position = strings.end + 1;
    return text;
  },
  /** Of strings that differ in every record: keeping them would only push others out. */
  newString(c: ScanCursor): string {
    const { bytes, view, end } = c;
    const start = c.position + 1;
    if (bytes[start - 1] !== QUOTE) throw NOT_PLAIN;
    let isAscii = true;
    for (let at = start; at < end; ) {
      const special = nonPlain(view.getInt32(at, true));
      if (special === 0) {
        at += 4;
        continue;
      }
      at += bitsBefore(special) >>> 3;
      const byte = bytes[at]!;
      if (byte < SPACE || byte === BACKSLASH) throw NOT_PLAIN;
      if (byte === QUOTE) {
        c.position = at + 1;
        return isAscii ? latin1(bytes, start, at) : (decodeString(bytes, start, at) ?? HELPERS.fail());
      }
      isAscii = false;
      at++;
    }
    throw NOT_PLAIN;
  },
  /**
   * Most of a line, and nearly all of its numbers have two or three digits and at most two decimals: told apart by few branches. Every
   * other number is left to `double`. A margin lies behind the line, so that nothing is read beyond its buffer.
   */
  floats(c: ScanCursor): number[] {
    if (HELPERS.empty(c)) return [];
    const { bytes, numbers, end } = c;
    let position = c.position;
    let count = 0;
    for (let last = COMMA; last === COMMA; position++) {
      while (bytes[position] === SPACE) position++;
      if (position >= end || count === numbers.length) throw NOT_PLAIN;
      const first = bytes[position]! - ZERO;
      const second = bytes[position + 1]! - ZERO;
      const third = bytes[position + 2]! - ZERO;
      last = 0;
      if (first > 0 && first <= 9 && second >= 0 && second <= 9) {
        let value = first * 10 + second;
        let at = position + 2; // of the point
        if (third >= 0 && third <= 9) {
          value = value * 10 + third;
          at++;
        }
        const behind = bytes[at]!;
        const tenths = bytes[at + 1]! - ZERO;
        if (behind === POINT && tenths >= 0 && tenths <= 9) {
          const hundredths = bytes[at + 2]! - ZERO;
          const isLong = hundredths >= 0 && hundredths <= 9;
          at += isLong ? 3 : 2;
          last = bytes[at]!;
          value = isLong ? (value * 100 + tenths * 10 + hundredths) / 100 : (value * 10 + tenths) / 10;
        } else last = behind;
        if (last === COMMA || last === CLOSE_BRACKET) {
          numbers[count++] = value;
          position = at;
          continue;
        }
      }
      c.position = position;
      numbers[count++] = HELPERS.double(c);
      position = c.position;
      last = bytes[position]!;
    }
    if (bytes[position - 1] !== CLOSE_BRACKET) throw NOT_PLAIN;
    c.position = position;
    const values = c.pool === null ? doubles(count) : c.pool.take(count);
    for (let i = 0; i < count; i++) values[i] = numbers[i]!;
    return values;
  },
  items(c: ScanCursor, item: (c: ScanCursor) => unknown): unknown[] {
    if (HELPERS.empty(c)) return [];
    const first = item(c);
    if (!HELPERS.item(c, 1)) return [first];
    // With room for just these, as most are no more; what is pushed into has room for 17.
    const values = [first, item(c)];
    while (HELPERS.item(c, values.length)) values.push(item(c));
    return values;
  },
  /** Opens an array; true where it has no items, and is closed. */
  empty(c: ScanCursor): boolean {
    if (c.bytes[c.position] !== OPEN_BRACKET) throw NOT_PLAIN;
    c.position++;
    if (c.bytes[c.position] !== CLOSE_BRACKET) return false;
    c.position++;
    return true;
  },
  /** Behind an item: true where another follows, false where the array is closed. */
  item(c: ScanCursor, count: number): boolean {
    const byte = c.bytes[c.position++];
    if (byte === CLOSE_BRACKET) return false;
    if (byte !== COMMA || count >= c.arrayItemsMax) throw NOT_PLAIN;
    skipSpace(c);
    return true;
  },
};
