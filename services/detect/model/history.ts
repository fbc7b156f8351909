/** Gap history of a device: minutes by their low gap, on a coarse logarithmic grid of 48 bins, day by day. */

export interface DeviceHistory {
  deviceId: string;
  /** Days with typing before the last one. */
  days: number;
  /** Number of the last day with typing (UTC days since the epoch); −1 for none. */
  lastDay: number;
  /** Minutes of the days before the last one, by their low gap. */
  past: Uint16Array;
  /** The same of the last day; becomes past when the next one begins. */
  today: Uint16Array;
}

export const HISTORY_BINS = 48;
const DAY_MS = 86_400_000;
const COUNT_MAX = 0xffff;

/** Upper edges: 1 ms steps to 8, then 8 steps an octave; the last bin is open. */
const EDGES: readonly number[] = (() => {
  const edges: number[] = [];
  for (let ms = 0; ms <= 8; ms++) edges.push(ms);
  for (let i = 1; edges.length < HISTORY_BINS - 1; i++) edges.push(8 * 2 ** (i / 8));
  return edges;
})();

export function historyBin(gapMs: number): number {
  let bin = 0;
  while (bin < EDGES.length && gapMs >= EDGES[bin]!) bin++;
  return bin;
}

export const newHistory = (deviceId: string): DeviceHistory => ({ deviceId, days: 0, lastDay: -1, past: new Uint16Array(HISTORY_BINS), today: new Uint16Array(HISTORY_BINS) });

/** Counts a minute; when a new day begins the last one becomes past. */
export function recordMinute(history: DeviceHistory, end: number, lowMs: number): void {
  const day = Math.floor((end - 1) / DAY_MS);
  if (day > history.lastDay) {
    let any = false;
    for (let i = 0; i < HISTORY_BINS; i++) {
      if (history.today[i] !== 0) any = true;
      history.past[i] = Math.min(COUNT_MAX, history.past[i]! + history.today[i]!);
    }
    if (any) history.days = Math.min(COUNT_MAX, history.days + 1);
    history.today.fill(0);
    history.lastDay = day;
  }
  const bin = historyBin(lowMs);
  history.today[bin] = Math.min(COUNT_MAX, history.today[bin]! + 1);
}

/** Median of the past days' minutes (middle of its bin), ms; null without any. */
export function typicalGap(history: DeviceHistory): { days: number; minutes: number; typicalMs: number } | null {
  let minutes = 0;
  for (const count of history.past) minutes += count;
  if (minutes === 0) return null;
  let below = 0;
  let bin = 0;
  while (below + history.past[bin]! < minutes / 2) below += history.past[bin++]!;
  const high = EDGES[Math.min(bin, EDGES.length - 1)]!;
  const low = bin === 0 ? 0 : EDGES[bin - 1]!;
  return { days: history.days, minutes, typicalMs: (low + high) / 2 };
}
