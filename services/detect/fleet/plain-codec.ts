/**
 * Plain values (null, booleans, numbers, texts, arrays, objects, Maps) as bytes: a third of their JSON, and what is kept in memory of subjects
 * and people that nobody has asked for lately. Numbers come back to the bit; a text is written once in a value, and what objects call
 * their parts is a byte.
 */
import { assert } from '#lib/kernel/errors.ts';
import type { ByteReader, ByteWriter } from '../steps/bytes.ts';

/** Append only: values name their parts by the place here. Any other name is written out. */
const PARTS: readonly string[] = [
  'kind', 'lastAt', 'memory', 'hours', 'members', 'beyond', 'tenantId', 'userId', 'deviceId', 'minutes', 'values', 'devices', 'days', 'lastDay', 'area', 'shippedTo',
  'gaps', 'shared', 'expected', 'told', 'category', 'crowdUntil', 'day', 'gateway', 'first', 'last', 'together', 'actor', 'key', 'runs', 'length', 'people', 'log10Apart',
  'sketch', 'changed', 'since', 'device', 'looks', 'counts', 'total', 'hour', 'places', 'sessions', 'hands', 'strangeSince', 'pending', 'taken', 'network', 'trusted',
  'hash', 'km', 'sessionId', 'strength', 'strange', 'from', 'type', 'subject', 'windowEnd', 'effectiveAt', 'peers', 'value', 'at',
  'look', 'sums', 'own', 'top',
];
const PLACES = new Map(PARTS.map((name, place) => [name, place + 1]));

const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const DOUBLE = 3;
const TEXT = 4;
const SAME_TEXT = 5;
const LIST = 6;
const OBJECT = 7;
const MAP = 8;
const BELOW_ZERO = 9;
/** From here on: whole numbers from 0. */
const WHOLE = 10;
const WHOLE_MAX = 2 ** 52;
/** Shorter texts are not looked for among those that were written. */
const REPEATED_MIN = 3;

/** Texts of the value that is being written, and of the one that is being read. */
let written = new Map<string, number>();
const read: string[] = [];

function writeText(out: ByteWriter, text: string): void {
  const known = written.get(text);
  if (known !== undefined) {
    out.count(SAME_TEXT);
    return out.count(known);
  }
  if (text.length >= REPEATED_MIN) written.set(text, written.size);
  out.count(TEXT);
  out.text(text);
}

function readText(input: ByteReader): string {
  const text = input.text();
  if (text.length >= REPEATED_MIN) read.push(text);
  return text;
}

function writeNumber(out: ByteWriter, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < WHOLE_MAX && !Object.is(value, -0)) {
    if (value >= 0) return out.count(WHOLE + value);
    out.count(BELOW_ZERO);
    return out.count(-value);
  }
  out.count(DOUBLE);
  out.double(value);
}

function writeObject(out: ByteWriter, value: Readonly<Record<string, unknown>>): void {
  out.count(OBJECT);
  for (const name in value) {
    const part = value[name];
    if (part === undefined) continue;
    const place = PLACES.get(name);
    // 0 ends an object.
    out.count(place === undefined ? 1 : place + 1);
    if (place === undefined) out.text(name);
    write(out, part);
  }
  out.count(0);
}

function write(out: ByteWriter, value: unknown): void {
  if (typeof value === 'number') return writeNumber(out, value);
  if (typeof value === 'string') return writeText(out, value);
  if (typeof value === 'boolean') return out.count(value ? TRUE : FALSE);
  if (value === null || value === undefined) return out.count(NULL);
  if (Array.isArray(value)) {
    out.count(LIST);
    out.count(value.length);
    for (const item of value) write(out, item);
  } else if (value instanceof Map) {
    out.count(MAP);
    out.count(value.size);
    for (const [key, item] of value as Map<unknown, unknown>) {
      write(out, key);
      write(out, item);
    }
  } else writeObject(out, value as Record<string, unknown>);
}

function readList(input: ByteReader): unknown[] {
  const values: unknown[] = [];
  for (let left = input.count(); left > 0; left--) values.push(readValue(input));
  return values;
}

function readMap(input: ByteReader): Map<unknown, unknown> {
  const map = new Map<unknown, unknown>();
  for (let left = input.count(); left > 0; left--) {
    const key = readValue(input);
    map.set(key, readValue(input));
  }
  return map;
}

function readObject(input: ByteReader): Record<string, unknown> {
  const value: Record<string, unknown> = {};
  for (let place = input.count(); place !== 0; place = input.count()) {
    const name = place === 1 ? input.text() : PARTS[place - 2]!;
    value[name] = readValue(input);
  }
  return value;
}

function readValue(input: ByteReader): unknown {
  const tag = input.count();
  if (tag >= WHOLE) return tag - WHOLE;
  if (tag === TEXT) return readText(input);
  if (tag === SAME_TEXT) return read[input.count()]!;
  if (tag === LIST) return readList(input);
  if (tag === OBJECT) return readObject(input);
  if (tag === MAP) return readMap(input);
  if (tag === NULL) return null;
  if (tag === BELOW_ZERO) return -input.count();
  if (tag === DOUBLE) return input.double();
  assert(tag === FALSE || tag === TRUE, 'the state of the exchange is of an unknown form');
  return tag === TRUE;
}

export function writePlain(out: ByteWriter, value: unknown): void {
  if (written.size > 0) written = new Map();
  write(out, value);
}

export function readPlain<T>(input: ByteReader): T {
  read.length = 0;
  return readValue(input) as T;
}
