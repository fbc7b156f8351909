/**
 * What an open window counts of its keystrokes: a rhythm, and a sketch of each kind of gaps that came. The window has it as bytes in one
 * piece: arrays of its own would be as much again in views and buffers. Who counts or reads takes it out, into arrays that are there once,
 * and who has counted puts it back.
 */
import { RHYTHM_BYTES, newRhythm, type Rhythm } from '../model/rhythm.ts';
import { SKETCH_BINS, type Sketch } from '../model/sketch.ts';
import { Spares } from '../model/spares.ts';

/** Gaps of one clock and of two clocks, and registration latencies of records without a transport RTT, which become gaps when the window closes. */
export const GAPS = 0;
export const TWO_CLOCK_GAPS = 1;
export const LATENCIES = 2;
export type GapKind = typeof GAPS | typeof TWO_CLOCK_GAPS | typeof LATENCIES;
export const GAP_KINDS: readonly GapKind[] = [GAPS, TWO_CLOCK_GAPS, LATENCIES];
const KINDS = GAP_KINDS.length;
/** In `parts`, behind a bit of each kind (`1 << kind`). */
export const WITH_RHYTHM = 8;

const SKETCH_BYTES = 2 * SKETCH_BINS;
const sizeOf = (sketches: number): number => RHYTHM_BYTES + sketches * SKETCH_BYTES;

/** What of it a window keeps. */
export interface Tallied {
  /** Which are there, by bits; 0 for none. They are on disk (window-codec.ts). */
  parts: number;
  /** The rhythm, then the sketches that are there, by their kinds; null for none. */
  counts: Uint8Array<ArrayBuffer> | null;
}

/** Nearly every window has sketches of one kind. */
const spare = new Spares(() => new Uint8Array(sizeOf(1)), () => {}, 1024);

/** Leaves nothing. */
export function releaseTally(window: Tallied): void {
  if (window.counts !== null && window.counts.length === sizeOf(1)) spare.release(window.counts);
  window.counts = null;
  window.parts = 0;
}

class Tally {
  #parts = 0;
  readonly #all = new Uint8Array(sizeOf(KINDS));
  /** By how many sketches there are. */
  readonly #used = Array.from({ length: KINDS + 1 }, (_, sketches) => this.#all.subarray(0, sizeOf(sketches)));
  readonly #rhythm = newRhythm(this.#all.buffer);
  /** In the order in which they stand. */
  readonly #sketches = Array.from({ length: KINDS }, (_, place): Sketch => new Uint16Array(this.#all.buffer, sizeOf(place), SKETCH_BINS));

  /** What was taken out before is gone, unless it was put back. */
  takeOut({ parts, counts }: Tallied): void {
    this.#parts = parts;
    if (counts === null) this.#used[0]!.fill(0);
    else this.#all.set(counts);
  }

  putBack(window: Tallied): void {
    window.parts = this.#parts;
    if (this.#parts === 0) return;
    const used = this.#used[this.#placeOf(KINDS)]!;
    if (window.counts?.length !== used.length) window.counts = used.length === sizeOf(1) ? spare.take() : new Uint8Array(used.length);
    window.counts.set(used);
  }

  /** How many sketches are there of the kinds before. */
  #placeOf(kind: number): number {
    let place = 0;
    for (let before = 0; before < kind; before++) place += (this.#parts >> before) & 1;
    return place;
  }

  has(kind: GapKind): boolean {
    return (this.#parts & (1 << kind)) !== 0;
  }

  /** An empty one where there was none. */
  sketch(kind: GapKind): Sketch {
    const place = this.#placeOf(kind);
    if (!this.has(kind)) {
      this.#parts |= 1 << kind;
      this.#all.copyWithin(sizeOf(place + 1), sizeOf(place));
      this.#sketches[place]!.fill(0);
    }
    return this.#sketches[place]!;
  }

  /** Of the keystrokes that were not injected; null for none. */
  get rhythm(): Rhythm | null {
    return (this.#parts & WITH_RHYTHM) === 0 ? null : this.#rhythm;
  }

  /** An empty one where there was none. */
  beginRhythm(): Rhythm {
    this.#parts |= WITH_RHYTHM;
    return this.#rhythm;
  }
}

export const tally = new Tally();
