/** Fits the typists: per-person figures of real typing, and how they spread over people. */
import { readTyping, type TypingPerson } from './measured.ts';
import { correlation, medianOf, normalScores, quantileOf, sorted, tableOf } from './quantiles.ts';

/** Longer than this is not typing, ms. */
const BREAK_MS = 8000;
/** An interval of more than this many medians is a pause for thought. */
const PAUSE_MEDIANS = 4;
const WINDOW_KEYS = 50;
const LEVELS = 101;
const MIN_INTERVALS = 200;

export interface PersonFigures {
  medianMs: number;
  shape: number;
  autocorrelation: number;
  holdMs: number;
  holdSigma: number;
  rollover: number;
  pauseShare: number;
  pauseMs: number;
  /** SD of the slow drift of log speed, beyond what 50 keys scatter by chance. */
  driftSigma: number;
  gridMs: number;
}

/** Every figure's quantile table over people (levels 0…1), and its normal-score correlation with speed. */
export interface TypingFit {
  people: number;
  medianMs: number[];
  shape: number[];
  autocorrelation: number[];
  holdMs: number[];
  holdSigma: number[];
  pauseShare: number[];
  pauseMs: number[];
  driftSigma: number[];
  correlationWithSpeed: Record<'shape' | 'holdMs' | 'holdSigma' | 'pauseShare' | 'pauseMs', number>;
  gridShares: { none: number; eight: number; sixteen: number };
  /** Share of presses before the previous key's release; p5, p50, p95 over people. Checked, not drawn. */
  rollover: number[];
}

export function personFigures(person: TypingPerson): PersonFigures | null {
  const intervals: number[] = [];
  const holds: number[] = [];
  const first: number[] = [];
  const second: number[] = [];
  let over = 0;
  for (const { press, release } of person.sentences) {
    for (let i = 0; i < press.length; i++) {
      const hold = release[i]! - press[i]!;
      if (hold > 0 && hold < 1000) holds.push(hold);
      const interval = press[i + 1]! - press[i]!;
      if (!(interval >= 0 && interval < BREAK_MS)) continue;
      if (intervals.length > 0 && i > 0) {
        first.push(intervals.at(-1)!);
        second.push(interval);
      }
      intervals.push(interval);
      if (release[i]! > press[i + 1]!) over++;
    }
  }
  if (intervals.length < MIN_INTERVALS) return null;
  const ordered = sorted(intervals);
  const medianMs = quantileOf(ordered, 0.5);
  const spread = Math.log(quantileOf(ordered, 0.75) / Math.max(1, quantileOf(ordered, 0.25)));
  const shape = (2 * Math.log(3)) / Math.max(0.1, spread);
  const pauses = ordered.filter((x) => x > PAUSE_MEDIANS * medianMs);
  const expected = 1 / (1 + Math.pow(PAUSE_MEDIANS, shape));
  const heldLogs = sorted(holds.map(Math.log));
  const autocorrelation = correlation(normalScores(first), normalScores(second));
  return {
    medianMs,
    shape,
    autocorrelation,
    holdMs: Math.exp(quantileOf(heldLogs, 0.5)),
    holdSigma: (quantileOf(heldLogs, 0.75) - quantileOf(heldLogs, 0.25)) / 1.349,
    rollover: over / intervals.length,
    pauseShare: Math.max(0, pauses.length / intervals.length - expected),
    pauseMs: pauses.length > 0 ? medianOf(pauses) : PAUSE_MEDIANS * 1.5 * medianMs,
    driftSigma: drift(intervals, shape, autocorrelation),
    gridMs: clockGrid(person),
  };
}

function drift(intervals: readonly number[], shape: number, autocorrelation: number): number {
  const medians: number[] = [];
  for (let i = 0; i + WINDOW_KEYS <= intervals.length; i += WINDOW_KEYS) {
    medians.push(Math.log(Math.max(1, medianOf(intervals.slice(i, i + WINDOW_KEYS)))));
  }
  const mean = medians.reduce((s, x) => s + x, 0) / medians.length;
  const variance = medians.reduce((s, x) => s + (x - mean) ** 2, 0) / Math.max(1, medians.length - 1);
  // Variance of the median of n logistic variates with scale 1/shape: (2/shape)²/n, times the inflation by correlation.
  const chance = ((2 / shape) ** 2 / WINDOW_KEYS) * ((1 + autocorrelation) / (1 - autocorrelation));
  return Math.sqrt(Math.max(0, variance - chance));
}

/** The raster of the person's clock: where nearly all presses of a sentence fall on one phase of 16, 16.7 or 8 ms. */
function clockGrid(person: TypingPerson): number {
  const resultant = (grid: number): number => {
    let n = 0;
    let strength = 0;
    for (const { press } of person.sentences) {
      if (press.length < 8) continue;
      let x = 0;
      let y = 0;
      for (const t of press) {
        x += Math.cos((2 * Math.PI * t) / grid);
        y += Math.sin((2 * Math.PI * t) / grid);
      }
      n += press.length;
      strength += Math.hypot(x, y);
    }
    return n > 0 ? strength / n : 0;
  };
  if (Math.max(resultant(16), resultant(50 / 3)) > 0.8) return 16;
  return Math.max(resultant(8), resultant(25 / 3)) > 0.8 ? 8 : 0;
}

export function fitTyping(dir?: string): TypingFit {
  const people = readTyping(dir).map(personFigures).filter((figures) => figures !== null);
  const column = (name: keyof PersonFigures): number[] => people.map((p) => p[name]);
  const table = (name: keyof PersonFigures): number[] => tableOf(column(name), LEVELS, 3);
  const speed = normalScores(column('medianMs'));
  const withSpeed = (name: keyof PersonFigures): number => Number(correlation(speed, normalScores(column(name))).toFixed(3));
  const gridShare = (grid: number): number => Number((people.filter((p) => p.gridMs === grid).length / people.length).toFixed(3));
  const rollover = sorted(column('rollover'));
  const level = (p: number): number => Number(quantileOf(rollover, p).toFixed(3));
  return {
    people: people.length,
    medianMs: table('medianMs'),
    shape: table('shape'),
    autocorrelation: table('autocorrelation'),
    holdMs: table('holdMs'),
    holdSigma: table('holdSigma'),
    pauseShare: table('pauseShare'),
    pauseMs: table('pauseMs'),
    driftSigma: table('driftSigma'),
    correlationWithSpeed: {
      shape: withSpeed('shape'),
      holdMs: withSpeed('holdMs'),
      holdSigma: withSpeed('holdSigma'),
      pauseShare: withSpeed('pauseShare'),
      pauseMs: withSpeed('pauseMs'),
    },
    gridShares: { none: gridShare(0), eight: gridShare(8), sixteen: gridShare(16) },
    rollover: [level(0.05), level(0.5), level(0.95)],
  };
}
