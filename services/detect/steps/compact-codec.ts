/**
 * Forms of values that come back in every state: names of which most are hexadecimal, UUIDs, addresses or fingerprints, numbers of
 * which most are whole, times near others, words of a short list. What has none of these forms is written as it is.
 */
import type { NetworkCategory, PolicyKind, Sensor } from '#schemas/records.ts';
import { textOf, type ByteReader, type ByteWriter } from './bytes.ts';

/** Append only: states, and reports to the exchange, name words by their place. */
export const SENSORS: readonly Sensor[] = ['ENDPOINT_AGENT', 'VDI_GATEWAY', 'WEB_APP', 'BASTION'];
export const CATEGORIES: readonly NetworkCategory[] = ['UNKNOWN', 'RESIDENTIAL', 'HOSTING', 'VPN', 'TOR', 'MOBILE', 'BUSINESS', 'EDUCATION'];
export const POLICIES: readonly PolicyKind[] = ['CORPORATE_EGRESS', 'TRUSTED_PARTNER', 'BLOCKED'];

/** A word of the list as its place from 1 on; any other text behind a 0. */
export function writeWord(out: ByteWriter, value: string, words: readonly string[]): void {
  const place = words.indexOf(value) + 1;
  out.count(place);
  if (place === 0) out.text(value);
}

export function readWord<T extends string>(input: ByteReader, words: readonly T[]): T {
  const place = input.count();
  return place === 0 ? (input.text() as T) : words[place - 1]!;
}

/** What comes before a name; beyond these, so many bytes of hexadecimal digits. */
const TEXT = 0;
const UUID = 1;
const IPV4 = 2;
const JA4 = 3;
/** Longer names are written as they are. */
const NAME_MAX = 64;
const UUID_LENGTH = 36;
const DASHES = [8, 13, 18, 23];
/** A JA4 fingerprint: ten characters, and two hashes of twelve digits. */
const JA4_HEAD = 10;
const JA4_BARS = [10, 23];
const DASH = 0x2d;
const BAR = 0x5f;
const DOT = 0x2e;

const NO_MARKS: readonly number[] = [];
/** Of the address that `isIpv4` was asked for last. */
const octets = new Uint8Array(4);

function isIpv4(text: string): boolean {
  let part = 0;
  let value = -1;
  for (let i = 0; i <= text.length; i++) {
    const code = i === text.length ? DOT : text.charCodeAt(i);
    if (code === DOT) {
      if (value < 0 || part > 3) return false;
      octets[part++] = value;
      value = -1;
    } else if (code < 48 || code > 57 || value === 0) return false;
    else {
      value = (value < 0 ? 0 : value * 10) + code - 48;
      if (value > 255) return false;
    }
  }
  return part === 4;
}

/** Whether it was written as hexadecimal digits. */
function writeDigits(out: ByteWriter, text: string): boolean {
  const { length } = text;
  if (length === UUID_LENGTH) {
    if (text.charCodeAt(DASHES[0]!) === DASH) return out.digits(UUID, text, 0, DASH, DASHES);
    if (text.charCodeAt(JA4_BARS[0]!) === BAR) return out.digits(JA4, text, JA4_HEAD, BAR, JA4_BARS);
  }
  return length % 2 === 0 && length > 0 && length <= NAME_MAX && out.digits(JA4 + length / 2, text, 0, DASH, NO_MARKS);
}

export function writeName(out: ByteWriter, text: string): void {
  const { length } = text;
  if (length >= 7 && length <= 15 && isIpv4(text)) {
    out.count(IPV4);
    for (let i = 0; i < 4; i++) out.byte(octets[i]!);
  } else if (!writeDigits(out, text)) {
    out.count(TEXT);
    out.text(text);
  }
}

/** Characters of the name that is read. */
const characters = new Uint8Array(NAME_MAX);
const DIGIT_CODES = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));

function readHex(input: ByteReader, from: number, length: number, mark: number, marks: readonly number[]): void {
  let next = 0;
  let byte = -1;
  for (let i = from; i < length; i++) {
    if (i === marks[next]) {
      characters[i] = mark;
      next++;
    } else if (byte < 0) {
      byte = input.byte();
      characters[i] = DIGIT_CODES[byte >> 4]!;
    } else {
      characters[i] = DIGIT_CODES[byte & 15]!;
      byte = -1;
    }
  }
}

/** Answers the length. */
function readIpv4(input: ByteReader): number {
  let length = 0;
  for (let part = 0; part < 4; part++) {
    const octet = input.byte();
    if (part > 0) characters[length++] = DOT;
    if (octet >= 100) characters[length++] = DIGIT_CODES[Math.floor(octet / 100)]!;
    if (octet >= 10) characters[length++] = DIGIT_CODES[Math.floor(octet / 10) % 10]!;
    characters[length++] = DIGIT_CODES[octet % 10]!;
  }
  return length;
}

export function readName(input: ByteReader): string {
  const form = input.count();
  if (form === TEXT) return input.text();
  let length = form === UUID || form === JA4 ? UUID_LENGTH : 2 * (form - JA4);
  if (form === IPV4) length = readIpv4(input);
  else if (form === UUID) readHex(input, 0, length, DASH, DASHES);
  else if (form === JA4) {
    for (let i = 0; i < JA4_HEAD; i++) characters[i] = input.byte();
    readHex(input, JA4_HEAD, length, BAR, JA4_BARS);
  } else readHex(input, 0, length, DASH, NO_MARKS);
  return textOf(characters, 0, length);
}

export function writeOptionalName(out: ByteWriter, text: string | null): void {
  out.flag(text !== null);
  if (text !== null) writeName(out, text);
}

export const readOptionalName = (input: ByteReader): string | null => (input.flag() ? readName(input) : null);

/** How a number is written, in the lowest bits of its first count. */
const WHOLE = 0;
const DECIMAL = 1;
const SINGLE = 2;
const DOUBLE = 3;
const KINDS = 4;
/** Decimals are of degrees, to 10 m. */
const DECIMALS = 10_000;
const WHOLE_MAX = 2 ** 48;
const zigzag = (value: number): number => (value >= 0 ? value * 2 : -value * 2 - 1);
const unzigzag = (value: number): number => (value % 2 === 0 ? value / 2 : -(value + 1) / 2);

/** Any number, to the bit. */
export function writeNumber(out: ByteWriter, value: number): void {
  if (Number.isInteger(value) && Math.abs(value) < WHOLE_MAX && !Object.is(value, -0)) return out.count(KINDS * zigzag(value) + WHOLE);
  const decimal = Math.round(value * DECIMALS);
  if (Math.abs(decimal) < WHOLE_MAX && decimal / DECIMALS === value && decimal !== 0) return out.count(KINDS * zigzag(decimal) + DECIMAL);
  if (Math.fround(value) === value) {
    out.count(SINGLE);
    return out.single(value);
  }
  out.count(DOUBLE);
  out.double(value);
}

export function readNumber(input: ByteReader): number {
  const first = input.count();
  const kind = first % KINDS;
  if (kind === DOUBLE) return input.double();
  if (kind === SINGLE) return input.single();
  const value = unzigzag((first - kind) / KINDS);
  return kind === WHOLE ? value : value / DECIMALS;
}

export function writeOptionalNumber(out: ByteWriter, value: number | null): void {
  out.flag(value !== null);
  if (value !== null) writeNumber(out, value);
}

export const readOptionalNumber = (input: ByteReader): number | null => (input.flag() ? readNumber(input) : null);

/** A time (whole ms, or −Infinity for never) by its distance from another that the reader has. */
export function writeTime(out: ByteWriter, at: number, from: number): void {
  out.count(at === -Infinity ? 0 : 1 + zigzag(at - from));
}

export function readTime(input: ByteReader, from: number): number {
  const distance = input.count();
  return distance === 0 ? -Infinity : from + unzigzag(distance - 1);
}
