/**
 * The lists of IP databases that sightings name. Every sighting of a time has the same list, so each is kept once per
 * task, in a store of its own, and states name it by a hash of its text: the same in every process and every run.
 */
import { createHash } from 'node:crypto';
import type { KeyedStore, StateCodec, TaskState } from '#lib/state/state.ts';
import type { DatabaseVersion } from '#schemas/records.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

type Databases = DatabaseVersion[];

const codec: StateCodec<Databases> = {
  encode: (databases) => Buffer.from(JSON.stringify(databases)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Databases,
};

/** Lists that are kept apart; databases are replaced some times a year. Further ones are written out in full. */
const LISTS_MAX = 1_000;
const HASH_DIGITS = 12;
const NONE = 0;
const NAMED = 1;
const IN_FULL = 2;

export class DatabasesDictionary {
  readonly #store: KeyedStore<Databases>;
  /** Number out of the hash, by list. */
  readonly #names = new WeakMap<Databases, number>();

  /** To be made after the stores that name its lists: what they add while they are encoded leaves in the same commit. */
  constructor(state: TaskState) {
    this.#store = state.keyed('databases', codec);
  }

  write(out: ByteWriter, databases: Databases): void {
    if (databases.length === 0) return out.count(NONE);
    const name = this.#names.get(databases) ?? this.#nameOf(databases);
    if (name < 0) {
      out.count(IN_FULL);
      return out.plain(databases);
    }
    out.count(NAMED);
    out.count(name);
  }

  read(input: ByteReader): Databases {
    const how = input.count();
    if (how === NONE) return [];
    if (how === IN_FULL) return input.plain<Databases>();
    const name = input.count();
    return this.#store.get(keyOf(name)) ?? [];
  }

  /** −1 where it has no name: too many lists, or another list of the same hash. */
  #nameOf(databases: Databases): number {
    const text = JSON.stringify(databases);
    const name = Number.parseInt(createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS), 16);
    const known = this.#store.get(keyOf(name));
    if (known === undefined) {
      if (this.#store.size >= LISTS_MAX) return -1;
      this.#store.set(keyOf(name), databases);
    } else if (JSON.stringify(known) !== text) return -1;
    this.#names.set(databases, name);
    return name;
  }
}

const keyOf = (name: number): string => name.toString(16);
