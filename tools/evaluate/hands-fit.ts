/**
 * Fits what services/detect/model/hands.ts knows of people's rhythms, and prints it: `node tools/evaluate/hands-fit.ts`. One half of a
 * person's sentences against the other, which is played at another day's pace on another workstation's clock.
 */
import { fileURLToPath } from 'node:url';
import { Prng } from '#lib/kernel/prng.ts';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { handsFeatures, handsOf, modelRatio, type Hands } from '../../services/detect/model/hands.ts';
import { contrastsOf } from '../../services/detect/model/rhythm-distance.ts';
import { addKeystrokes, newRhythm } from '../../services/detect/model/rhythm.ts';
import { gridOf, readPeople, type RecordedPerson } from './recorded-typing.ts';
import { inPart, type Part } from './split.ts';

/** SD of the log pace of a day: more than the 0.05 that the evaluation plays. */
const PACE_SIGMA = 0.08;
/** Clocks of workstations, ms. */
const CLOCKS_MS = [0, 0, 8, 16] as const;
/** Times that each person is played. */
const PLAYS = 3;
/** Weight of the diagonal: a matrix from some hundred people has correlations larger than they are (Ledoit and Wolf 2004). */
const SHRINKAGE = 0.1;
const RECORD_KEYS = 60;
const BURN_LEAST = 200;

export interface Sittings {
  id: string;
  /** Contrasts of the two halves. */
  first: number[];
  second: number[];
}

/** Contrasts of keystrokes [from, to) as a workstation with such a clock would see them. */
function played({ intervals, holds }: RecordedPerson, from: number, to: number, recordedGridMs: number, { pace, gridMs }: { pace: number; gridMs: number }, prng: Prng): number[] | null {
  const rhythm = newRhythm();
  const seen = (at: number): number => (gridMs === 0 ? at : Math.floor(at / gridMs) * gridMs);
  const within = (): number => (recordedGridMs === 0 ? 0 : prng.next() * recordedGridMs);
  let at = prng.next() * 16;
  let offset = within();
  for (let start = from; start < to; start += RECORD_KEYS) {
    const interKeyMs: number[] = [];
    const holdMs: number[] = [];
    for (let i = start; i < Math.min(to, start + RECORD_KEYS); i++) {
      holdMs.push(Math.max(1, gridMs, seen(at + Math.max(1, holds[i]! + within() - offset)) - seen(at)));
      const before = offset;
      offset = within();
      const next = at + Math.max(0, pace * (intervals[i]! + offset - before));
      if (i + 1 < Math.min(to, start + RECORD_KEYS)) interKeyMs.push(seen(next) - seen(at));
      at = next;
    }
    addKeystrokes(rhythm, { interKeyMs, holdMs, sensor: 'BASTION' } as unknown as KeystrokeLatency);
  }
  const features = handsFeatures(rhythm.counts);
  return features === null ? null : contrastsOf(features);
}

/** Both halves of everybody in the part, `PLAYS` times. */
export function sittingsOf(part: Part, dir?: string): Sittings[] {
  const sittings: Sittings[] = [];
  for (const person of readPeople(dir)) {
    const middle = person.starts[Math.ceil(person.starts.length / 2)] ?? 0;
    const count = person.intervals.length;
    if (!inPart(person.id, part) || middle < BURN_LEAST || count - middle < BURN_LEAST) continue;
    const grid = gridOf(person);
    for (let play = 0; play < PLAYS; play++) {
      const prng = new Prng(play, `hands:${person.id}`);
      const day = () => ({ pace: prng.logNormal(1, PACE_SIGMA / Math.SQRT2), gridMs: prng.pick(CLOCKS_MS) });
      const first = played(person, 0, middle, grid, day(), prng);
      const second = played(person, middle, count, grid, day(), prng);
      if (first !== null && second !== null) sittings.push({ id: person.id, first, second });
    }
  }
  return sittings;
}

type Matrix = number[][];

/** Lower triangle of the mean of x·xᵀ, with its correlations shrunk. */
function spreadOf(rows: readonly (readonly number[])[], scale: number): Matrix {
  const size = rows[0]!.length;
  return Array.from({ length: size }, (_, i) =>
    Array.from({ length: i + 1 }, (_unused, j) => ((i === j ? 1 : 1 - SHRINKAGE) * scale * rows.reduce((total, row) => total + row[i]! * row[j]!, 0)) / rows.length),
  );
}

export interface FittedHands {
  mean: number[];
  within: Matrix;
  between: Matrix;
}

export function fitModel(sittings: readonly Sittings[]): FittedHands {
  const all = sittings.flatMap(({ first, second }) => [first, second]);
  const mean = all[0]!.map((_, i) => all.reduce((total, row) => total + row[i]!, 0) / all.length);
  const within = spreadOf(sittings.map(({ first, second }) => first.map((value, i) => value - second[i]!)), 0.5);
  const total = spreadOf(all.map((row) => row.map((value, i) => value - mean[i]!)), 1);
  const digits = (value: number): number => Math.round(value * 1e6) / 1e6 + 0;
  return { mean: mean.map(digits), within: within.map((row) => row.map(digits)), between: total.map((row, i) => row.map((value, j) => digits(value - within[i]![j]!))) };
}

/** Ratios of each person with themselves and of strangers, before calibration. */
export function ratiosOf(sittings: readonly Sittings[], ratio: (a: Hands, b: Hands) => number = modelRatio): { own: number[]; strangers: number[] } {
  const first = sittings.map((sitting) => handsOf(sitting.first));
  const second = sittings.map((sitting) => handsOf(sitting.second));
  const own = sittings.map((_, i) => ratio(first[i]!, second[i]!));
  const strangers: number[] = [];
  for (let i = 0; i < sittings.length; i += PLAYS) for (let j = 1; j < sittings.length; j += PLAYS) if (sittings[i]!.id !== sittings[j]!.id) strangers.push(ratio(first[i]!, second[j]!));
  return { own, strangers };
}

/** Prior of one person against two at which the calibration is fitted, decades: it must hold where ratios are large. */
const PRIOR = -2.5;

/** Slope and offset by logistic regression (Brümmer and du Preez 2006), by coordinate descent. */
export function calibrate({ own, strangers }: { own: readonly number[]; strangers: readonly number[] }): { slope: number; offset: number } {
  const soft = (x: number): number => (x > 30 ? x : Math.log1p(Math.exp(x)));
  const mean = (values: readonly number[], of: (value: number) => number): number => values.reduce((total, value) => total + of(value), 0) / values.length;
  const loss = (slope: number, offset: number): number =>
    10 ** PRIOR * mean(own, (value) => soft(-(slope * value + offset + PRIOR) * Math.LN10)) + mean(strangers, (value) => soft((slope * value + offset + PRIOR) * Math.LN10));
  let [slope, offset] = [0.6, -0.6];
  for (let step = 0.2; step > 0.0005; step /= 2) {
    for (let better = true; better; ) {
      better = false;
      for (const [ds, d0] of [[step, 0], [-step, 0], [0, step], [0, -step], [step, -step], [-step, step]] as const) {
        if (loss(slope + ds, offset + d0) >= loss(slope, offset)) continue;
        [slope, offset] = [slope + ds, offset + d0];
        better = true;
      }
    }
  }
  return { slope: Math.round(slope * 1000) / 1000, offset: Math.round(offset * 1000) / 1000 };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dev = sittingsOf('dev');
  if (process.argv.includes('--calibrate')) console.log(calibrate(ratiosOf(dev)));
  else console.log(JSON.stringify(fitModel(dev)));
}
