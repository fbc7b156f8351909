/**
 * A bounded near cache over hashes of a remote store: groups (one per tenant) of entries, dropped by group when the
 * store says that the group's hash changed. Two generations: when the young one has half the bound, the old one is
 * dropped and the young one takes its place, so that what is in use stays and no entry needs a list of its own.
 *
 * A read that was under way while its group was invalidated must not be kept: its reply may be older than the write.
 * So a reader opens a `ReadTicket` before it asks the store, and `keep` refuses what was invalidated meanwhile.
 */

/** Handed out by `begin`; collects what was invalidated while the read is under way. */
export interface ReadTicket {
  flushed: boolean;
  /** Null until something is invalidated. */
  invalidated: Set<string> | null;
}

interface Generation<V> {
  groups: Map<string, Map<string, V>>;
  entries: number;
}

const emptyGeneration = <V>(): Generation<V> => ({ groups: new Map(), entries: 0 });

export class NearCache<V> {
  readonly #entriesMax: number;
  #young: Generation<V> = emptyGeneration();
  #old: Generation<V> = emptyGeneration();
  readonly #reads = new Set<ReadTicket>();

  /** At most `entriesMax` entries (≥ 2). */
  constructor(entriesMax: number) {
    this.#entriesMax = Math.max(2, entriesMax);
  }

  get size(): number {
    return this.#young.entries + this.#old.entries;
  }

  /** The entry, or undefined where the cache does not know (a cached "there is none" is the caller's own value). */
  get(group: string, field: string): V | undefined {
    const young = this.#young.groups.get(group)?.get(field);
    if (young !== undefined) return young;
    const old = this.#old.groups.get(group);
    const value = old?.get(field);
    if (value === undefined) return undefined;
    old?.delete(field);
    this.#old.entries--;
    this.#put(group, field, value);
    return value;
  }

  begin(): ReadTicket {
    const ticket: ReadTicket = { flushed: false, invalidated: null };
    this.#reads.add(ticket);
    return ticket;
  }

  /** Keeps what a read brought, unless its group changed since the read began. */
  keep(ticket: ReadTicket, group: string, field: string, value: V): void {
    if (ticket.flushed || ticket.invalidated?.has(group)) return;
    this.#put(group, field, value);
  }

  end(ticket: ReadTicket): void {
    this.#reads.delete(ticket);
  }

  invalidate(group: string): void {
    for (const generation of [this.#young, this.#old]) {
      generation.entries -= generation.groups.get(group)?.size ?? 0;
      generation.groups.delete(group);
    }
    for (const ticket of this.#reads) (ticket.invalidated ??= new Set()).add(group);
  }

  flush(): void {
    this.#young = emptyGeneration();
    this.#old = emptyGeneration();
    for (const ticket of this.#reads) ticket.flushed = true;
  }

  #put(group: string, field: string, value: V): void {
    const old = this.#old.groups.get(group);
    if (old?.delete(field)) this.#old.entries--;
    if (this.#young.entries >= this.#entriesMax / 2) {
      this.#old = this.#young;
      this.#young = emptyGeneration();
    }
    let entries = this.#young.groups.get(group);
    if (entries === undefined) {
      entries = new Map();
      this.#young.groups.set(group, entries);
    }
    const before = entries.size;
    entries.set(field, value);
    this.#young.entries += entries.size - before;
  }
}
