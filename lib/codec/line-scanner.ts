/**
 * The quick way for lines of NDJSON that are written plainly: keys in schema order (absent ones may be left out), no
 * escapes, no exponents, white space only after colons and commas. Generated code reads such a line straight
 * into the TypeScript shape. It never refuses: whatever is written otherwise, or wrong, is answered with undefined and
 * read by JSON.parse instead; a test holds both to the same answers.
 */
import { assert } from '#lib/kernel/errors.ts';
import type { FieldNode, RecordNode, SchemaNode } from './avro-schema.ts';
import { evaluate } from './evaluate.ts';
import { doubles, type FloatPool } from './float-pool.ts';
import { decodeString, sharedStrings } from './string-cache.ts';
import { bitsBefore, nonPlain, sourceOfEqual } from './words.ts';

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
const NOT_PLAIN = Symbol('not plain');

/**
 * Bytes that have to lie behind a line in its buffer, so that words may be fetched without a look at where it ends: more than the
 * longest name. What lies there is never taken for the line's, as a line counts only where its last brace is its last byte.
 */
const MARGIN_BYTES = 64;

/** Where a scan stands, in a whole buffer. */
class ScanCursor {
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
  /** A copy of a line behind which there is no margin. */
  #copy: Buffer = Buffer.alloc(0);

  constructor(arrayItemsMax: number, pool: FloatPool | null) {
    this.arrayItemsMax = arrayItemsMax;
    this.pool = pool;
    this.numbers = new Float32Array(arrayItemsMax);
  }

  begin(line: Uint8Array): void {
    const { byteOffset, length } = line;
    if (byteOffset + length + MARGIN_BYTES > line.buffer.byteLength) return this.#beginCopy(line);
    this.#use(line.buffer);
    this.position = byteOffset;
    this.end = byteOffset + length;
  }

  #beginCopy(line: Uint8Array): void {
    if (this.#copy.length < line.length + MARGIN_BYTES) this.#copy = Buffer.from(new ArrayBuffer(2 * line.length + MARGIN_BYTES));
    this.#copy.set(line);
    this.#use(this.#copy.buffer);
    this.position = 0;
    this.end = line.length;
  }

  #use(buffer: ArrayBufferLike): void {
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

/* The helpers of the generated code. `c` is always the same shape, so that they are compiled once and inlined. */
const HELPERS = {
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
    let position = c.position;
    const start = position;
    let byte = bytes[position] as number;
    let value = 0;
    while (byte >= ZERO && byte <= NINE) {
      value = value * 10 + (byte - ZERO);
      byte = bytes[++position] as number;
    }
    const whole = position - start;
    if (whole === 0 || (whole > 1 && bytes[start] === ZERO)) throw NOT_PLAIN;
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
        return decodeString(bytes, start, at) ?? HELPERS.fail();
      }
      at++; // not ASCII
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
    const values: unknown[] = [];
    if (HELPERS.empty(c)) return values;
    do values.push(item(c));
    while (HELPERS.item(c, values.length));
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

export interface ScannedLine {
  readonly event: unknown;
  /** What the line says of its arrival; null where it says nothing. */
  readonly arrivedAt: number | null;
}

/** Undefined where the line is not plain. */
export type LineScanner = (line: Uint8Array) => ScannedLine | undefined;

/** @param pool whose arrays of floats records get: of use until its next `release` */
export function compileLineScanner(records: ReadonlyMap<string, RecordNode>, arrayItemsMax: number, pool: FloatPool | null = null): LineScanner {
  const scan = new ScanCompiler().compile(records);
  const cursor = new ScanCursor(arrayItemsMax, pool);
  return (line) => {
    cursor.begin(line);
    try {
      const scanned = scan(cursor);
      return cursor.position === cursor.end ? scanned : undefined;
    } catch (fault) {
      if (fault === NOT_PLAIN) return undefined;
      throw fault;
    }
  };
}

class ScanCompiler {
  readonly #functions = new Map<string, string>();

  compile(records: ReadonlyMap<string, RecordNode>): (cursor: ScanCursor) => ScannedLine {
    const cases = [...records].map(([name, node]) => `if (${this.#literal(`"${name}"`)}(c)) { next(c); event = ${this.#record(node, name)}(c); }`);
    const main = `function scan(c) {
open(c);
if (!${this.#member('type')}(c)) fail();
let event;
${[...cases, 'fail();'].join(' else ')}
let arrivedAt = null;
if (${this.#member('arrivedAt')}(c)) { if (!isNull(c)) arrivedAt = long(c); next(c); }
close(c);
return { event, arrivedAt };
}`;
    const source = `'use strict';\nconst { ${Object.keys(HELPERS).join(', ')} } = helpers;\n${[...this.#functions.values()].join('\n')}\n${main}\nreturn scan;`;
    return evaluate(source, { helpers: HELPERS }) as (cursor: ScanCursor) => ScannedLine;
  }

  /** Name of a function that is true where `text` is next, and then stands behind it. */
  #literal(text: string): string {
    const name = `at_${Buffer.from(text).toString('hex')}`;
    this.#functions.set(name, `function ${name}(c) {\nconst { view, position } = c;\nif (position >= c.end || !(${sourceOfEqual(text, 'view', 'position')})) return false;\nc.position = position + ${text.length};\nreturn true;\n}`);
    return name;
  }

  /** Name of a function that is true where the member of that name is next; then the value follows. */
  #member(key: string): string {
    const name = `member_${key}`;
    this.#functions.set(name, `function ${name}(c) {\nif (!c.more || !${this.#literal(`"${key}":`)}(c)) return false;\nskipSpace(c);\nreturn true;\n}`);
    return name;
  }

  /** Name of a function that reads one of the symbols. */
  #symbol(fullName: string, symbols: readonly string[]): string {
    const name = `symbol_${fullName.slice(fullName.lastIndexOf('.') + 1)}`;
    this.#functions.set(name, `function ${name}(c) {\n${symbols.map((symbol) => `if (${this.#literal(`"${symbol}"`)}(c)) return '${symbol}';`).join('\n')}\nfail();\n}`);
    return name;
  }

  /** Members of one record; the outermost has its braces read by `scan`, and its type is its name. */
  #record(node: RecordNode, tag: string | null): string {
    const name = `scan_${node.name.slice(node.name.lastIndexOf('.') + 1)}`;
    if (this.#functions.has(name)) return name;
    this.#functions.set(name, '');
    const lines = node.fields.map((field) => `let f_${field.name}; if (${this.#member(field.name)}(c)) { f_${field.name} = ${field.name === 'eventId' ? 'newString(c)' : this.#value(field.type)}; next(c); } else { ${absent(field)} }`);
    const members = [...(tag === null ? [] : [`type: '${tag}'`]), ...node.fields.map((field) => `${field.name}: f_${field.name}`)];
    const [open, close] = tag === null ? ['open(c);', 'close(c); c.more = true;'] : ['', ''];
    this.#functions.set(name, `function ${name}(c) {\n${open}\n${lines.join('\n')}\n${close}\nreturn { ${members.join(', ')} };\n}`);
    return name;
  }

  /** A JavaScript expression that reads one value. */
  #value(node: SchemaNode): string {
    switch (node.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'string':
        return `${node.kind}(c)`;
      case 'enum':
        return `${this.#symbol(node.name, node.symbols)}(c)`;
      case 'union': {
        const [first, second] = node.branches;
        assert(node.branches.length === 2 && first?.kind === 'null' && second !== undefined, 'a union of this release is ["null", T]');
        return `(isNull(c) ? null : ${this.#value(second)})`;
      }
      case 'array':
        return node.items.kind === 'float' ? 'floats(c)' : `items(c, (c) => ${this.#value(node.items)})`;
      case 'record':
        return `${this.#record(node, null)}(c)`;
      default:
        throw new TypeError(`lines of this release have no ${node.kind}`);
    }
  }
}

/** The same that shape.ts fills in; a field that must be there is left to it to miss. */
function absent(field: FieldNode): string {
  if (field.type.kind === 'union') return `f_${field.name} = null;`;
  if (field.type.kind === 'array') return `f_${field.name} = [];`;
  return field.hasDefault ? `f_${field.name} = ${JSON.stringify(field.default)};` : 'fail();';
}
