/**
 * Step: the facts of an address as one tenant sees it, that is with the tenant's network policy. Without a policy the
 * book's own object is handed on; with one, a copy is kept per (policies, address), so that a repeated address costs one
 * or two Map look-ups.
 */
import type { PolicyMatcher } from '#lib/reference/port.ts';
import type { AddressFacts } from '#schemas/records.ts';
import type { AddressBook } from '../address-book.ts';

/** A shared, frozen object: callers must not change it. */
export type DescribeAddress = (book: AddressBook, policies: PolicyMatcher, ip: string) => AddressFacts;

type Generations = Map<number, Map<string, AddressFacts>>;

export function createDescribeAddress(cacheEntriesMax: number): DescribeAddress {
  const youngMax = Math.max(1, cacheEntriesMax >>> 1);
  let bookOfCache: AddressBook | null = null;
  let young: Generations = new Map();
  let old: Generations = new Map();
  let youngEntries = 0;

  function keep(generation: number, ip: string, facts: AddressFacts): void {
    if (youngEntries >= youngMax) {
      old = young;
      young = new Map();
      youngEntries = 0;
    }
    let entries = young.get(generation);
    if (entries === undefined) young.set(generation, (entries = new Map()));
    entries.set(ip, facts);
    youngEntries++;
  }

  return function describeAddress(book, policies, ip) {
    if (policies.size === 0) return book.describe(ip);
    if (book !== bookOfCache) {
      bookOfCache = book;
      young = new Map();
      old = new Map();
      youngEntries = 0;
    }
    const { generation } = policies;
    const cached = young.get(generation)?.get(ip);
    if (cached !== undefined) return cached;
    let facts = old.get(generation)?.get(ip);
    if (facts === undefined) {
      const base = book.describe(ip);
      const policy = policies.match(base.ip);
      facts = policy === null ? base : Object.freeze({ ...base, policy });
    }
    keep(generation, ip, facts);
    return facts;
  };
}
