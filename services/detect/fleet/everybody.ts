/** Facts that are for everybody: kept in a few versions, so that each person reads the one that is in force by their own time. */
import type { FleetFact } from '#schemas/records.ts';
import type { KeyedStore } from '#lib/state/state.ts';

/** Versions of one subject; people lag behind each other by less than these reach back. */
const VERSIONS_MAX = 8;

export class Everybody {
  readonly #store: KeyedStore<FleetFact[]>;

  constructor(store: KeyedStore<FleetFact[]>) {
    this.#store = store;
  }

  /** Taking the same one twice changes nothing. */
  add(fact: FleetFact): void {
    const versions = this.#store.get(fact.subject) ?? [];
    let place = versions.length;
    while (place > 0 && versions[place - 1]!.effectiveAt > fact.effectiveAt) place--;
    if (place > 0 && versions[place - 1]!.effectiveAt === fact.effectiveAt) return;
    versions.splice(place, 0, fact);
    if (versions.length > VERSIONS_MAX) versions.shift();
    this.#store.set(fact.subject, versions);
  }

  /** Networks come and go: what nobody has said again since `before` (effectiveAt, epoch ms) goes. Cohorts are few, and stay. */
  forget(before: number): void {
    for (const [subject, versions] of this.#store.entries()) {
      const last = versions.at(-1)!;
      if (last.kind === 'EGRESS' && last.effectiveAt < before) this.#store.delete(subject);
    }
  }

  /** The one in force at an event time; null for none. */
  at(subject: string, at: number): FleetFact | null {
    const versions = this.#store.get(subject);
    if (versions === undefined) return null;
    for (let i = versions.length - 1; i >= 0; i--) if (versions[i]!.effectiveAt <= at) return versions[i]!;
    return null;
  }
}
