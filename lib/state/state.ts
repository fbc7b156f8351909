/**
 * Keyed state of one task. Values live decoded in memory; when change capture is on, the host takes the changed keys
 * at each commit and writes their encoded form to the compacted changelog, in the same transaction as the outputs.
 */
export interface StateCodec<V> {
  encode(value: V): Uint8Array;
  decode(bytes: Uint8Array): V;
  /**
   * Reads a little of everything that `encode` will read of these values. What lies all over the heap is
   * waited for one after the other while one value is encoded, and at the same time while many are only looked at.
   */
  touch?(values: readonly (V | undefined)[]): void;
}

export interface KeyedStore<V> {
  get(key: string): V | undefined;
  /** Stores and marks as changed. Call it again after changing a value in place, or `changed`. */
  set(key: string, value: V): void;
  /** Marks as changed what is there and changes in place: what `set` of the same value does, without a look at the store. */
  changed(key: string): void;
  delete(key: string): void;
  readonly size: number;
  entries(): IterableIterator<[string, V]>;
}

/** Opens the named stores of one task; names are unique within a service and never change meaning (they are on disk). */
export interface TaskState {
  /** Whether changes are drained: then what is encoded early, while it is at hand, is not encoded in vain. */
  readonly captures?: boolean;
  keyed<V>(name: string, codec: StateCodec<V>): KeyedStore<V>;
}
