/**
 * The events of a run, made beforehand: columns, and the values in a few large buffers. As objects they are hundreds of megabytes that the
 * garbage collector of the sender walks through again and again, on processors that it shares with what it measures.
 */
import type { BenchEvent, BenchEvents } from './events.ts';

const CHUNK_BYTES = 64 * 1024 * 1024;

export class PackedEvents {
  readonly count: number;
  readonly #people: { readonly name: string; readonly key: Buffer }[] = [];
  readonly #person: Uint32Array;
  readonly #observedAt: Float64Array;
  readonly #isKeystrokes: Uint8Array;
  readonly #chunks: Buffer[] = [];
  readonly #chunk: Uint16Array;
  readonly #start: Uint32Array;
  readonly #end: Uint32Array;

  constructor(events: BenchEvents) {
    const { count } = events;
    this.count = count;
    this.#person = new Uint32Array(count);
    this.#observedAt = new Float64Array(count);
    this.#isKeystrokes = new Uint8Array(count);
    this.#chunk = new Uint16Array(count);
    this.#start = new Uint32Array(count);
    this.#end = new Uint32Array(count);
    const numbers = new Map<string, number>();
    let [place, used] = [0, CHUNK_BYTES];
    for (const batch of events.batches(1_000)) {
      for (const event of batch) {
        if (used + event.value.length > CHUNK_BYTES) {
          this.#chunks.push(Buffer.allocUnsafe(CHUNK_BYTES));
          used = 0;
        }
        event.value.copy(this.#chunks.at(-1)!, used);
        this.#note(place, event, numbers, used);
        used += event.value.length;
        place++;
      }
    }
  }

  #note(place: number, { kind, person, observedAt, value }: BenchEvent, numbers: Map<string, number>, start: number): void {
    let number = numbers.get(person);
    if (number === undefined) {
      numbers.set(person, (number = this.#people.length));
      this.#people.push({ name: person, key: Buffer.from(person) });
    }
    this.#person[place] = number;
    this.#observedAt[place] = observedAt;
    this.#isKeystrokes[place] = kind === 'keystrokes' ? 1 : 0;
    this.#chunk[place] = this.#chunks.length - 1;
    this.#start[place] = start;
    this.#end[place] = start + value.length;
  }

  person(place: number): string {
    return this.#people[this.#person[place]!]!.name;
  }

  key(place: number): Buffer {
    return this.#people[this.#person[place]!]!.key;
  }

  observedAt(place: number): number {
    return this.#observedAt[place]!;
  }

  isKeystrokes(place: number): boolean {
    return this.#isKeystrokes[place] === 1;
  }

  value(place: number): Buffer {
    return this.#chunks[this.#chunk[place]!]!.subarray(this.#start[place], this.#end[place]);
  }
}
