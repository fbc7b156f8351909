/**
 * Where a record in our own layout ends: generated code that checks what the guard checks, without its closures. Whatever it does not
 * pass is the guard's business, which says what is wrong; a test holds both to the same ends.
 */
import { isUtf8 } from 'node:buffer';
import { shortNameOf, valueOfUnion, type SchemaNode, sameEncoding } from './avro-schema.ts';
import { evaluate } from './evaluate.ts';
import { Cursor, nextBlock, readLong } from './guard.ts';
import type { DecodeLimits } from './limits.ts';
import { recordNameOf, schemaOf } from './schemas.ts';

class SkipCursor extends Cursor {
  /** Of the whole buffer in which `bytes` lie. */
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Whether the value of a ["null", T] follows. */
  present = false;
}

/** Where the record that starts at `start` ends; −1 where the guard has to look at it. */
export type Skip = (bytes: Uint8Array, start: number, end: number) => number;

const NOT_ASCII = 0x80808080;
/** A varint of so many bytes is within 2^52 whatever they are. */
const PLAIN_LONG_BYTES = 7;

/* What the generated code calls: each goes over one value, and is false where that is not as it should be. */
const HELPERS = {
  boolean: (c: SkipCursor): boolean => c.position < c.end && (c.bytes[c.position++] as number) <= 1,
  int(c: SkipCursor): boolean {
    const value = readLong(c);
    return value >= -2147483648 && value <= 2147483647;
  },
  long(c: SkipCursor): boolean {
    const { bytes } = c;
    const stop = Math.min(c.end, c.position + PLAIN_LONG_BYTES);
    for (let at = c.position; at < stop; ) {
      if ((bytes[at++] as number) >= 0x80) continue;
      c.position = at;
      return true;
    }
    return !Number.isNaN(readLong(c));
  },
  fixed(c: SkipCursor, size: number): boolean {
    c.position += size;
    return c.position <= c.end;
  },
  bytes(c: SkipCursor): boolean {
    const length = readLong(c);
    if (!(length >= 0 && length <= c.end - c.position && length <= c.limits.recordBytesMax)) return false;
    c.position += length;
    return true;
  },
  string(c: SkipCursor): boolean {
    const length = readLong(c);
    const start = c.position;
    if (!(length >= 0 && length <= c.end - start && length <= c.limits.stringBytesMax)) return false;
    const { bytes, view } = c;
    const end = start + length;
    c.position = end;
    let all = 0;
    let i = start;
    const offset = bytes.byteOffset;
    for (; i + 8 <= end; i += 8) all |= view.getInt32(offset + i, true) | view.getInt32(offset + i + 4, true);
    for (; i + 4 <= end; i += 4) all |= view.getInt32(offset + i, true);
    for (; i < end; i++) all |= bytes[i] as number;
    return (all & NOT_ASCII) === 0 || isUtf8(bytes.subarray(start, end));
  },
  /** An index below `count`. */
  symbol(c: SkipCursor, count: number): boolean {
    const index = readLong(c);
    return index >= 0 && index < count;
  },
  /** Items of `size` bytes each. */
  numbers(c: SkipCursor, size: number): boolean {
    for (let total = 0; ; ) {
      const count = nextBlock(c, '', size, total);
      if (count <= 0) return count === 0;
      total += count;
      c.position += count * size;
      if (c.blockEnd >= 0 && c.position !== c.blockEnd) return false;
    }
  },
  items(c: SkipCursor, item: (c: SkipCursor) => boolean): boolean {
    for (let total = 0; ; ) {
      const count = nextBlock(c, '', 0, total);
      if (count <= 0) return count === 0;
      const { blockEnd } = c;
      total += count;
      for (let i = 0; i < count; i++) if (!item(c)) return false;
      if (blockEnd >= 0 && c.position !== blockEnd) return false;
    }
  },
  /** The index of a ["null", T]; `present` says which. */
  optional(c: SkipCursor): boolean {
    const index = readLong(c);
    c.present = index === 1;
    return index === 0 || index === 1;
  },
};

/** Null where the writer's records are laid out otherwise than ours of that name. */
export function compileSkip(writer: SchemaNode, limits: DecodeLimits): Skip | null {
  const name = writer.kind === 'record' ? recordNameOf(writer.name) : undefined;
  if (name === undefined) return null;
  const { node } = schemaOf(name);
  if (!sameEncoding(node, writer)) return null;
  const functions = new Map<string, string>();
  const main = sourceOf(node, functions);
  const body = `'use strict';\nconst { ${Object.keys(HELPERS).join(', ')} } = helpers;\n${[...functions.values()].join('\n')}\nreturn (c) => ${main};`;
  const skip = evaluate(body, { helpers: HELPERS }) as (c: SkipCursor) => boolean;
  const cursor = new SkipCursor(limits);
  return (bytes, start, end) => {
    cursor.bytes = bytes;
    cursor.position = start;
    cursor.end = end;
    cursor.items = 0;
    if (cursor.view.buffer !== bytes.buffer) cursor.view = new DataView(bytes.buffer);
    return skip(cursor) ? cursor.position : -1;
  };
}

/** A JavaScript expression that goes over one value; functions of records are put into `functions`. */
function sourceOf(node: SchemaNode, functions: Map<string, string>): string {
  switch (node.kind) {
    case 'boolean':
    case 'int':
    case 'long':
    case 'string':
    case 'bytes':
      return `${node.kind}(c)`;
    case 'float':
      return 'fixed(c, 4)';
    case 'double':
      return 'fixed(c, 8)';
    case 'enum':
      return `symbol(c, ${node.symbols.length})`;
    case 'union':
      return `optional(c) && (!c.present || ${sourceOf(valueOfUnion(node.branches), functions)})`;
    case 'array': {
      const { kind } = node.items;
      if (kind === 'float' || kind === 'double') return `numbers(c, ${kind === 'float' ? 4 : 8})`;
      const item = `item_${functions.size}`; // once, where a closure would be made for every array of every record
      functions.set(item, '');
      functions.set(item, `const ${item} = (c) => ${sourceOf(node.items, functions)};`);
      return `items(c, ${item})`;
    }
    case 'record': {
      const name = `skip_${shortNameOf(node.name)}`;
      if (!functions.has(name)) {
        functions.set(name, '');
        functions.set(name, `function ${name}(c) {\nreturn ${node.fields.map(({ type }) => sourceOf(type, functions)).join('\n&& ')};\n}`);
      }
      return `${name}(c)`;
    }
    default:
      throw new TypeError(`records of this release have no ${node.kind}`);
  }
}
