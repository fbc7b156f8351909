/**
 * Up to which event time a task of detect knows its facts: the least of what the tasks of the exchange have said. Beyond
 * it the host holds the input back.
 */
import type { FleetProgress } from '#schemas/records.ts';
import type { KeyedStore } from '#lib/state/state.ts';

export class Horizon {
  readonly #store: KeyedStore<FleetProgress>;

  constructor(store: KeyedStore<FleetProgress>) {
    this.#store = store;
  }

  heard(progress: FleetProgress): void {
    const key = String(progress.from);
    const known = this.#store.get(key);
    if (known !== undefined && known.throughAt >= progress.throughAt && known.frontAt >= progress.frontAt) return;
    this.#store.set(key, progress);
  }

  /** −Infinity while a task of the exchange has said nothing. */
  get throughAt(): number {
    let through = Infinity;
    let heard = 0;
    let of = 1;
    for (const [, progress] of this.#store.entries()) {
      through = Math.min(through, progress.throughAt);
      of = progress.of;
      heard++;
    }
    return heard < of ? -Infinity : through;
  }

  /** Highest event time that any task of detect has met, as far as it is known here; −Infinity for none. */
  get frontAt(): number {
    let front = -Infinity;
    for (const [, progress] of this.#store.entries()) front = Math.max(front, progress.frontAt);
    return front;
  }
}
