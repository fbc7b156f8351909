/**
 * Rhythm of typing as integer counts: intervals and holds on one logarithmic grid, rollovers, and how well both sit on
 * the rasters that clocks and frames have. Mergeable, and the same to the byte in every order of records. No key, no
 * order of keys and no single time is kept: text cannot be read back from it.
 */
import type { KeystrokeLatency } from '#schemas/records.ts';
import { addCoupling, COUPLING_SUMS, mergeCoupling, type Coupling } from './coupling.ts';
import { Spares } from './spares.ts';

export const GRID = 48;
const HOLDS = GRID;
/** Intervals whose key's hold is known, and those of them that the hold outlasts. */
export const PAIRS = 2 * GRID;
export const ROLLOVERS = PAIRS + 1;
export const RHYTHM_BINS = ROLLOVERS + 1;
/** Longer intervals are breaks between texts, ms. */
const BREAK_MS = 8000;
const HOLD_MS_MAX = 2000;
const COUNT_MAX = 0xffff;

/** Rasters of frames, timers and clocks, ms: 125 and 120 Hz, 10 ms, 64 Hz, 62.5 and 60 Hz, 20 ms, 30 Hz; rising. */
export const RASTERS = [8, 25 / 3, 10, 15.625, 16, 50 / 3, 20, 100 / 3] as const;
const RASTER_COUNT = RASTERS.length;
/** Longer times say nothing about a raster: clocks drift, ms. */
const RASTER_MS_MAX = 400;
const UNIT = 1000;
/** Sums of cosines (thousandths) per raster: of intervals, then of holds; then how many of each. */
const PHASES = 2 * RASTERS.length;
export const PHASE_SUMS = PHASES + 2;

export interface Rhythm {
  counts: Uint16Array;
  phases: Int32Array;
  coupling: Coupling;
}

const COUPLING_BYTES = 8 * COUPLING_SUMS;
export const RHYTHM_BYTES = COUPLING_BYTES + 4 * PHASE_SUMS + 2 * RHYTHM_BINS;

/** All in one buffer, at its beginning. */
export function newRhythm(bytes: ArrayBuffer = new ArrayBuffer(RHYTHM_BYTES)): Rhythm {
  const countsAt = COUPLING_BYTES + 4 * PHASE_SUMS;
  return { counts: new Uint16Array(bytes, countsAt, RHYTHM_BINS), phases: new Int32Array(bytes, COUPLING_BYTES, PHASE_SUMS), coupling: new Float64Array(bytes, 0, COUPLING_SUMS) };
}

interface WithCoupling {
  current: Rhythm;
  coupling: Coupling;
}

/** In one buffer. */
function emptyWithCoupling(): WithCoupling {
  const ownAt = Math.ceil(RHYTHM_BYTES / 8) * 8;
  const bytes = new ArrayBuffer(ownAt + COUPLING_BYTES);
  return { current: newRhythm(bytes), coupling: new Float64Array(bytes, ownAt, COUPLING_SUMS) };
}

const spareWithCoupling = new Spares(emptyWithCoupling, ({ current, coupling }) => {
  clearRhythm(current);
  coupling.fill(0);
});

/** One with a coupling that lives as long. */
export const newRhythmWithCoupling = (): WithCoupling => spareWithCoupling.take();

/** Hands both back, which nobody holds any more; they may be in an object of the holder's own. */
export const releaseRhythmWithCoupling = ({ current, coupling }: WithCoupling): void => spareWithCoupling.release({ current, coupling });

export function clearRhythm({ counts, phases, coupling }: Rhythm): void {
  counts.fill(0);
  phases.fill(0);
  coupling.fill(0);
}

/** Upper edges in whole ms: six bins an octave from 16 ms; the last bin is open. */
export const EDGES: readonly number[] = Array.from({ length: GRID - 1 }, (_, i) => Math.round(16 * 2 ** (i / 6)));
export const TOP_MS = EDGES.at(-1)!;
/** Bin of every whole ms that is counted. */
const BINS: Uint8Array = Uint8Array.from({ length: BREAK_MS + 1 }, (_, ms) => (ms < TOP_MS ? EDGES.findIndex((edge) => ms < edge) : GRID - 1));
const STEPS_PER_MS = 10;
/** Two rasters in one number, the second 16 bits up: half as many numbers to fetch. */
const PACKED = RASTER_COUNT / 2;
/** So many sums of cosines stay within 16 bits. */
const PACKED_TIMES_MAX = 32;
const ROWS = RASTER_MS_MAX * STEPS_PER_MS + 1;
/** Of the places of rows: with it, and a table of as many numbers as that allows, no place has to be held against the table's length. */
const ROW_MASK = (1 << (32 - Math.clz32(ROWS * PACKED))) - PACKED;
const COSINES: Int32Array = (() => {
  const table = new Int32Array(ROW_MASK + PACKED);
  const cosine = (step: number, raster: number): number => Math.round(UNIT * Math.cos((2 * Math.PI * step) / STEPS_PER_MS / RASTERS[raster]!));
  for (let step = 0; step < ROWS; step++) {
    for (let i = 0; i < PACKED; i++) table[step * PACKED + i] = cosine(step, 2 * i) + cosine(step, 2 * i + 1) * 0x10000;
  }
  return table;
})();

/** Without a branch, as it is too seldom foreseen. */
function count(counts: Uint16Array, bin: number): void {
  const before = counts[bin]!;
  counts[bin] = before + Number(before < COUNT_MAX);
}

/**
 * Adds the cosines of the times from `least` up to RASTER_MS_MAX (ms) to `phases` from `from` on; answers how many they
 * were. The sums stay in registers: this is the innermost loop of detection.
 */
function addPhases(phases: Int32Array, from: number, times: readonly number[], least: number): number {
  let used = 0;
  for (let first = 0; first < times.length; first += PACKED_TIMES_MAX) {
    const end = Math.min(times.length, first + PACKED_TIMES_MAX);
    let [a, b, c, d] = [0, 0, 0, 0];
    for (let i = first; i < end; i++) {
      const ms = times[i]!;
      if (!(ms >= least && ms < RASTER_MS_MAX)) continue;
      const row = ((ms * STEPS_PER_MS + 0.5) * PACKED) & ROW_MASK;
      a = (a + COSINES[row]!) | 0;
      b = (b + COSINES[row + 1]!) | 0;
      c = (c + COSINES[row + 2]!) | 0;
      d = (d + COSINES[row + 3]!) | 0;
      used++;
    }
    addPacked(phases, from, a);
    addPacked(phases, from + 2, b);
    addPacked(phases, from + 4, c);
    addPacked(phases, from + 6, d);
  }
  return used;
}

function addPacked(phases: Int32Array, at: number, packed: number): void {
  const low = (packed << 16) >> 16;
  phases[at]! += low;
  phases[at + 1]! += (packed - low) >> 16;
}

/** Counts one record. */
export function addKeystrokes({ counts, phases, coupling }: Rhythm, { registrationLatencyMs, interKeyMs, holdMs, sensor }: KeystrokeLatency): void {
  const paired = holdMs.length === interKeyMs.length + 1;
  let pairs = 0;
  let rollovers = 0;
  for (let i = 0; i < interKeyMs.length; i++) {
    const interval = interKeyMs[i]!;
    if (!(interval >= 0 && interval <= BREAK_MS)) continue;
    count(counts, BINS[interval | 0]!);
    pairs++;
    if (paired) rollovers += Number(holdMs[i]! > interval);
  }
  if (paired) {
    counts[PAIRS] = Math.min(COUNT_MAX, counts[PAIRS]! + pairs);
    counts[ROLLOVERS] = Math.min(COUNT_MAX, counts[ROLLOVERS]! + rollovers);
  }
  for (let i = 0; i < holdMs.length; i++) {
    const hold = holdMs[i]!;
    if (hold > 0 && hold <= HOLD_MS_MAX) count(counts, HOLDS + BINS[hold | 0]!);
  }
  // Between a person and a gateway lies the transport: rasters and coupling tell nothing there.
  if (sensor === 'VDI_GATEWAY' || sensor === 'BASTION') return;
  phases[PHASES]! += addPhases(phases, 0, interKeyMs, 0);
  phases[PHASES + 1]! += addPhases(phases, RASTER_COUNT, holdMs, Number.MIN_VALUE);
  addCoupling(coupling, registrationLatencyMs, interKeyMs);
}

export function mergeCounts(target: Uint16Array, source: Uint16Array): void {
  // Nothing is added where there is nothing, and without asking: which bins those are is foreseen too seldom.
  for (let i = 0; i < RHYTHM_BINS; i++) {
    const sum = target[i]! + source[i]!;
    target[i] = sum < COUNT_MAX ? sum : COUNT_MAX;
  }
}

export function mergeRhythm(target: Rhythm, source: Rhythm): void {
  mergeCounts(target.counts, source.counts);
  for (let i = 0; i < PHASE_SUMS; i++) target.phases[i]! += source.phases[i]!;
  mergeCoupling(target.coupling, source.coupling);
}

function total(counts: Uint16Array, from: number): number {
  let sum = 0;
  for (let i = from; i < from + GRID; i++) sum += counts[i]!;
  return sum;
}

/** Holds counted. */
export const holdsOf = (counts: Uint16Array): number => total(counts, HOLDS);

/** Intervals counted. */
export const intervalsOf = (counts: Uint16Array): number => total(counts, 0);

/** Log (natural) of a quantile, linear in ms within a bin. `all`: what is counted. */
function logQuantile(counts: Uint16Array, from: number, all: number, share: number): number {
  const wanted = share * all;
  let below = 0;
  let bin = 0;
  while (bin < GRID - 1 && (below + counts[from + bin]! < wanted || counts[from + bin] === 0)) below += counts[from + bin++]!;
  const within = counts[from + bin] === 0 ? 1 : (wanted - below) / counts[from + bin]!;
  const low = bin === 0 ? 8 : EDGES[bin - 1]!;
  const high = bin === GRID - 1 ? 2 * TOP_MS : EDGES[bin]!;
  return Math.log(low + (high - low) * Math.min(1, Math.max(0, within)));
}

function logQuantiles(counts: Uint16Array, from: number, shares: readonly number[]): number[] {
  const all = total(counts, from);
  return shares.map((share) => logQuantile(counts, from, all, share));
}

export const SHARES = [0.1, 0.25, 0.5, 0.75, 0.9] as const;

/** Log quantiles of intervals, then of holds and twice the root of the rollover rate; without holds the intervals alone. */
export function featuresOf(counts: Uint16Array): number[] {
  const features = logQuantiles(counts, 0, SHARES);
  if (total(counts, HOLDS) * 2 < intervalsOf(counts) || counts[PAIRS] === 0) return features;
  return [...features, ...logQuantiles(counts, HOLDS, SHARES), 2 * Math.sqrt(counts[ROLLOVERS]! / counts[PAIRS]!)];
}

/** Medians as the explanations tell them, ms. */
export function mediansOf(counts: Uint16Array): { intervalMs: number; holdMs: number | null } {
  const holds = total(counts, HOLDS);
  const holdMs = holds === 0 ? null : Math.exp(logQuantile(counts, HOLDS, holds, 0.5));
  return { intervalMs: Math.exp(logQuantile(counts, 0, total(counts, 0), 0.5)), holdMs };
}

/** Concentration of intervals on a raster, −1…1 (1: every time is a multiple); NaN without any. */
export const intervalConcentration = (phases: Int32Array, raster: number): number => phases[raster]! / UNIT / phases[PHASES]!;

/** The same of holds. */
export const holdConcentration = (phases: Int32Array, raster: number): number => phases[RASTER_COUNT + raster]! / UNIT / phases[PHASES + 1]!;
