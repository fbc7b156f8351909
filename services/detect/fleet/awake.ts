/**
 * Which subjects of the exchange stay objects between their hours: those of which something comes nearly every hour, or every day while there is
 * room, as reading and writing them costs as much as the hour itself. All others rest as bytes (subject-codec.ts).
 */
import { DAY_MS, HOUR_MS } from './minutes.ts';

/** People in all that stay awake. */
const PEOPLE_MAX = 8192;
/** Where there are more subjects, those of one person rest as well. */
const ALL_SUBJECTS_MAX = 4096;

export class AwakeSubjects {
  /** How many people are in each. */
  readonly #people = new Map<string, number>();
  #all = 0;
  /** Somebody found no room since `restBefore` was asked. */
  #crowded = false;

  /** Whether a subject with so many people may stay objects until its next hour, of so many `subjects`. */
  mayStay(name: string, people: number, subjects: number): boolean {
    const before = this.#people.get(name) ?? 0;
    const all = this.#all - before + people;
    if (all > PEOPLE_MAX || (people === 1 && subjects > ALL_SUBJECTS_MAX)) {
      this.#crowded ||= all > PEOPLE_MAX;
      this.sleep(name);
      return false;
    }
    if (people !== before) this.#people.set(name, people);
    this.#all = all;
    return true;
  }

  sleep(name: string): void {
    this.#all -= this.#people.get(name) ?? 0;
    this.#people.delete(name);
  }

  names(): Iterable<string> {
    return this.#people.keys();
  }

  /** Once hours that end at `end` are complete: those of which nothing has come for hours that begin from then on go to rest. */
  restBefore(end: number): number {
    const since = end - (this.#crowded ? HOUR_MS : DAY_MS);
    this.#crowded = false;
    return since;
  }
}
