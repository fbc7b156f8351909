/**
 * Things to be used again: every minute of everybody needs some, typed arrays are dear to make, and what is made anew each minute has to be
 * collected. Which one is handed out never shows, as each is cleared when it comes back.
 */
export class Spares<T> {
  readonly #kept: T[] = [];
  readonly #make: () => T;
  readonly #clear: (item: T) => void;
  readonly #max: number;

  /** @param max most that are kept; what comes back beyond that is left to the collector */
  constructor(make: () => T, clear: (item: T) => void, max = 256) {
    this.#make = make;
    this.#clear = clear;
    this.#max = max;
  }

  /** A cleared one. */
  take(): T {
    return this.#kept.pop() ?? this.#make();
  }

  /** Hands back one that nobody holds any more. */
  release(item: T): void {
    if (this.#kept.length >= this.#max) return;
    this.#clear(item);
    this.#kept.push(item);
  }
}
