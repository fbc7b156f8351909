/**
 * IP literals as numbers. Only strict spellings are taken (no octal, no short forms), as ingest admits them; a zone
 * (`fe80::1%eth0`) is dropped. What an address *means* is scope.ts; here it is only read.
 */
import ipaddr from 'ipaddr.js';

/** One 32-bit word for IPv4; four for IPv6, most significant first. All unsigned. */
export type AddressWords = readonly [number] | readonly [number, number, number, number];

/** Longest literal that is looked at, characters: a full IPv6 with embedded IPv4 (45) and a zone. */
const LITERAL_CHARACTERS_MAX = 64;

/** Strict dotted quad → unsigned 32 bits; -1 where the text is none. */
export function parseIpv4(text: string): number {
  const length = text.length;
  if (length < 7 || length > 15) return -1;
  let address = 0;
  let octet = -1;
  let octets = 0;
  for (let i = 0; i <= length; i++) {
    const code = i === length ? 46 : text.charCodeAt(i);
    if (code === 46) {
      if (octet < 0 || octets === 4) return -1;
      address = address * 256 + octet;
      octets++;
      octet = -1;
    } else if (code >= 48 && code <= 57) {
      if (octet === 0) return -1; // a leading zero: octal to some, decimal to others
      octet = octet < 0 ? code - 48 : octet * 10 + code - 48;
      if (octet > 255) return -1;
    } else return -1;
  }
  return octets === 4 ? address : -1;
}

/** Any IP literal → its words as written (an IPv4-mapped literal stays IPv6); null where the text is none. */
export function parseAddress(text: string): AddressWords | null {
  const v4 = parseIpv4(text);
  if (v4 >= 0) return [v4];
  if (text.length > LITERAL_CHARACTERS_MAX || !text.includes(':')) return null;
  const zone = text.indexOf('%');
  const literal = zone < 0 ? text : text.slice(0, zone);
  if (!ipaddr.IPv6.isValid(literal)) return null;
  const p = ipaddr.IPv6.parse(literal).parts as number[];
  const word = (i: number) => (p[i] as number) * 65536 + (p[i + 1] as number);
  return [word(0), word(2), word(4), word(6)];
}

/** The canonical spelling: dotted quad, or RFC 5952 for IPv6. */
export function formatAddress(words: AddressWords): string {
  if (words.length === 1) {
    const v4 = words[0];
    return `${v4 >>> 24}.${(v4 >>> 16) & 255}.${(v4 >>> 8) & 255}.${v4 & 255}`;
  }
  const parts = words.flatMap((word) => [word >>> 16, word & 0xffff]);
  return new ipaddr.IPv6(parts).toRFC5952String();
}

/** An inclusive range of one family, as big integers: for building tables, not for looking up. */
export interface AddressRange {
  readonly version: 4 | 6;
  readonly start: bigint;
  readonly end: bigint;
}

/** The words as one big integer. */
export function toBigInt(words: AddressWords): bigint {
  let value = 0n;
  for (const word of words) value = (value << 32n) | BigInt(word);
  return value;
}

/** `a.b.c.d/24`, `2001:db8::/32`, a lone address, or `first-last` → its range; null where the text is none of them. */
export function parseRange(text: string): AddressRange | null {
  const dash = text.indexOf('-');
  if (dash > 0) {
    const first = parseRange(text.slice(0, dash).trim());
    const last = parseRange(text.slice(dash + 1).trim());
    if (first === null || last === null || first.version !== last.version || last.end < first.start) return null;
    return { version: first.version, start: first.start, end: last.end };
  }
  const slash = text.indexOf('/');
  const words = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (words === null) return null;
  const width = words.length * 32;
  const bitsText = slash < 0 ? String(width) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(bitsText) || Number(bitsText) > width) return null;
  const hostBits = BigInt(width - Number(bitsText));
  const start = (toBigInt(words) >> hostBits) << hostBits;
  const end = start | ((1n << hostBits) - 1n);
  if (width === 128 && start >> 32n === 0xffffn && end >> 32n === 0xffffn) {
    return { version: 4, start: start & 0xffffffffn, end: end & 0xffffffffn }; // inside ::ffff:0:0/96: it is IPv4
  }
  return { version: words.length === 1 ? 4 : 6, start, end };
}
