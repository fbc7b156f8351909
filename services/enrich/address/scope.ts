/**
 * What an address is before any database is asked. Source: the IANA IPv4 and IPv6 Special-Purpose Address Registries
 * (RFC 6890 and its updates), IPv6 global unicast 2000::/3 (RFC 4291), 6to4 (RFC 3056), Teredo (RFC 4380), NAT64 (RFC 6052).
 */
import type { AddressScope } from '#schemas/records.ts';
import { formatAddress, parseAddress, type AddressWords } from '#lib/kernel/ip-address.ts';

/** An address that was read: how to write it, what it is, and which address the databases are asked about. */
export interface ScopedAddress {
  /** Canonical spelling; an IPv4-mapped literal is written as the IPv4 that it is. The text itself where it is no address. */
  readonly ip: string;
  readonly scope: AddressScope;
  /**
   * The words to look up, null unless the scope is PUBLIC. For 6to4, Teredo and NAT64 it is the IPv4 address inside:
   * the packet came from there, whatever prefix carried it.
   */
  readonly lookup: AddressWords | null;
  /** How the IPv4 inside was carried; null for an address that stands for itself. */
  readonly carriedBy: '6to4' | 'teredo' | 'nat64' | null;
}

/** [first address, prefix bits, scope], most specific first where two overlap. */
const IPV4_SPECIAL: readonly (readonly [number, number, AddressScope])[] = [
  [0x00000000, 8, 'BOGON'], // "this network", RFC 791
  [0x0a000000, 8, 'PRIVATE'], // RFC 1918
  [0x64400000, 10, 'CGNAT'], // RFC 6598
  [0x7f000000, 8, 'LOOPBACK'], // RFC 1122
  [0xa9fe0000, 16, 'LINK_LOCAL'], // RFC 3927
  [0xac100000, 12, 'PRIVATE'], // RFC 1918
  [0xc0000000, 24, 'BOGON'], // IETF protocol assignments, RFC 6890
  [0xc0000200, 24, 'BOGON'], // documentation, RFC 5737
  [0xc0586300, 24, 'BOGON'], // 6to4 relay anycast, deprecated, RFC 7526
  [0xc0a80000, 16, 'PRIVATE'], // RFC 1918
  [0xc6120000, 15, 'BOGON'], // benchmarking, RFC 2544
  [0xc6336400, 24, 'BOGON'], // documentation, RFC 5737
  [0xcb007100, 24, 'BOGON'], // documentation, RFC 5737
  [0xe0000000, 4, 'BOGON'], // multicast, RFC 5771
  [0xf0000000, 4, 'BOGON'], // reserved and broadcast, RFC 1112, RFC 919
];

/** [first 32 bits, second 32 bits, prefix bits ≤ 64, scope]: what is special inside and outside 2000::/3. */
const IPV6_SPECIAL: readonly (readonly [number, number, number, AddressScope])[] = [
  [0x20010002, 0x00000000, 48, 'BOGON'], // benchmarking, RFC 5180
  [0x20010010, 0x00000000, 28, 'BOGON'], // ORCHID, RFC 4843
  [0x20010020, 0x00000000, 28, 'BOGON'], // ORCHIDv2, RFC 7343
  [0x20010db8, 0x00000000, 32, 'BOGON'], // documentation, RFC 3849
  [0x3fff0000, 0x00000000, 20, 'BOGON'], // documentation, RFC 9637
  [0x0064ff9b, 0x00010000, 48, 'PRIVATE'], // NAT64 for local use, RFC 8215
  [0xfc000000, 0x00000000, 7, 'PRIVATE'], // unique local, RFC 4193
  [0xfe800000, 0x00000000, 10, 'LINK_LOCAL'], // RFC 4291
  [0xfec00000, 0x00000000, 10, 'PRIVATE'], // site local, deprecated, RFC 3879
];

function prefixCovers(first: number, bits: number, word: number): boolean {
  return bits <= 0 || (first ^ word) >>> (32 - Math.min(bits, 32)) === 0;
}

function scopeOfIpv4(word: number): AddressScope {
  for (const [first, bits, scope] of IPV4_SPECIAL) if (prefixCovers(first, bits, word)) return scope;
  return 'PUBLIC';
}

function scopeOfIpv6(high: number, low: number): AddressScope {
  for (const [firstHigh, firstLow, bits, scope] of IPV6_SPECIAL) {
    if (prefixCovers(firstHigh, bits, high) && prefixCovers(firstLow, bits - 32, low)) return scope;
  }
  return high >>> 29 === 1 ? 'PUBLIC' : 'BOGON'; // only 2000::/3 is global unicast: the rest is unallocated or multicast
}

/** The IPv4 address that an IPv6 address carries, with how; null where it carries none. */
function carriedIpv4(w: readonly [number, number, number, number]): { v4: number; by: 'mapped' | NonNullable<ScopedAddress['carriedBy']> } | null {
  if (w[0] === 0 && w[1] === 0 && w[2] === 0xffff) return { v4: w[3], by: 'mapped' };
  if (w[0] === 0x0064ff9b && w[1] === 0 && w[2] === 0) return { v4: w[3], by: 'nat64' };
  if (w[0] >>> 16 === 0x2002) return { v4: ((w[0] << 16) | (w[1] >>> 16)) >>> 0, by: '6to4' };
  if (w[0] === 0x20010000) return { v4: ~w[3] >>> 0, by: 'teredo' }; // the client's address is stored inverted
  return null;
}

/** Reads one literal. Never throws: what is no address is a BOGON (ingest refuses it before it comes here). */
export function scopeAddress(text: string): ScopedAddress {
  const words = parseAddress(text);
  if (words === null) return { ip: text, scope: 'BOGON', lookup: null, carriedBy: null };
  if (words.length === 1) return scopedIpv4(formatAddress(words), words[0]);
  if (words[0] === 0 && words[1] === 0 && words[2] === 0 && words[3] === 1) {
    return { ip: '::1', scope: 'LOOPBACK', lookup: null, carriedBy: null };
  }
  const carried = carriedIpv4(words);
  if (carried === null) {
    const scope = scopeOfIpv6(words[0], words[1]);
    return { ip: formatAddress(words), scope, lookup: scope === 'PUBLIC' ? words : null, carriedBy: null };
  }
  if (carried.by === 'mapped') return scopedIpv4(formatAddress([carried.v4]), carried.v4);
  // Around a public address the carrier is only a wrapping; around anything else nobody can have sent from there.
  const inside = scopeOfIpv4(carried.v4) === 'PUBLIC';
  return {
    ip: formatAddress(words),
    scope: inside ? 'PUBLIC' : 'BOGON',
    lookup: inside ? [carried.v4] : null,
    carriedBy: carried.by,
  };
}

function scopedIpv4(ip: string, word: number): ScopedAddress {
  const scope = scopeOfIpv4(word);
  return { ip, scope, lookup: scope === 'PUBLIC' ? [word] : null, carriedBy: null };
}
