/**
 * A bounded map that forgets what was not asked for lately. Entries live in a young generation; when it is full it
 * becomes the old one, and what is asked for again comes back. Nearly LRU, at the price of one Map look-up per hit
 * (a true LRU writes on every read).
 */
export class TwoGenerationCache<V> {
  readonly #youngMax: number;
  #young = new Map<string, V>();
  #old = new Map<string, V>();

  /** Holds at most `entriesMax` entries (≥ 2), at least half of that once it was full. */
  constructor(entriesMax: number) {
    this.#youngMax = Math.max(1, entriesMax >>> 1);
  }

  get size(): number {
    return this.#young.size + this.#old.size;
  }

  get(key: string): V | undefined {
    const value = this.#young.get(key);
    if (value !== undefined) return value;
    const kept = this.#old.get(key);
    if (kept === undefined) return undefined;
    this.#old.delete(key);
    this.set(key, kept);
    return kept;
  }

  set(key: string, value: V): void {
    if (this.#young.size >= this.#youngMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }
}
