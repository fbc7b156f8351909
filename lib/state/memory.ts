/**
 * Task state in memory. Without change capture it is a set of named maps (embedded and replay hosts); with it, the
 * host drains the changed keys at each commit and writes their encoded form to the changelog (lib/runner).
 */
import { assert } from '#lib/kernel/errors.ts';
import type { KeyedStore, StateCodec, TaskState } from './state.ts';

/** One changed key of one store. `value` is null where the key was deleted (a tombstone in the changelog). */
export interface StateChange {
  readonly store: string;
  readonly key: string;
  readonly value: Uint8Array | null;
}

/** Task state whose changes can be taken out and put back. */
export interface CapturedState extends TaskState {
  /** Hands every key changed since the last drain to `take`, encoded, in the order of first change; then forgets them. */
  drainChanges(take: (change: StateChange) => void): number;
  /** Every key with its encoded value, one after the other. The state may change between two of them, not during one. */
  encoded(): Iterable<StateChange & { readonly value: Uint8Array }>;
  /** Applies one changelog record while restoring; not captured as a change. A later record of a key wins. */
  restore(store: string, key: string, value: Uint8Array | null): void;
  /** How many keys have changed since the last drain: what the next commit will write. */
  readonly changedKeys: number;
  /** Rises with every set and delete: tells whether a failed attempt has touched anything. */
  readonly mutations: number;
  /** Keys over all stores. */
  readonly size: number;
}

/** Task state that can be written out whole and filled again, for hosts that keep it in a file of their own. */
export interface StoredState extends TaskState {
  encoded(): Iterable<StateChange & { readonly value: Uint8Array }>;
  restore(store: string, key: string, value: Uint8Array): void;
}

/** Values that are looked at together before they are encoded: few enough to stay in the nearest caches until then. */
const TOUCHED = 32;

class MemoryStore<V> implements KeyedStore<V> {
  readonly #values = new Map<string, V>();
  #changed: Set<string> | null;
  readonly codec: StateCodec<V>;
  mutations = 0;

  constructor(codec: StateCodec<V>, capture: boolean) {
    this.codec = codec;
    this.#changed = capture ? new Set() : null;
  }

  get(key: string): V | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: V): void {
    this.#values.set(key, value);
    this.changed(key);
  }

  changed(key: string): void {
    this.mutations++;
    this.#changed?.add(key);
  }

  delete(key: string): void {
    if (!this.#values.delete(key)) return;
    this.mutations++;
    this.#changed?.add(key);
  }

  get size(): number {
    return this.#values.size;
  }

  entries(): IterableIterator<[string, V]> {
    return this.#values.entries();
  }

  get changedKeys(): number {
    return this.#changed?.size ?? 0;
  }

  restore(key: string, value: Uint8Array | null): void {
    if (value === null) this.#values.delete(key);
    else this.#values.set(key, this.codec.decode(value));
  }

  *encoded(store: string): Generator<StateChange & { readonly value: Uint8Array }, void, undefined> {
    for (const [key, value] of this.#values) yield { store, key, value: this.codec.encode(value) };
  }

  drain(store: string, take: (change: StateChange) => void): number {
    if (this.#changed === null) return 0;
    const count = this.#changed.size;
    const keys: string[] = [];
    for (const key of this.#changed) {
      if (keys.push(key) < TOUCHED) continue;
      this.#encodeAll(store, keys, take);
      keys.length = 0;
    }
    this.#encodeAll(store, keys, take);
    // Not emptied: the tables of a set that has grown old are kept until a full collection.
    if (count > 0) this.#changed = new Set();
    return count;
  }

  #encodeAll(store: string, keys: readonly string[], take: (change: StateChange) => void): void {
    const values = keys.map((key) => this.#values.get(key));
    this.codec.touch?.(values);
    for (let i = 0; i < keys.length; i++) {
      const value = values[i];
      take({ store, key: keys[i]!, value: value === undefined ? null : this.codec.encode(value) });
    }
  }
}

class MemoryState implements CapturedState, StoredState {
  readonly #stores = new Map<string, MemoryStore<unknown>>();
  /** Changelog records of stores that the task has not opened yet: last value by key, decoded when it opens them. */
  readonly #waiting = new Map<string, Map<string, Uint8Array | null>>();
  readonly captures: boolean;

  constructor(capture: boolean) {
    this.captures = capture;
  }

  keyed<V>(name: string, codec: StateCodec<V>): KeyedStore<V> {
    assert(!this.#stores.has(name), `state store ${name} was opened twice`);
    const store = new MemoryStore<V>(codec, this.captures);
    this.#stores.set(name, store as unknown as MemoryStore<unknown>);
    for (const [key, value] of this.#waiting.get(name) ?? []) store.restore(key, value);
    this.#waiting.delete(name);
    return store;
  }

  drainChanges(take: (change: StateChange) => void): number {
    let count = 0;
    for (const [name, store] of this.#stores) count += store.drain(name, take);
    return count;
  }

  /** What the task never opened is part of it: a later release may. */
  *encoded(): Generator<StateChange & { readonly value: Uint8Array }, void, undefined> {
    for (const [name, store] of this.#stores) yield* store.encoded(name);
    for (const [store, values] of this.#waiting) for (const [key, value] of values) if (value !== null) yield { store, key, value };
  }

  restore(name: string, key: string, value: Uint8Array | null): void {
    const store = this.#stores.get(name);
    if (store !== undefined) return store.restore(key, value);
    let waiting = this.#waiting.get(name);
    if (waiting === undefined) this.#waiting.set(name, (waiting = new Map()));
    waiting.set(key, value);
  }

  get changedKeys(): number {
    let count = 0;
    for (const store of this.#stores.values()) count += store.changedKeys;
    return count;
  }

  get mutations(): number {
    let count = 0;
    for (const store of this.#stores.values()) count += store.mutations;
    return count;
  }

  get size(): number {
    let count = 0;
    for (const store of this.#stores.values()) count += store.size;
    return count;
  }
}

/** State of one task for the embedded and replay hosts and for tests: nothing is encoded, nothing is captured. */
export function createMemoryState(): StoredState {
  return new MemoryState(false);
}

/** State of one task whose changes go to a changelog. */
export function createCapturedState(): CapturedState {
  return new MemoryState(true);
}
