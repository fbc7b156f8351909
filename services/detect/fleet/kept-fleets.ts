/** What the people of a task have for and from the exchange, by their key: as objects while they are live, else as bytes. */
import type { KeyedStore, StateCodec, TaskState } from '#lib/state/state.ts';
import { assert } from '#lib/kernel/errors.ts';
import { ByteReader, ByteWriter, bytesOfText, textOfBytes } from '../steps/bytes.ts';
import { asPersonFleet, isEmpty, type PersonFleet } from './person-fleet.ts';
import { readPlain, writePlain } from './plain-codec.ts';

/** One of both is there. */
interface Kept {
  live: PersonFleet | null;
  /** Bytes, one a character. */
  rest: string | null;
}

const VERSION = 1;
/** Version and hour, at most. */
const HEAD_BYTES = 12;
/** What an earlier release wrote begins with a brace: JSON. */
const BRACE = 0x7b;

const out = new ByteWriter();

function write({ hour, found: _found, ...others }: PersonFleet): void {
  out.count(VERSION);
  out.integer(hour);
  writePlain(out, others);
}

function readHour(input: ByteReader): number {
  assert(input.count() === VERSION, 'what a person has of the exchange is of an unknown version');
  return input.integer();
}

function read(rest: string): PersonFleet {
  const input = new ByteReader(bytesOfText(rest));
  const hour = readHour(input);
  const others = readPlain<Omit<PersonFleet, 'hour' | 'found'>>(input);
  assert(input.atEnd, 'what a person has of the exchange holds more than its form');
  return asPersonFleet({ hour, ...others });
}

const codec: StateCodec<Kept> = {
  encode({ live, rest }) {
    if (live === null) return bytesOfText(rest!);
    write(live);
    return out.finish();
  },
  decode(bytes) {
    if (bytes[0] === BRACE) return { live: asPersonFleet(JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')) as PersonFleet), rest: null };
    return { live: null, rest: textOfBytes(bytes) };
  },
};

export class KeptFleets {
  readonly #store: KeyedStore<Kept>;

  constructor(state: TaskState) {
    this.#store = state.keyed('fleet', codec);
  }

  /** The same object for as long as the person is live; changes of it are to be saved. */
  of(key: string): PersonFleet | null {
    const kept = this.#store.get(key);
    if (kept === undefined) return null;
    if (kept.live === null) {
      kept.live = read(kept.rest!);
      kept.rest = null;
    }
    return kept.live;
  }

  /** Answers what is kept: null where there is nothing. */
  save(key: string, fleet: PersonFleet | null): PersonFleet | null {
    if (fleet === null || isEmpty(fleet)) {
      this.#store.delete(key);
      return null;
    }
    const kept = this.#store.get(key) ?? { live: fleet, rest: null };
    kept.live = fleet;
    kept.rest = null;
    this.#store.set(key, kept);
    return fleet;
  }

  /** Nothing changes by it. */
  rest(key: string): void {
    const kept = this.#store.get(key);
    if (kept === undefined || kept.live === null) return;
    write(kept.live);
    kept.rest = out.finishAsText();
    kept.live = null;
  }

  /** Answers how many keys of the state were there. */
  delete(key: string): number {
    const before = this.#store.size;
    this.#store.delete(key);
    return before - this.#store.size;
  }

  /** Start of the hour that is being gathered, by person, without waking anybody; −1 for none. */
  *hours(): Generator<[string, number]> {
    for (const [key, { live, rest }] of this.#store.entries()) yield [key, live === null ? readHour(new ByteReader(bytesOfText(rest!.slice(0, HEAD_BYTES)))) : live.hour];
  }
}
