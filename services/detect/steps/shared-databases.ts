/**
 * The list of databases of the last event, for all that name the same: each event is decoded with a list of its own, which the last
 * sighting of a session keeps, and which has to be hashed to be named (databases-dictionary.ts).
 */
import type { DatabaseVersion } from '#schemas/records.ts';

export class SharedDatabases {
  #last: DatabaseVersion[] = [];

  /** The list, or an older one that says the same: nobody may change either. */
  of(databases: DatabaseVersion[]): DatabaseVersion[] {
    if (!areSame(databases, this.#last)) this.#last = databases;
    return this.#last;
  }
}

/** Whether two lists say the same. */
export function areSame(some: readonly DatabaseVersion[], others: readonly DatabaseVersion[]): boolean {
  if (some === others) return true;
  if (some.length !== others.length) return false;
  for (let i = 0; i < some.length; i++) {
    const one = some[i]!;
    const other = others[i]!;
    if (one.name !== other.name || one.version !== other.version || one.builtAt !== other.builtAt) return false;
  }
  return true;
}
