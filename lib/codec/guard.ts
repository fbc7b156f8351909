/**
 * A bounded walk over the bytes of one Avro record, compiled from its writer schema and run before the decoder. The
 * Avro library reads past the end of a buffer and believes every block count; after the guard it cannot be led to:
 * every length, count, union and enum index, boolean and varint has been checked against the bytes that remain and
 * against the limits, and the end of the record is known.
 */
import { isUtf8 } from 'node:buffer';
import type { DeadLetterReason } from '#schemas/records.ts';
import { shortNameOf, type RecordNode, type SchemaNode } from './avro-schema.ts';
import type { DecodeLimits } from './limits.ts';

/** Where a walk stands. One cursor is used for all walks of a guard, since they are synchronous. */
export class Cursor {
  bytes: Uint8Array = new Uint8Array(0);
  position = 0;
  end = 0;
  /** End of the block that nextBlock read last, −1 where its size was not announced. */
  blockEnd = -1;
  items = 0;
  depth = 0;
  limits: DecodeLimits;
  reason: DeadLetterReason = 'UNDECODABLE';
  detail = '';

  constructor(limits: DecodeLimits) {
    this.limits = limits;
  }

  fail(path: string, what: string, reason: DeadLetterReason = 'UNDECODABLE'): false {
    this.reason = reason;
    this.detail = `${path}: ${what}`;
    return false;
  }
}

type Check = (cursor: Cursor) => boolean;

export interface Guard {
  /** Where the record that starts at `start` ends, or −1; then `fault` says why. */
  walk(bytes: Uint8Array, start: number, end: number): number;
  readonly fault: { readonly reason: DeadLetterReason; readonly detail: string };
}

export function compileGuard(node: SchemaNode, limits: DecodeLimits): Guard {
  const check = new GuardCompiler().compile(node, 'record');
  const cursor = new Cursor(limits);
  return {
    walk(bytes, start, end) {
      cursor.bytes = bytes;
      cursor.position = start;
      cursor.end = end;
      cursor.items = 0;
      cursor.depth = 0;
      return check(cursor) ? cursor.position : -1;
    },
    fault: cursor,
  };
}

const UNREADABLE = Number.NaN;

/**
 * A zig-zag varint within −2^52 … 2^52 − 1; NaN when it is cut off, longer than 10 bytes or larger. The Avro library
 * misreads larger ones (−2^52 − 1 comes back as 2^52), and no time, count or offset of ours gets there.
 */
export function readLong(c: Cursor): number {
  const bytes = c.bytes;
  const end = c.end;
  let position = c.position;
  if (position >= end) return UNREADABLE;
  let byte = bytes[position++] as number;
  if (byte < 0x80) {
    c.position = position; // nearly all lengths, counts and indexes
    return (byte >>> 1) ^ -(byte & 1);
  }
  let value = byte & 0x7f;
  let scale = 128;
  for (let i = 1; byte >= 0x80; i++) {
    if (position >= end || i === 10) return UNREADABLE;
    byte = bytes[position++] as number;
    value += (byte & 0x7f) * scale;
    scale *= 128;
  }
  c.position = position;
  if (value >= 2 ** 53) return UNREADABLE; // from here on the sum above is not exact
  return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
}

class GuardCompiler {
  readonly #records = new Map<RecordNode, Check>();

  compile(node: SchemaNode, path: string): Check {
    switch (node.kind) {
      case 'null':
        return () => true;
      case 'boolean':
        return (c) => {
          if (c.position >= c.end) return c.fail(path, 'cut off');
          return (c.bytes[c.position++] as number) <= 1 || c.fail(path, 'a boolean is 0 or 1');
        };
      case 'int':
        return (c) => {
          const value = readLong(c);
          return (value >= -2147483648 && value <= 2147483647) || c.fail(path, 'not an int of 32 bits, or cut off');
        };
      case 'long':
        return (c) => !Number.isNaN(readLong(c)) || c.fail(path, 'not a long within 2^52, or cut off');
      case 'float':
        return fixedSize(4, path);
      case 'double':
        return fixedSize(8, path);
      case 'fixed':
        return fixedSize(node.size, path);
      case 'bytes':
        return (c) => skipLength(c, path, c.limits.recordBytesMax) >= 0;
      case 'string':
        return (c) => checkString(c, path);
      case 'enum':
        return indexBelow(node.symbols.length, path, 'enum');
      case 'union':
        return this.#union(node.branches, path);
      case 'array':
        return nested(blocks(this.compile(node.items, `${path}[]`), sizeOf(node.items), path), path);
      case 'map':
        return nested(blocks(this.#entry(node.values, path), 0, path), path);
      case 'record':
        return this.#record(node);
    }
  }

  #union(branches: readonly SchemaNode[], path: string): Check {
    const checks = branches.map((branch) => this.compile(branch, path));
    return (c) => {
      const index = readLong(c);
      const check = checks[index];
      return check === undefined ? c.fail(path, `no branch of a union of ${checks.length}, or cut off`) : check(c);
    };
  }

  #entry(values: SchemaNode, path: string): Check {
    const value = this.compile(values, `${path}{}`);
    return (c) => checkString(c, `${path} key`) && value(c);
  }

  #record(node: RecordNode): Check {
    const known = this.#records.get(node);
    if (known !== undefined) return known;
    const short = shortNameOf(node.name);
    const checks: Check[] = [];
    const check = nested((c) => {
      for (let i = 0; i < checks.length; i++) if (!(checks[i] as Check)(c)) return false;
      return true;
    }, short);
    this.#records.set(node, check); // before the fields, for a record that contains itself
    for (const field of node.fields) checks.push(this.compile(field.type, `${short}.${field.name}`));
    return check;
  }
}

function nested(inner: Check, path: string): Check {
  return (c) => {
    if (++c.depth > c.limits.depthMax) return c.fail(path, `nested deeper than ${c.limits.depthMax}`);
    if (!inner(c)) return false;
    c.depth--;
    return true;
  };
}

function fixedSize(size: number, path: string): Check {
  return (c) => {
    if (size > c.end - c.position) return c.fail(path, 'cut off');
    c.position += size;
    return true;
  };
}

function indexBelow(count: number, path: string, what: string): Check {
  return (c) => {
    const index = readLong(c);
    return (index >= 0 && index < count) || c.fail(path, `no index into an ${what} of ${count}, or cut off`);
  };
}

/** Skips a length and its bytes; answers the length, or −1 after a fault. */
export function skipLength(c: Cursor, path: string, max: number): number {
  const length = readLong(c);
  const remaining = c.end - c.position;
  if (!(length >= 0)) return broken(c, path, 'a length that is negative or cut off');
  if (length > remaining) return broken(c, path, `${length} bytes announced, ${remaining} remain`);
  if (length > max) return broken(c, path, `${length} bytes, at most ${max} are read`, 'TOO_LARGE');
  c.position += length;
  return length;
}

function checkString(c: Cursor, path: string): boolean {
  const length = skipLength(c, path, c.limits.stringBytesMax);
  if (length < 0) return false;
  const { bytes, position } = c;
  let all = 0;
  for (let i = position - length; i < position; i++) all |= bytes[i] as number;
  return all < 0x80 || isUtf8(bytes.subarray(position - length, position)) || c.fail(path, 'not UTF-8');
}

/** Bytes of an item of fixed size, 0 where the size varies. */
function sizeOf(node: SchemaNode): number {
  if (node.kind === 'float') return 4;
  return node.kind === 'double' ? 8 : 0;
}

/** The blocks of an array or a map. `itemSize` > 0 lets whole blocks be skipped. */
function blocks(item: Check, itemSize: number, path: string): Check {
  return (c) => {
    for (let total = 0; ; ) {
      const count = nextBlock(c, path, itemSize, total);
      if (count <= 0) return count === 0;
      const blockEnd = c.blockEnd;
      total += count;
      if (itemSize > 0) c.position += count * itemSize;
      else for (let i = 0; i < count; i++) if (!item(c)) return false;
      if (blockEnd >= 0 && c.position !== blockEnd) return c.fail(path, 'a block size that does not fit its items');
    }
  };
}

/**
 * Reads a block's head: how many items follow, 0 at the end of the array, −1 after a fault. `itemSize` is the bytes of
 * an item where that is fixed, else 0; `total` the items of the blocks before. Sets `blockEnd` (−1: not announced).
 */
export function nextBlock(c: Cursor, path: string, itemSize: number, total: number): number {
  let count = readLong(c);
  if (count === 0) return 0;
  c.blockEnd = -1;
  if (count < 0) {
    count = -count;
    const size = readLong(c);
    if (!(size >= 0 && size <= c.end - c.position)) return broken(c, path, 'a block size beyond the record');
    c.blockEnd = c.position + size;
  }
  if (!(count > 0)) return broken(c, path, 'a block count that is too large or cut off');
  const remaining = c.end - c.position;
  // More items than are read: an honest long array when the bytes could hold them, else a made-up count.
  const announced = total + count;
  if (count * itemSize > remaining || (announced > c.limits.arrayItemsMax && announced > remaining)) {
    return broken(c, path, `a block of ${count} items announced, ${remaining} bytes remain`);
  }
  c.items += count;
  if (announced > c.limits.arrayItemsMax) return broken(c, path, `${announced} items, at most ${c.limits.arrayItemsMax} are read`, 'ARRAY_TOO_LONG');
  if (c.items > c.limits.itemsMax) return broken(c, path, `more than ${c.limits.itemsMax} items in one record`, 'ARRAY_TOO_LONG');
  return count;
}

function broken(c: Cursor, path: string, what: string, reason?: DeadLetterReason): -1 {
  c.fail(path, what, reason);
  return -1;
}
