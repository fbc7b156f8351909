/**
 * The quick way for writers whose bytes are laid out as ours (nearly all): generated code that checks and decodes in
 * one pass, with the same bounds and refusals as the guard. Everybody else takes the way of reader.ts; a test holds
 * both to the same answers.
 */
import { assert } from '#lib/kernel/errors.ts';
import { shortNameOf, valueOfUnion, type RecordNode, type SchemaNode } from './avro-schema.ts';
import { evaluate } from './evaluate.ts';
import { doubles, type FloatPool } from './float-pool.ts';
import { Cursor, nextBlock, readLong, skipLength } from './guard.ts';
import type { DecodeLimits } from './limits.ts';
import { RECORD_NAMES } from './schemas.ts';
import { decodeString, sharedStrings } from './string-cache.ts';

/** Thrown by the helpers after they noted the fault in the cursor; no Error, so that no stack is taken. */
const FAULT = Symbol('fault');

class ReadCursor extends Cursor {
  readonly strings = sharedStrings;
  view: DataView = new DataView(new ArrayBuffer(0));
  pool: FloatPool | null = null;
}

export interface CompiledReader {
  /** The record that begins at `start`, or undefined; see `cursor.position`, else `cursor.reason` and `cursor.detail`. */
  read(bytes: Uint8Array, start: number, end: number): unknown;
  readonly cursor: Cursor;
}

/** `node` is a record of this release: no recursion, no maps, unions only as ["null", T]. `pool`: where arrays of floats come from. */
export function compileRead(node: SchemaNode, limits: DecodeLimits, pool: FloatPool | null): CompiledReader {
  assert(node.kind === 'record', 'a reader is compiled from a record');
  const read = new ReadCompiler().compile(node);
  const cursor = new ReadCursor(limits);
  cursor.pool = pool;
  return {
    cursor,
    read(bytes, start, end) {
      cursor.bytes = bytes;
      cursor.position = start;
      cursor.end = end;
      cursor.items = 0;
      if (cursor.view.buffer !== bytes.buffer) cursor.view = new DataView(bytes.buffer);
      try {
        return read(cursor);
      } catch (fault) {
        if (fault === FAULT) return undefined;
        throw fault;
      }
    },
  };
}

function fail(c: Cursor, path: string, what: string): never {
  c.fail(path, what);
  throw FAULT;
}

/* The helpers of the generated code. `c` is always the same shape, so that they are compiled once and inlined. */
const HELPERS = {
  boolean(c: ReadCursor, path: string): boolean {
    if (c.position >= c.end) fail(c, path, 'cut off');
    const byte = c.bytes[c.position++] as number;
    return byte <= 1 ? byte === 1 : fail(c, path, 'a boolean is 0 or 1');
  },
  int(c: ReadCursor, path: string): number {
    const value = readLong(c);
    return value >= -2147483648 && value <= 2147483647 ? value : fail(c, path, 'not an int of 32 bits, or cut off');
  },
  long(c: ReadCursor, path: string): number {
    const value = readLong(c);
    return Number.isNaN(value) ? fail(c, path, 'not a long within 2^52, or cut off') : value;
  },
  float(c: ReadCursor, path: string): number {
    const at = c.position;
    if (c.end - at < 4) fail(c, path, 'cut off');
    c.position = at + 4;
    return c.view.getFloat32(c.bytes.byteOffset + at, true);
  },
  double(c: ReadCursor, path: string): number {
    const at = c.position;
    if (c.end - at < 8) fail(c, path, 'cut off');
    c.position = at + 8;
    return c.view.getFloat64(c.bytes.byteOffset + at, true);
  },
  string(c: ReadCursor, path: string): string {
    const length = skipLength(c, path, c.limits.stringBytesMax);
    if (length < 0) throw FAULT;
    return decodeString(c.bytes, c.position - length, c.position) ?? fail(c, path, 'not UTF-8');
  },
  cachedString(c: ReadCursor, path: string): string {
    const length = skipLength(c, path, c.limits.stringBytesMax);
    if (length < 0) throw FAULT;
    return c.strings.read(c.bytes, c.position - length, c.position) ?? fail(c, path, 'not UTF-8');
  },
  bytes(c: ReadCursor, path: string): Buffer {
    const length = skipLength(c, path, c.limits.recordBytesMax);
    if (length < 0) throw FAULT;
    return Buffer.from(c.bytes.subarray(c.position - length, c.position));
  },
  symbol(c: ReadCursor, path: string, symbols: readonly string[]): string {
    return symbols[readLong(c)] ?? fail(c, path, `no index into an enum of ${symbols.length}, or cut off`);
  },
  /** True where the value of a ["null", T] follows. */
  present(c: ReadCursor, path: string): boolean {
    const index = readLong(c);
    return index === 0 || index === 1 ? index === 1 : fail(c, path, 'no branch of a union of 2, or cut off');
  },
  floats(c: ReadCursor, path: string): number[] {
    let values: number[] = [];
    for (;;) {
      const count = nextBlock(c, path, 4, values.length);
      if (count < 0) throw FAULT;
      if (count === 0) return values;
      const blockEnd = c.blockEnd;
      const view = c.view;
      const start = c.bytes.byteOffset + c.position;
      // Writers put all items into one block.
      if (values.length === 0) {
        values = c.pool === null ? doubles(count) : c.pool.take(count);
        for (let i = 0; i < count; i++) values[i] = view.getFloat32(start + 4 * i, true);
      } else for (let i = 0; i < count; i++) values.push(view.getFloat32(start + 4 * i, true));
      c.position += 4 * count;
      if (blockEnd >= 0 && c.position !== blockEnd) fail(c, path, 'a block size that does not fit its items');
    }
  },
  items(c: ReadCursor, path: string, itemSize: number, item: (c: ReadCursor) => unknown): unknown[] {
    const values: unknown[] = [];
    for (;;) {
      const count = nextBlock(c, path, itemSize, values.length);
      if (count < 0) throw FAULT;
      if (count === 0) return values;
      const blockEnd = c.blockEnd;
      for (let i = 0; i < count; i++) values.push(item(c));
      if (blockEnd >= 0 && c.position !== blockEnd) fail(c, path, 'a block size that does not fit its items');
    }
  },
};

/** Strings that differ in every record, so that keeping them would only push others out. */
const NEVER_REPEATED = new Set(['eventId', 'explanation', 'detail']);

class ReadCompiler {
  readonly #functions = new Map<string, string>();
  readonly #enums: Record<string, readonly string[]> = {};

  compile(node: RecordNode): (cursor: ReadCursor) => unknown {
    const main = this.#record(node);
    const source = `'use strict';\nconst { ${Object.keys(HELPERS).join(', ')} } = helpers;\n${[...this.#functions.values()].join('\n')}\nreturn ${main};`;
    return evaluate(source, { helpers: HELPERS, enums: this.#enums }) as (cursor: ReadCursor) => unknown;
  }

  #record(node: RecordNode): string {
    const short = shortNameOf(node.name);
    const name = `read_${short}`;
    if (this.#functions.has(name)) return name;
    this.#functions.set(name, '');
    const lines = node.fields.map((field) => `const f_${field.name} = ${this.#value(field.type, `${short}.${field.name}`, field.name)};`);
    const tag = (RECORD_NAMES as readonly string[]).includes(short) ? [`type: '${short}'`] : [];
    const members = [...tag, ...node.fields.map((field) => `${field.name}: f_${field.name}`)];
    this.#functions.set(name, `function ${name}(c) {\n${lines.join('\n')}\nreturn { ${members.join(', ')} };\n}`);
    return name;
  }

  /** A JavaScript expression that reads one value. */
  #value(node: SchemaNode, path: string, field: string): string {
    const at = `c, '${path}'`;
    switch (node.kind) {
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
        return `${node.kind}(${at})`;
      case 'string':
        return NEVER_REPEATED.has(field) ? `string(${at})` : `cachedString(${at})`;
      case 'enum': {
        const short = shortNameOf(node.name);
        this.#enums[short] = node.symbols;
        return `symbol(${at}, enums.${short})`;
      }
      case 'union':
        return `(present(${at}) ? ${this.#value(valueOfUnion(node.branches), path, field)} : null)`;
      case 'array':
        if (node.items.kind === 'float') return `floats(${at})`;
        return `items(${at}, ${node.items.kind === 'double' ? 8 : 0}, (c) => ${this.#value(node.items, `${path}[]`, field)})`;
      case 'record':
        return `${this.#record(node)}(c)`;
      default:
        throw new TypeError(`records of this release have no ${node.kind}`);
    }
  }
}
