/**
 * What the reader has to know of a line of NDJSON: whose it is, and its time in the merge. The line is walked over
 * without being parsed, as far as its keys have no escapes; whatever is unusual is left to JSON.parse. Decoding is the
 * business of the worker that owns the lane.
 */
import { REFERENCE_RECORDS, TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { LineHead } from './line-head.ts';
import { EVERY_LANE, laneOf, laneOfBytes, laneOfNobody } from './lanes.ts';

/** Reference records and what cannot be decoded have no place in time: they are taken as soon as they are the head. */
export const AT_ONCE = Number.NEGATIVE_INFINITY;
/** Ingest rejects what is further ahead of its arrival; such a record is taken at once. */
const CLOCK_AHEAD_MS = 300_000;
const TIME_MAX = 2 ** 52;

export interface Peek {
  lane: number;
  /** Epoch ms, or AT_ONCE. */
  time: number;
  /** The record says when it arrived, and its time is not ahead of that. */
  arrivalKnown: boolean;
}

const TYPE = 0;
const TENANT = 1;
const USER = 2;
const OBSERVED = 3;
const ARRIVED = 4;
const KEYS = ['type', 'tenantId', 'userId', 'observedAt', 'arrivedAt'].map((key) => Buffer.from(key));
const TELEMETRY = new Set<unknown>(TELEMETRY_RECORDS);
const REFERENCE = new Set<unknown>(REFERENCE_RECORDS);

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COLON = 0x3a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;
const MINUS = 0x2d;

/** Where a line's values lie, in the bytes that it lies in; a class of its own keeps the walk free of allocations. */
class LineWalk {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  /** Of the line. */
  stop = 0;
  readonly #head = new LineHead();
  /** By key, the place of its value among those of the line that `head` knows. */
  #places: readonly number[] = [];
  readonly start = [0, 0, 0];
  readonly end = [0, 0, 0];
  observedAt = Number.NaN;
  arrivedAt = Number.NaN;

  /**
   * Finds type, tenantId, userId and observedAt (and arrivedAt at the end of the line, or anywhere where `arrival`); false where the line is not as plain as
   * the walk needs it. Stops as soon as it has them all: what is behind is judged by the decoder.
   */
  find(bytes: Buffer, from: number, to: number, arrival: boolean): boolean {
    this.bytes = bytes;
    this.at = from;
    this.stop = to;
    this.observedAt = Number.NaN;
    this.arrivedAt = arrivalAtEnd(bytes, from, to);
    const missing = arrival && Number.isNaN(this.arrivedAt) ? 0b11111 : 0b01111;
    if (missing === 0b01111 && this.#isAsBefore(from)) return true;
    return this.#walk(from, missing);
  }

  /** The same of a line that begins as the one before it that was walked over. */
  #isAsBefore(from: number): boolean {
    const head = this.#head;
    if (!head.matches(this.bytes, from, this.stop)) return false;
    for (const key of [TYPE, TENANT, USER]) {
      const place = this.#places[key]!;
      this.start[key] = head.starts[place]!;
      this.end[key] = head.ends[place]!;
    }
    this.at = head.starts[this.#places[OBSERVED]!]!;
    this.observedAt = this.#integer();
    return !Number.isNaN(this.observedAt);
  }

  #walk(from: number, wanted: number): boolean {
    const { bytes } = this;
    const head = this.#head;
    let missing = wanted;
    let isPlain = true;
    let values = 0;
    const places = [0, 0, 0, 0, 0];
    this.at = from;
    head.begin(from);
    if (this.#next() !== OPEN_BRACE) return false;
    this.at++;
    for (;;) {
      if (this.#next() !== QUOTE) return false;
      const start = this.at + 1;
      const end = this.#string();
      if (end < 0 || this.#next() !== COLON) return false;
      this.at++;
      const key = keyOf(bytes, start, end);
      const first = this.#next();
      const valueAt = this.at;
      const isWanted = key >= 0 && (missing & (1 << key)) !== 0;
      if (isWanted ? !this.#take(key) : !this.#skip()) return false;
      const isText = first === QUOTE;
      isPlain &&= isText || (isWanted && first !== MINUS);
      if (isPlain) head.value(bytes, isText ? valueAt + 1 : valueAt, isText ? this.at - 1 : this.at, isText);
      if (isWanted) {
        missing &= ~(1 << key);
        places[key] = values;
        if (missing === 0) {
          if (isPlain && wanted === 0b01111) {
            head.learn();
            this.#places = places;
          }
          return true;
        }
      }
      values++;
      const after = this.#next();
      if (after === COMMA) this.at++;
      else return after === CLOSE_BRACE && missing === 1 << ARRIVED;
    }
  }

  #take(key: number): boolean {
    if (key === OBSERVED || key === ARRIVED) {
      const value = this.#integer();
      if (key === OBSERVED) this.observedAt = value;
      else this.arrivedAt = value;
      return !Number.isNaN(value);
    }
    if (this.#next() !== QUOTE) return false;
    this.start[key] = this.at + 1;
    const end = this.#string();
    this.end[key] = end;
    return end >= 0;
  }

  /** The next byte that is no white space; 0 at the end. */
  #next(): number {
    const { bytes } = this;
    while (this.at < this.stop) {
      const byte = bytes[this.at]!;
      if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return byte;
      this.at++;
    }
    return 0;
  }

  /** From the opening quote to behind the closing one; answers where that is, −1 where there is none or an escape. */
  #string(): number {
    const { bytes, stop } = this;
    for (let at = this.at + 1; at < stop; at++) {
      const byte = bytes[at]!;
      if (byte === QUOTE) {
        this.at = at + 1;
        return at;
      }
      if (byte === BACKSLASH) return -1;
    }
    return -1;
  }

  /** An integer without exponent within 2^52; NaN for anything else. */
  #integer(): number {
    let byte = this.#next();
    const negative = byte === MINUS;
    if (negative) byte = this.#after();
    const from = this.at;
    let value = 0;
    while (byte >= 0x30 && byte <= 0x39) {
      value = value * 10 + byte - 0x30;
      byte = this.#after();
    }
    if (this.at === from || value >= TIME_MAX) return Number.NaN;
    const ends = byte === COMMA || byte === CLOSE_BRACE || byte === 0x20 || byte === 0x09;
    return ends ? (negative ? -value : value) : Number.NaN;
  }

  /** The byte behind the present one; 0 at the end. */
  #after(): number {
    return ++this.at < this.stop ? this.bytes[this.at]! : 0;
  }

  /** Over a value of any kind. */
  #skip(): boolean {
    const first = this.#next();
    if (first === QUOTE) return this.#string() >= 0;
    if (first === OPEN_BRACKET || first === OPEN_BRACE) return this.#skipNested();
    const { bytes } = this;
    const from = this.at;
    for (let byte = first; byte !== COMMA && byte !== CLOSE_BRACE && byte !== CLOSE_BRACKET; byte = bytes[++this.at]!) {
      if (this.at >= this.stop) return false;
    }
    return this.at > from;
  }

  #skipNested(): boolean {
    const { bytes } = this;
    let depth = 0;
    while (this.at < this.stop) {
      const byte = bytes[this.at]!;
      if (byte === QUOTE) {
        if (this.#string() < 0) return false;
        continue;
      }
      this.at++;
      if (byte === OPEN_BRACKET || byte === OPEN_BRACE) depth++;
      else if ((byte === CLOSE_BRACKET || byte === CLOSE_BRACE) && --depth === 0) return true;
    }
    return false;
  }
}

function keyOf(bytes: Buffer, start: number, end: number): number {
  for (let key = 0; key < KEYS.length; key++) {
    const name = KEYS[key]!;
    if (name.length !== end - start || name[0] !== bytes[start]) continue;
    let same = 1;
    while (same < name.length && name[same] === bytes[start + same]) same++;
    if (same === name.length) return key;
  }
  return -1;
}

const ARRIVED_KEY = Buffer.from(',"arrivedAt":');

/** arrivedAt where it ends the line, as toNdjson writes it; NaN where it has to be looked for. */
function arrivalAtEnd(bytes: Buffer, from: number, to: number): number {
  let at = to - 1;
  if (at < from || bytes[at] !== CLOSE_BRACE) return Number.NaN;
  let value = 0;
  let scale = 1;
  for (at--; at >= from; at--) {
    const byte = bytes[at]!;
    if (byte < 0x30 || byte > 0x39 || scale > 1e14) break;
    value += (byte - 0x30) * scale;
    scale *= 10;
  }
  const start = at + 1 - ARRIVED_KEY.length;
  if (scale === 1 || start < from) return Number.NaN;
  for (let i = 0; i < ARRIVED_KEY.length; i++) if (bytes[start + i] !== ARRIVED_KEY[i]) return Number.NaN;
  return value;
}

const walk = new LineWalk();

const TYPES = [...TELEMETRY_RECORDS, ...REFERENCE_RECORDS].map((name) => ({ name, bytes: Buffer.from(name) }));

/** The name of the record's type; empty for one that is none of ours. */
function typeOf(bytes: Buffer): string {
  const start = walk.start[TYPE]!;
  const length = walk.end[TYPE]! - start;
  for (const { name, bytes: known } of TYPES) {
    if (known.length !== length) continue;
    let same = 0;
    while (same < length && known[same] === bytes[start + same]) same++;
    if (same === length) return name;
  }
  return '';
}

/**
 * Of the line from `start` to before `end`.
 * @param arrival whether the time in the merge matters: of a single file nobody asks it
 */
export function peekLine(bytes: Buffer, start: number, end: number, offset: number, arrival: boolean, into: Peek): void {
  into.time = AT_ONCE;
  into.arrivalKnown = false;
  if (!walk.find(bytes, start, end, arrival)) return peekParsed(bytes.subarray(start, end), offset, into);
  const type = typeOf(bytes);
  if (TELEMETRY.has(type)) {
    into.lane = laneOfBytes(bytes, walk.start[TENANT]!, walk.end[TENANT]!, walk.start[USER]!, walk.end[USER]!);
    const { observedAt, arrivedAt } = walk;
    const ahead = observedAt > arrivedAt + CLOCK_AHEAD_MS;
    into.arrivalKnown = !Number.isNaN(arrivedAt) && !ahead;
    into.time = arrival && ahead ? AT_ONCE : observedAt;
  } else into.lane = REFERENCE.has(type) ? EVERY_LANE : laneOfNobody(offset);
}

function peekParsed(bytes: Buffer, offset: number, into: Peek): void {
  let value: unknown = null;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    // no JSON: it belongs to nobody
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) peekObject(value as Record<string, unknown>, offset, into);
  else into.lane = laneOfNobody(offset);
}

/** The same of a record that is parsed already. */
export function peekObject({ type, tenantId, userId, observedAt, arrivedAt }: Record<string, unknown>, offset: number, into: Peek): void {
  into.time = AT_ONCE;
  into.arrivalKnown = false;
  into.lane = REFERENCE.has(type) ? EVERY_LANE : laneOfNobody(offset);
  if (!TELEMETRY.has(type) || typeof tenantId !== 'string' || typeof userId !== 'string') return;
  into.lane = laneOf(tenantId, userId);
  if (typeof observedAt !== 'number' || !Number.isInteger(observedAt) || Math.abs(observedAt) >= TIME_MAX) return;
  const known = Number.isSafeInteger(arrivedAt);
  if (known && observedAt > (arrivedAt as number) + CLOCK_AHEAD_MS) return;
  into.arrivalKnown = known;
  into.time = observedAt;
}
