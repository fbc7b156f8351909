/**
 * Longest-prefix matching of IPv4 and IPv6 addresses. IPv4-mapped addresses (::ffff:a.b.c.d) and ranges inside
 * ::ffff:0:0/96 are treated as the IPv4 they stand for.
 */
import { parseAddress } from '#lib/kernel/ip-address.ts';

/** An address: one 32-bit word for IPv4, four for IPv6 (most significant first). */
type Words = readonly number[];

export interface Cidr {
  /** 4 or 6. */
  readonly version: 4 | 6;
  readonly prefixBits: number;
  /** Network words with the host bits cleared. */
  readonly words: Words;
  /** One spelling per range, host bits cleared: `10.0.0.0/8`, `2001:db8:0:0:0:0:0:0/32`. */
  readonly canonical: string;
}

/** Any IP literal → its words, IPv4-mapped as IPv4; null where it is none. A zone (`%eth0`) is ignored. */
function parseWords(text: string): Words | null {
  const words = parseAddress(text);
  return words !== null && words.length === 4 && words[0] === 0 && words[1] === 0 && words[2] === 0xffff ? [words[3]] : words;
}

function maskWord(word: number, bits: number): number {
  return bits <= 0 ? 0 : bits >= 32 ? word : (word & (-1 << (32 - bits))) >>> 0;
}

function maskedKey(words: Words, prefixBits: number): number | string {
  if (words.length === 1) return maskWord(words[0] as number, prefixBits);
  return words.map((word, i) => maskWord(word, prefixBits - 32 * i).toString(16)).join(':');
}

/** `address/bits` or a lone address (one host) → its range; null where the text is no range. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const address = slash < 0 ? text : text.slice(0, slash);
  const words = parseWords(address);
  if (words === null) return null;
  const writtenBits = address.includes(':') ? 128 : 32;
  const bitsText = slash < 0 ? String(writtenBits) : text.slice(slash + 1);
  if (!/^(0|[1-9]\d{0,2})$/.test(bitsText) || Number(bitsText) > writtenBits) return null;
  const mapped = words.length === 1 && writtenBits === 128;
  const prefixBits = Number(bitsText) - (mapped ? 96 : 0);
  if (prefixBits < 0) return null; // ::ffff:0:0 with fewer than 96 bits mixes both families
  const network = words.map((word, i) => maskWord(word, prefixBits - 32 * i));
  const spelled =
    network.length === 1
      ? [24, 16, 8, 0].map((shift) => ((network[0] as number) >>> shift) & 255).join('.')
      : network.flatMap((word) => [(word >>> 16).toString(16), (word & 0xffff).toString(16)]).join(':');
  return { version: network.length === 1 ? 4 : 6, prefixBits, words: network, canonical: `${spelled}/${prefixBits}` };
}

/** One family: per prefix length that occurs, longest first, a map from the masked network to its value. */
class PrefixTables<V> {
  readonly #tables: { bits: number; values: Map<number | string, V> }[] = [];

  set(cidr: Cidr, value: V): void {
    let table = this.#tables.find((candidate) => candidate.bits === cidr.prefixBits);
    if (table === undefined) {
      table = { bits: cidr.prefixBits, values: new Map() };
      this.#tables.push(table);
      this.#tables.sort((a, b) => b.bits - a.bits);
    }
    table.values.set(maskedKey(cidr.words, cidr.prefixBits), value);
  }

  find(words: Words): V | null {
    for (const table of this.#tables) {
      const value = table.values.get(maskedKey(words, table.bits));
      if (value !== undefined) return value;
    }
    return null;
  }
}

/** A table from CIDR ranges to values; the most specific range wins, of two equal ranges the one set last. */
export class CidrTable<V> {
  readonly #v4 = new PrefixTables<V>();
  readonly #v6 = new PrefixTables<V>();

  set(cidr: Cidr, value: V): void {
    (cidr.version === 4 ? this.#v4 : this.#v6).set(cidr, value);
  }

  /** The value of the longest range that covers an IP literal; null for none, or where the text is no literal. */
  find(ip: string): V | null {
    const words = parseWords(ip);
    if (words === null) return null;
    return words.length === 1 ? this.#v4.find(words) : this.#v6.find(words);
  }
}
