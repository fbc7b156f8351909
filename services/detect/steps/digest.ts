/**
 * What detection takes up of a record, in place of the record. Of keystrokes these are counts on the grids of the sketches and of the
 * rhythm instead of times, of a connection the facts of a sighting: a fraction of the bytes and of the work. It depends on nothing
 * but the record, so a host that shows the same records again and again (a replay of detection alone, a sweep) makes it once
 * (write-digest.ts) and gets to the byte what the records give.
 *
 * digest = keystrokes, [low latency, median (float64, ms; what the report draws), gaps], 0 | 1, [rhythm counts, phase sums, coupling sums]
 */
import type { Connection, DatabaseVersion, EnrichedConnection, EnrichedEvent, EnrichedKeystrokes, EventContext, KeystrokeLatency } from '#schemas/records.ts';
import { COUPLING_SUMS } from '../model/coupling.ts';
import { PHASE_SUMS, RASTERS, RHYTHM_BINS, EDGES, type Rhythm } from '../model/rhythm.ts';
import type { SightingFacts } from '../model/sighting.ts';
import { SKETCH_BINS, binLow } from '../model/sketch.ts';
import { viewOf } from './bytes.ts';

export interface Digest {
  readonly bytes: Uint8Array;
  /** Where it begins. */
  readonly at: number;
}

/** Keystrokes whose three arrays are empty: the digest stands for them, until the host reads on. */
export interface DigestedKeystrokes extends Digest {
  readonly type: 'DigestedKeystrokes';
  readonly event: KeystrokeLatency;
  readonly context: EventContext;
}

/** A connection of which only what a sighting takes is there: its lists are empty, and `facts` stand for them and for the network. */
export interface DigestedConnection {
  readonly type: 'DigestedConnection';
  readonly event: Connection;
  readonly context: EventContext;
  readonly facts: SightingFacts;
  readonly databases: DatabaseVersion[];
}

export type KeystrokeRecord = EnrichedKeystrokes | DigestedKeystrokes;
export type ConnectionRecord = EnrichedConnection | DigestedConnection;
export type DetectEvent = EnrichedEvent | DigestedKeystrokes | DigestedConnection;

export const isConnection = (record: DetectEvent): record is ConnectionRecord => record.type === 'EnrichedConnection' || record.type === 'DigestedConnection';

/** To be raised when a sighting takes up something else of the same record. */
const FACTS_FORM = 2;
/** To be raised when the sums of a coupling are taken over something else. */
const COUPLING_FORM = 1;
/** Changes whenever a digest would be read as something else. */
export const DIGEST_GRIDS = JSON.stringify({ facts: FACTS_FORM, gaps: Array.from({ length: SKETCH_BINS }, (_, bin) => binLow(bin)), rhythm: EDGES, bins: RHYTHM_BINS, rasters: RASTERS, coupling: COUPLING_FORM });

/** Low latency and median. */
const LATENCY_BYTES = 16;
const COUNT_MAX = 0xffff;

/** Reads one digest after the other, each from its beginning to its end. Bytes that are none end early and count little. */
class DigestReader {
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;

  /** Answers the number of keystrokes; `addGaps` follows unless that is 0. */
  open(digest: Digest): number {
    this.#bytes = digest.bytes;
    this.#at = digest.at;
    return this.#count();
  }

  addGaps(sketch: Uint16Array): void {
    this.#at += LATENCY_BYTES;
    this.#addSparse(sketch);
  }

  /** Whether `addRhythm` follows. */
  hasRhythm(): boolean {
    return this.#bytes[this.#at++] === 1;
  }

  addRhythm({ counts, phases, coupling }: Rhythm): void {
    this.#addSparse(counts);
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = 0; i < PHASE_SUMS; i++) {
      let zigzag = bytes[at++]! | 0;
      if (zigzag >= 0x80) {
        zigzag = longCount(bytes, at, zigzag);
        at = afterCount;
      }
      phases[i]! += (zigzag >>> 1) ^ -(zigzag & 1);
    }
    this.#at = at;
    for (let i = 0; i < COUPLING_SUMS; i++) coupling[i]! += this.#integer();
  }

  latencies(): { lowMs: number; medianMs: number } {
    const view = viewOf(this.#bytes);
    return { lowMs: view.getFloat64(this.#at), medianMs: view.getFloat64(this.#at + 8) };
  }

  /** Pairs of steps and counts, nearly all of one byte. The place stays in a register: with addRhythm, this is where most of reading goes. */
  #addSparse(target: Uint16Array): void {
    const bytes = this.#bytes;
    let at = this.#at;
    for (let i = -1; ; ) {
      // Beyond the bytes there are zeros.
      let step = bytes[at++]! | 0;
      if (step >= 0x80) {
        step = longCount(bytes, at, step);
        at = afterCount;
      }
      if (step === 0) break;
      let count = bytes[at++]! | 0;
      if (count >= 0x80) {
        count = longCount(bytes, at, count);
        at = afterCount;
      }
      i += step;
      const sum = target[i]! + count;
      target[i] = sum < COUNT_MAX ? sum : COUNT_MAX;
    }
    this.#at = at;
  }

  /** Any whole number, zigzag: these sums outgrow 32 bits. */
  #integer(): number {
    let value = 0;
    for (let scale = 1; scale < 2 ** 50; scale *= 0x80) {
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (!(byte >= 0x80)) break;
    }
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  #count(): number {
    const byte = this.#bytes[this.#at++]!;
    if (!(byte >= 0x80)) return byte | 0;
    const value = longCount(this.#bytes, this.#at, byte);
    this.#at = afterCount;
    return value;
  }
}

/** Behind the count that was read last. */
let afterCount = 0;

/** A count of several bytes, of which `first` is the first and the others begin at `at`. */
function longCount(bytes: Uint8Array, at: number, first: number): number {
  let value = first & 0x7f;
  for (let shift = 7; ; shift += 7) {
    const byte = bytes[at++]!;
    value |= (byte & 0x7f) << shift;
    if (byte >= 0x80) continue;
    afterCount = at;
    return value >>> 0;
  }
}

export const digests = new DigestReader();

/** Share of a record's keystrokes below its low latency, as in the hidden-leg statistic. */
const LOW_SHARE = 0.2;
let sorted = new Float64Array(256);

function latenciesOf(values: readonly number[]): { lowMs: number; medianMs: number } {
  if (values.length > sorted.length) sorted = new Float64Array(2 * values.length);
  for (let i = 0; i < values.length; i++) sorted[i] = values[i]!;
  const rising = sorted.subarray(0, values.length).sort();
  return { lowMs: rising[Math.floor(rising.length * LOW_SHARE)]!, medianMs: rising[rising.length >> 1]! };
}

/** Low registration latency and median of one record, ms; null where it has none. */
export function latencyFigures(record: KeystrokeRecord): { lowMs: number; medianMs: number } | null {
  if (record.type === 'DigestedKeystrokes') return digests.open(record) === 0 ? null : digests.latencies();
  const { registrationLatencyMs } = record.event;
  return registrationLatencyMs.length === 0 ? null : latenciesOf(registrationLatencyMs);
}
