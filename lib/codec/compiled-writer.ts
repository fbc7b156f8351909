/**
 * Encoding of what enrich adds to an event, the records written most and longest: generated code for the records of this release, as in
 * compiled-reader.ts. The bytes are those that the Avro library writes (a test holds both to the same); nothing is
 * looked up by type, and plain texts are written without a call into the runtime.
 */
import { assert } from '#lib/kernel/errors.ts';
import { shortNameOf, valueOfUnion, type EnumNode, type RecordNode, type SchemaNode } from './avro-schema.ts';
import { evaluate } from './evaluate.ts';

/** Where the bytes go. Writing beyond the end of `bytes` leaves it as it is: `at` then says how many there had to be. */
interface Output {
  bytes: Buffer;
  at: number;
}

/** Longest string that is written character by character, as long as they are ASCII. */
const SHORT_TEXT = 64;

/** Of the number that is being written. */
const digits = new Uint8Array(8);
const number = new DataView(digits.buffer);

function wrong(expected: string, value: unknown): never {
  throw new TypeError(`${expected} is required, got ${typeof value}`);
}

/** A long within 2^53 as a zigzag varint. */
function writeLong(o: Output, value: number): void {
  if (value >= -0x40000000 && value < 0x40000000) {
    let left = (value << 1) ^ (value >> 31);
    while ((left & ~0x7f) !== 0) {
      o.bytes[o.at++] = (left & 0x7f) | 0x80;
      left >>>= 7;
    }
    o.bytes[o.at++] = left;
    return;
  }
  let left = value >= 0 ? value * 2 : -value * 2 - 1;
  for (; left >= 0x80; left = Math.floor(left / 0x80)) o.bytes[o.at++] = (left % 0x80) | 0x80;
  o.bytes[o.at++] = left;
}

/** False where it is not ASCII: then nothing has been written that counts. */
function writeShort(o: Output, text: string): boolean {
  const { bytes } = o;
  const { length } = text;
  // The length takes two bytes from 64 on.
  let at = o.at + 1;
  let all = 0;
  for (let i = 0; i < length; i++) {
    const unit = text.charCodeAt(i);
    all |= unit;
    bytes[at++] = unit;
  }
  if (all >= 0x80) return false;
  bytes[o.at] = length << 1;
  o.at = at;
  return true;
}

/* The helpers of the generated code. */
const HELPERS = {
  boolean(o: Output, value: unknown): void {
    if (typeof value !== 'boolean') wrong('a boolean', value);
    o.bytes[o.at++] = value ? 1 : 0;
  },
  int(o: Output, value: unknown): void {
    if (typeof value !== 'number' || (value | 0) !== value) wrong('an int of 32 bits', value);
    writeLong(o, value);
  },
  long(o: Output, value: unknown): void {
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) wrong('a long', value);
    writeLong(o, value);
  },
  float(o: Output, value: unknown): void {
    if (typeof value !== 'number') wrong('a float', value);
    number.setFloat32(0, value, true);
    for (let i = 0; i < 4; i++) o.bytes[o.at++] = digits[i]!;
  },
  double(o: Output, value: unknown): void {
    if (typeof value !== 'number') wrong('a double', value);
    number.setFloat64(0, value, true);
    for (let i = 0; i < 8; i++) o.bytes[o.at++] = digits[i]!;
  },
  string(o: Output, value: unknown): void {
    if (typeof value !== 'string') wrong('a string', value);
    if (value.length < SHORT_TEXT && writeShort(o, value)) return;
    const length = Buffer.byteLength(value);
    writeLong(o, length);
    if (o.at + length <= o.bytes.length) o.bytes.write(value, o.at, length, 'utf8');
    o.at += length;
  },
  symbol(o: Output, value: unknown, symbols: ReadonlyMap<unknown, number>): void {
    writeLong(o, symbols.get(value) ?? wrong('a symbol of the enum', value));
  },
  branch(o: Output, index: number): void {
    o.bytes[o.at++] = index << 1;
  },
  items(o: Output, values: unknown, item: (o: Output, value: unknown) => void): void {
    if (!Array.isArray(values)) wrong('a list', values);
    if (values.length > 0) {
      writeLong(o, values.length);
      for (let i = 0; i < values.length; i++) item(o, values[i]);
    }
    o.bytes[o.at++] = 0;
  },
};

/** Writes at `start`; answers where it ended, or minus the bytes that were missing. Throws where the record does not fit its schema. */
export type CompiledWriter = (record: unknown, bytes: Buffer, start: number) => number;

/** All fields of a record of this release but the first `skipped`. */
export function compileWrite(node: SchemaNode, skipped: number): CompiledWriter {
  assert(node.kind === 'record', 'a writer is compiled from a record');
  const write = new WriteCompiler().compile({ ...node, fields: node.fields.slice(skipped) });
  const output: Output = { bytes: Buffer.alloc(0), at: 0 };
  return (record, bytes, start) => {
    output.bytes = bytes;
    output.at = start;
    write(output, record);
    return output.at <= bytes.length ? output.at : bytes.length - output.at;
  };
}

class WriteCompiler {
  readonly #functions = new Map<string, string>();
  readonly #enums: Record<string, ReadonlyMap<unknown, number>> = {};

  compile(node: RecordNode): (o: Output, record: unknown) => void {
    const main = this.#record(node);
    const source = `'use strict';\nconst { ${Object.keys(HELPERS).join(', ')} } = helpers;\n${[...this.#functions.values()].join('\n')}\nreturn ${main};`;
    return evaluate(source, { helpers: HELPERS, enums: this.#enums }) as (o: Output, record: unknown) => void;
  }

  #record(node: RecordNode): string {
    const name = `write_${shortNameOf(node.name)}`;
    if (this.#functions.has(name)) return name;
    this.#functions.set(name, '');
    const lines = node.fields.map((field) => this.#value(field.type, `r.${field.name}`));
    this.#functions.set(name, `function ${name}(o, r) {\n${lines.join('\n')}\n}`);
    return name;
  }

  /** A JavaScript statement that writes the value of an expression. */
  #value(node: SchemaNode, value: string): string {
    switch (node.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'string':
        return `${node.kind}(o, ${value});`;
      case 'enum':
        return `symbol(o, ${value}, enums.${this.#symbols(node)});`;
      case 'union':
        return `if (${value} === null) branch(o, 0); else { branch(o, 1); ${this.#value(valueOfUnion(node.branches), value)} }`;
      case 'array':
        return `items(o, ${value}, (o, v) => { ${this.#value(node.items, 'v')} });`;
      case 'record':
        return `${this.#record(node)}(o, ${value});`;
      default:
        throw new TypeError(`what enrich adds has no ${node.kind}`);
    }
  }

  #symbols({ name, symbols }: EnumNode): string {
    const short = shortNameOf(name);
    this.#enums[short] = new Map(symbols.map((symbol, index) => [symbol, index]));
    return short;
  }
}
