/**
 * How far the operator is from the workstation's source address: a ring around it.
 *
 * The leg's round trip, less a last mile, over the ⅔c floor of 99.93 km per ms, times the share of that floor that real paths of
 * such a round trip cover: 4th, 50th and 96th percentile over pairs of cloud regions (`npm run fit` prints and keeps them, a test
 * holds them against fitted.json). Nothing ever lies beyond 99.93 km per ms; that the ring ends earlier is a statement about
 * real paths, right for about 92 of 100.
 * Source: GCP and Azure region matrices; the measured coverage stands in docs/evaluation.md.
 */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';

/** Share of the ⅔c distance that paths with about this round trip cover. */
export interface ReachRow {
  rttMs: number;
  low: number;
  median: number;
  high: number;
}

/** Linear between the rows, flat beyond them. */
export const REACH: readonly ReachRow[] = [
  { rttMs: 15, low: 0.195, median: 0.429, high: 0.651 },
  { rttMs: 31, low: 0.33, median: 0.481, high: 0.72 },
  { rttMs: 60, low: 0.397, median: 0.569, high: 0.781 },
  { rttMs: 103, low: 0.418, median: 0.662, high: 0.804 },
  { rttMs: 143, low: 0.367, median: 0.622, high: 0.834 },
  { rttMs: 192, low: 0.366, median: 0.605, high: 0.812 },
  { rttMs: 247, low: 0.327, median: 0.557, high: 0.725 },
];

/** Last miles of the operator's access network that are in the leg: a usual and a slow one, ms. */
const LAST_MILE_MS = 8;
const LAST_MILE_HIGH_MS = 18;
/** At most this share of a short leg is taken for the last mile. */
const LAST_MILE_SHARE = 0.35;
const LEAST_PROCESSING_MS = 0.3;
const HALF_EARTH_KM = 20_015;

export interface DistanceKm {
  lower: number;
  likely: number;
  upper: number;
}

function reachAt(rttMs: number, key: 'low' | 'median' | 'high', rows: readonly ReachRow[]): number {
  const last = rows.length - 1;
  if (rttMs <= rows[0]!.rttMs) return rows[0]![key];
  if (rttMs >= rows[last]!.rttMs) return rows[last]![key];
  const i = rows.findIndex((row) => row.rttMs >= rttMs);
  const [a, b] = [rows[i - 1]!, rows[i]!];
  return a[key] + ((b[key] - a[key]) * (rttMs - a.rttMs)) / (b.rttMs - a.rttMs);
}

const clamp = (km: number): number => Math.round(Math.min(HALF_EARTH_KM, Math.max(0, km)));

/**
 * @param lateMs what the keystrokes are late by, as a round trip, ms (twice the one-way figure for two clocks)
 * @param machineMs the machine's own typical share of it, ms
 * @param errorMs by how much `lateMs` may be off in either direction, ms (clock error)
 * @param reach fitted shares, rising in rttMs
 * @returns null where nothing is late
 */
export function operatorDistance(lateMs: number, machineMs: number, errorMs: number, reach: readonly ReachRow[] = REACH): DistanceKm | null {
  const most = lateMs + errorMs - LEAST_PROCESSING_MS;
  if (most <= 0) return null;
  const leg = Math.max(0, lateMs - machineMs);
  const least = Math.max(0, leg - errorMs);
  const km = (rttMs: number, key: 'low' | 'median' | 'high'): number => clamp(Math.max(0, rttMs) * KM_PER_RTT_MS * reachAt(rttMs, key, reach));
  const upper = km(most, 'high');
  const likely = Math.min(upper, km(leg - Math.min(LAST_MILE_MS, leg * LAST_MILE_SHARE), 'median'));
  return { lower: Math.min(likely, km(least - Math.min(LAST_MILE_HIGH_MS, least * LAST_MILE_SHARE), 'low')), likely, upper };
}
