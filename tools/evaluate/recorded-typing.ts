/** Real keystrokes, played back: the intervals and holds of one person in the order in which they were typed. */
import type { Prng } from '#lib/kernel/prng.ts';
import { readTyping, type TypingPerson } from '../simulate/measured.ts';
import type { KeyFactory, KeyProcess } from '../simulate/typist.ts';

/** Longer than this is a break between sentences and not typing, ms. */
const BREAK_MS = 8000;
/** A person needs this many keystrokes to make a session. */
const KEYSTROKES_MIN = 300;

export interface RecordedPerson {
  id: string;
  /** Parallel: interval to the next press, and hold of the key, ms. */
  intervals: Float64Array;
  holds: Float64Array;
  /** Where sentences begin in the two lists. */
  starts: number[];
}

function record(person: TypingPerson): RecordedPerson {
  const intervals: number[] = [];
  const holds: number[] = [];
  const starts: number[] = [];
  for (const { press, release } of person.sentences) {
    starts.push(intervals.length);
    for (let i = 0; i + 1 < press.length; i++) {
      const interval = press[i + 1]! - press[i]!;
      const hold = release[i]! - press[i]!;
      if (interval < 0 || interval > BREAK_MS || hold <= 0 || hold > 2000) continue;
      intervals.push(interval);
      holds.push(hold);
    }
  }
  return { id: person.id, intervals: Float64Array.from(intervals), holds: Float64Array.from(holds), starts };
}

export function readPeople(dir?: string): RecordedPerson[] {
  return readTyping(dir)
    .map(record)
    .filter((person) => person.intervals.length >= KEYSTROKES_MIN);
}

/**
 * A session is longer than what anybody typed for the data, so sentences are typed again, in an order of their own;
 * every interval of typing begins with a sentence or goes on where the last one stopped.
 */
class RecordedKeys implements KeyProcess {
  /** The recording has its own clock's raster in it. */
  readonly gridMs = 0;
  readonly #person: RecordedPerson;
  readonly #prng: Prng;
  #at: number;
  #end: number;

  constructor(person: RecordedPerson, prng: Prng) {
    this.#person = person;
    this.#prng = prng;
    this.#at = 0;
    this.#end = 0;
  }

  settle(): void {
    if (this.#at >= this.#end) this.#begin();
  }

  nextInterval(): number {
    if (this.#at >= this.#end) this.#begin();
    return this.#person.intervals[this.#at++]!;
  }

  /** The hold that belongs to the coming interval's key. */
  nextHold(): number {
    if (this.#at >= this.#end) this.#begin();
    return this.#person.holds[this.#at]!;
  }

  #begin(): void {
    const { starts, intervals } = this.#person;
    for (let tries = 0; tries < 8 && this.#at >= this.#end; tries++) {
      const sentence = this.#prng.below(starts.length);
      this.#at = starts[sentence]!;
      this.#end = starts[sentence + 1] ?? intervals.length;
    }
    if (this.#at < this.#end) return;
    this.#at = 0;
    this.#end = intervals.length;
  }
}

export const keysOf =
  (person: RecordedPerson): KeyFactory =>
  (prng) =>
    new RecordedKeys(person, prng);
