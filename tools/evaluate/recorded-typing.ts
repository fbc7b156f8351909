/**
 * Real keystrokes, played back: the intervals and holds of one person in the order in which they were typed. On each day
 * a person types other sentences, a little faster or slower, so that days differ as a person's days do.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import { readTyping, type TypingPerson } from '../simulate/measured.ts';
import type { KeyFactory, KeyProcess } from '../simulate/typist.ts';

/** Longer than this is a break between sentences and not typing, ms. */
const BREAK_MS = 8000;
/** A person needs this many keystrokes to make a session. */
const KEYSTROKES_MIN = 300;
/** Share of the sentences that is typed on one day, and how far a day's speed is from the person's own (SD of its log). */
const DAY_SHARE = 0.6;
const DAY_SPEED_SIGMA = 0.05;
/** Share of intervals on a grid from which the recording's clock counts as that coarse. */
const GRID_SHARE = 0.3;

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

/** The raster of the clock that recorded the person, ms; 0 where it is fine. */
export function gridOf({ intervals }: RecordedPerson): number {
  for (const grid of [16, 8]) {
    let on = 0;
    for (const interval of intervals) if (interval % grid === 0) on++;
    if (on >= GRID_SHARE * intervals.length) return grid;
  }
  return 0;
}

/**
 * A session is longer than what anybody typed for the data, so sentences are typed again, in an order of their own;
 * every interval of typing begins with a sentence or goes on where the last one stopped.
 */
class RecordedKeys implements KeyProcess {
  readonly gridMs: number;
  readonly #person: RecordedPerson;
  readonly #prng: Prng;
  readonly #sentences: readonly number[];
  readonly #speed: number;
  readonly #raster: number;
  /** Of the present press within the recording's raster, ms. */
  #offset = 0;
  #at = 0;
  #end = 0;

  constructor(person: RecordedPerson, prng: Prng, { recordedGridMs, gridMs, sameDay }: Playback) {
    this.#person = person;
    this.#prng = prng;
    this.#raster = recordedGridMs;
    this.gridMs = gridMs;
    const all = person.starts.map((_, i) => i);
    const chosen = sameDay ? all : all.filter(() => prng.chance(DAY_SHARE));
    this.#sentences = chosen.length > 0 ? chosen : all;
    this.#speed = sameDay ? 1 : prng.logNormal(1, DAY_SPEED_SIGMA);
  }

  settle(): void {
    if (this.#at >= this.#end) this.#begin();
  }

  nextInterval(): number {
    if (this.#at >= this.#end) this.#begin();
    const interval = this.#person.intervals[this.#at++]!;
    const before = this.#offset;
    this.#offset = this.#withinRaster();
    return Math.max(0, this.#speed * (interval + this.#offset - before));
  }

  /** Where within its raster a recorded time lay. */
  #withinRaster(): number {
    return this.#raster === 0 ? 0 : this.#prng.next() * this.#raster;
  }

  /** The hold that belongs to the coming interval's key. */
  nextHold(): number {
    if (this.#at >= this.#end) this.#begin();
    return Math.max(1, this.#person.holds[this.#at]! + this.#withinRaster() - this.#offset);
  }

  #begin(): void {
    const { starts, intervals } = this.#person;
    for (let tries = 0; tries < 8 && this.#at >= this.#end; tries++) {
      const sentence = this.#prng.pick(this.#sentences);
      this.#at = starts[sentence]!;
      this.#end = starts[sentence + 1] ?? intervals.length;
    }
    if (this.#at < this.#end) return;
    this.#at = 0;
    this.#end = intervals.length;
  }
}

interface Playback {
  /** Raster of the clock that recorded the person, ms: within it nobody knows when the key was pressed. */
  recordedGridMs: number;
  /** Raster of the clock of the machine that the person types on now. */
  gridMs: number;
  sameDay: boolean;
}

/**
 * Each stream of `prng` is one day's typing; `sameDay` plays all sentences at the recorded speed instead. The times are
 * played without the raster of the clock that recorded them: a clock rounds where it stands, which is the workstation.
 */
export function keysOf(person: RecordedPerson, { gridMs, sameDay = false }: { gridMs?: number; sameDay?: boolean } = {}): KeyFactory {
  const recordedGridMs = gridOf(person);
  const playback = { recordedGridMs, gridMs: gridMs ?? recordedGridMs, sameDay };
  return (prng) => new RecordedKeys(person, prng, playback);
}
