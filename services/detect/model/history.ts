/**
 * Gap history of a device at one kind of sensor: minutes by their low gap on a grid of 64 bins, day by day. A day whose gap lies
 * clearly above all earlier ones is not learnt, unless such days go on for a week: then the machine has changed (or the
 * finding was made long ago).
 */
import type { Sensor } from '#schemas/records.ts';
import { DAY_MS } from '../fleet/minutes.ts';
import { COUPLING_SUMS, type Coupling } from './coupling.ts';
import { Spares } from './spares.ts';

export interface DeviceHistory {
  deviceId: string;
  /** What a gateway adds is not the device's own, so kinds of sensor are kept apart. */
  sensor: Sensor;
  /** Days with typing before the last one. */
  days: number;
  /** Number of the last day with typing (UTC days since the epoch); −1 for none. */
  lastDay: number;
  /** Minutes of the days before the last one, by their low gap. */
  past: Uint16Array;
  /** The same of the last day; becomes past when the next one begins. */
  today: Uint16Array;
  /** Days in a row that were not learnt. */
  refusedDays: number;
  /** Mean over the minutes of `past` of the transport's lower spread, µs: what of their gaps was the line's. */
  pastSpreadUs: number;
  /** Its sum over the minutes of `today`, µs. */
  todaySpreadUs: number;
  /** Of its latencies and intervals. */
  coupling: Coupling;
  /** Transient: what `past` shows; absent until somebody asks. */
  own?: OwnGap | null | undefined;
}

export const HISTORY_BINS = 64;
const COUNT_MAX = 0xffff;
/** Minutes from which the past can be compared with. */
export const OWN_MINUTES_MIN = 60;
/** How far the median of a day lies above the past's 95th percentile before the day is not learnt, ms. */
const STRANGE_MS = 6;
const REFUSED_DAYS_MAX = 7;

/** Upper edges: 1 ms steps to 40, then 8 steps an octave; the last bin is open. */
const EDGES: readonly number[] = (() => {
  const edges: number[] = [];
  for (let ms = 0; ms <= 40; ms++) edges.push(ms);
  for (let i = 1; edges.length < HISTORY_BINS - 1; i++) edges.push(40 * 2 ** (i / 8));
  return edges;
})();

export function historyBin(gapMs: number): number {
  let bin = 0;
  while (bin < EDGES.length && gapMs >= EDGES[bin]!) bin++;
  return bin;
}

function emptyHistory(): DeviceHistory {
  const bytes = new ArrayBuffer(4 * HISTORY_BINS + 8 * COUPLING_SUMS);
  const [past, today] = [new Uint16Array(bytes, 0, HISTORY_BINS), new Uint16Array(bytes, 2 * HISTORY_BINS, HISTORY_BINS)];
  return { deviceId: '', sensor: 'ENDPOINT_AGENT', days: 0, lastDay: -1, past, today, refusedDays: 0, pastSpreadUs: 0, todaySpreadUs: 0, coupling: new Float64Array(bytes, 4 * HISTORY_BINS, COUPLING_SUMS), own: undefined };
}

const spare = new Spares(emptyHistory, (history) => {
  history.past.fill(0);
  history.today.fill(0);
  history.coupling.fill(0);
  history.days = history.refusedDays = history.pastSpreadUs = history.todaySpreadUs = 0;
  history.lastDay = -1;
  history.own = undefined;
});

/** Hands back one that nobody holds any more. */
export const releaseHistory = (history: DeviceHistory): void => spare.release(history);

export function newHistory(deviceId: string, sensor: Sensor): DeviceHistory {
  const history = spare.take();
  history.deviceId = deviceId;
  history.sensor = sensor;
  return history;
}

/**
 * Counts a minute; when a new day begins the last one becomes past.
 *
 * @param spreadUs the transport's lower spread at its end, µs; 0 where it is not known, so that less is taken for the line's
 */
export function recordMinute(history: DeviceHistory, end: number, lowMs: number, spreadUs: number): void {
  const day = Math.floor((end - 1) / DAY_MS);
  if (day > history.lastDay) {
    if (history.lastDay >= 0) learnDay(history);
    history.today.fill(0);
    history.todaySpreadUs = 0;
    history.lastDay = day;
  }
  history.todaySpreadUs += spreadUs;
  const bin = historyBin(lowMs);
  history.today[bin] = Math.min(COUNT_MAX, history.today[bin]! + 1);
}

function learnDay(history: DeviceHistory): void {
  const { past, today } = history;
  const own = ownGap(history);
  const high = own !== null && own.minutes >= OWN_MINUTES_MIN && quantileOf(today, 0.5) > own.highMs + STRANGE_MS;
  if (high && history.refusedDays < REFUSED_DAYS_MAX) {
    history.refusedDays++;
    return;
  }
  history.refusedDays = 0;
  history.days = Math.min(COUNT_MAX, history.days + 1);
  const minutes = minutesOf(past);
  history.pastSpreadUs = Math.round((history.pastSpreadUs * minutes + history.todaySpreadUs) / (minutes + minutesOf(today)));
  for (let i = 0; i < HISTORY_BINS; i++) past[i] = Math.min(COUNT_MAX, past[i]! + today[i]!);
  history.own = undefined;
}

export interface OwnGap {
  /** Days with typing before the last one, and their minutes. */
  days: number;
  minutes: number;
  /** 15th percentile of the minutes' low gaps, ms. */
  lowMs: number;
  /** Median, 85th and 95th percentile of the minutes' low gaps (the middle of its bin), ms; Infinity beyond the grid, where nothing can be compared. */
  typicalMs: number;
  oftenMs: number;
  highMs: number;
  /** Mean lower spread of the transport in those minutes, ms. */
  spreadMs: number;
}

/** What the past days show; null without any. Asked with every window, and the same all day. */
export function ownGap(history: DeviceHistory): OwnGap | null {
  if (history.own === undefined) history.own = ownGapOf(history);
  return history.own;
}

function ownGapOf({ past, days, pastSpreadUs }: DeviceHistory): OwnGap | null {
  const minutes = minutesOf(past);
  return minutes === 0 ? null : { days, minutes, lowMs: quantileOf(past, 0.15), typicalMs: quantileOf(past, 0.5), oftenMs: quantileOf(past, 0.85), highMs: quantileOf(past, 0.95), spreadMs: pastSpreadUs / 1000 };
}

function quantileOf(counts: Uint16Array, share: number): number {
  const wanted = share * minutesOf(counts);
  let below = 0;
  let bin = 0;
  while (bin < HISTORY_BINS - 1 && below + counts[bin]! < wanted) below += counts[bin++]!;
  // The last bin is open: how far beyond its edge the minutes lie is not known.
  if (bin >= EDGES.length) return Infinity;
  const high = EDGES[bin]!;
  const low = bin === 0 ? 0 : EDGES[bin - 1]!;
  return (low + high) / 2;
}

function minutesOf(counts: Uint16Array): number {
  let minutes = 0;
  for (let i = 0; i < HISTORY_BINS; i++) minutes += counts[i]!;
  return minutes;
}
