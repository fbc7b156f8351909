/**
 * How well the built-in knowledge does on lists of others: `node services/enrich/category-audit.ts [DIR]`
 * reads the lists of ../shared/data/ip (or DIR) and prints, for each, what share of its addresses falls into which
 * category with no feed and no override at work. It also sets the hand-made ASN knowledge aside and tries the name rules
 * alone on it, which shows how they do on networks that nobody wrote down.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { NetworkCategory } from '#schemas/records.ts';
import type { AddressBook } from './address-book.ts';
import { formatAddress, parseRange } from '#lib/kernel/ip-address.ts';
import { ASN_KNOWLEDGE } from './category/asn-knowledge.ts';
import { parseFeed } from './category/feeds.ts';
import { ruleForName } from './category/name-rules.ts';
import { enrichConfigSchema } from './config.ts';
import { openDatabases } from './databases.ts';

type Tally = Map<string, number>;

/** Addresses looked at per range; the weight of the range is shared among them. */
const SAMPLES_PER_RANGE_MAX = 16;

const add = (tally: Tally, key: string, weight: number) => tally.set(key, (tally.get(key) ?? 0) + weight);

/** Addresses of a CIDR list by category, weighted by the size of the ranges. */
export function auditRanges(book: AddressBook, text: string): { categories: Tally; unknownTo: Tally } {
  const categories: Tally = new Map();
  const unknownTo: Tally = new Map();
  for (const line of text.split('\n')) {
    const range = parseRange(line.replace(/#.*/, '').trim());
    if (range === null || range.version !== 4) continue;
    const size = Number(range.end - range.start) + 1;
    const samples = Math.min(size, SAMPLES_PER_RANGE_MAX);
    for (let i = 0; i < samples; i++) {
      const facts = book.describe(formatAddress([Number(range.start) + Math.floor(((i + 0.5) * size) / samples)]));
      add(categories, facts.category, size / samples);
      if (facts.category !== 'HOSTING' && facts.category !== 'VPN') add(unknownTo, `AS${facts.asn} ${facts.organisation} (${facts.categoryReason})`, size / samples);
    }
  }
  return { categories, unknownTo };
}

/** ASNs of a list by category, unweighted. `systems` gives names. */
function auditAsns(systems: ReadonlyMap<number, string>, text: string, file: string): Tally {
  const categories: Tally = new Map();
  for (const asn of parseFeed(text, file).asns) {
    const name = systems.get(asn);
    if (name !== undefined) add(categories, ASN_KNOWLEDGE.get(asn) ?? ruleForName(name)?.category ?? 'UNKNOWN', 1); // what is not announced has no name to go by
  }
  return categories;
}

/** The name rules alone against the hand-made knowledge: how each known category is called by them. */
export function auditNames(systems: ReadonlyMap<number, string>): Map<NetworkCategory, Tally> {
  const byCategory = new Map<NetworkCategory, Tally>();
  for (const [asn, category] of ASN_KNOWLEDGE) {
    const name = systems.get(asn);
    if (name === undefined) continue;
    const tally: Tally = byCategory.get(category) ?? new Map<string, number>();
    byCategory.set(category, tally);
    add(tally, ruleForName(name)?.category ?? 'UNKNOWN', 1);
  }
  return byCategory;
}

export function show(tally: Tally): string {
  const total = [...tally.values()].reduce((sum, value) => sum + value, 0);
  const parts = [...tally].sort((a, b) => b[1] - a[1]).map(([key, value]) => `${key} ${((100 * value) / total).toFixed(1)}%`);
  return `${parts.join(', ')} of ${Math.round(total).toLocaleString('en')}`;
}

/** Names out of the default tables. */
export function defaultSystems(): Map<number, string> {
  const systems = new Map<number, string>();
  for (const name of ['asn-ipv4.csv', 'asn-ipv6.csv']) {
    const text = readFileSync(fileURLToPath(import.meta.resolve(`@ip-location-db/asn/${name}`)), 'utf8');
    for (const [, asn, organisation] of text.matchAll(/^[^,]+,[^,]+,(\d+),"?(.*?)"?$/gm)) systems.set(Number(asn), organisation as string);
  }
  return systems;
}

async function main(): Promise<void> {
  const directory = process.argv[2] ?? path.resolve(import.meta.dirname, '../../../shared/data/ip');
  const read = (file: string) => readFileSync(path.join(directory, file), 'utf8');
  const book = (await openDatabases(enrichConfigSchema.parse({}))).current;
  for (const file of ['datacenter_ipv4.txt', 'vpn_ipv4.txt', 'apple_private_relay.txt']) {
    const { categories, unknownTo } = auditRanges(book, read(file));
    console.log(`${file}, addresses: ${show(categories)}`);
    for (const [key, weight] of [...unknownTo].sort((a, b) => b[1] - a[1]).slice(0, 12)) console.log(`    ${Math.round(weight).toLocaleString('en').padStart(12)}  ${key}`);
  }
  const systems = defaultSystems();
  for (const file of ['datacenter_ASN.txt', 'bad-asn-list.csv', 'vpn_ASN.txt']) console.log(`${file}, ASNs: ${show(auditAsns(systems, read(file), file))}`);
  console.log('name rules alone on the ASNs known by hand:');
  for (const [category, tally] of auditNames(systems)) console.log(`    ${category}: ${show(tally)}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main();
