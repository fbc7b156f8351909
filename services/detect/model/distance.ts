/**
 * How far the operator is from the workstation's source address: a ring around it.
 *
 * The leg's round trip over the ⅔c floor of 99.93 km per ms, times the share of that distance that legs of such a length cover: 4th,
 * 50th and 96th percentile over pairs of cloud regions with last miles of 1–17 ms (`npm run fit` prints and keeps them, a test
 * holds them against fitted.json). Detour and last mile are in one distribution: taking the worst of both at once covers more than
 * was asked for and is wide. Nothing ever lies beyond 99.93 km per ms; that the ring ends earlier is a statement about
 * real paths, right for about 92 of 100.
 * Source: GCP and Azure region matrices; the measured coverage stands in docs/evaluation.md.
 */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { OWN_MINUTES_MIN, type OwnGap } from './history.ts';

/** Share of the ⅔c distance that legs of about this round trip cover, the last mile in it. */
export interface ReachRow {
  rttMs: number;
  low: number;
  median: number;
  high: number;
}

/** Linear between the rows, flat beyond them. */
export const REACH: readonly ReachRow[] = [
  { rttMs: 23, low: 0.111, median: 0.308, high: 0.66 },
  { rttMs: 40, low: 0.182, median: 0.357, high: 0.728 },
  { rttMs: 71, low: 0.32, median: 0.501, high: 0.784 },
  { rttMs: 114, low: 0.389, median: 0.608, high: 0.746 },
  { rttMs: 153, low: 0.336, median: 0.588, high: 0.793 },
  { rttMs: 202, low: 0.348, median: 0.573, high: 0.778 },
  { rttMs: 257, low: 0.311, median: 0.538, high: 0.695 },
];

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

/** What may be a machine's own in a gap, ms: its least, its typical one, and the most that is granted. */
export interface MachineGap {
  least: number;
  typical: number;
  most: number;
}

/**
 * A device whose earlier days lie below what is late now, and that is no slower than nine of ten, has what those days show. Of any other,
 * what honest machines have: of what lies between the typical one and what nine of ten stay below, half is granted; one of ten stays
 * below the least one.
 *
 * @param lateMs what the keystrokes are late by, ms
 * @param medianMs half of honest machines stay below it, ms
 * @param nineOfTenMs nine of ten do, ms
 */
export function machineGap(lateMs: number, medianMs: number, nineOfTenMs: number, own: OwnGap | null): MachineGap {
  const most = Math.max(medianMs, nineOfTenMs);
  const isKnown = own !== null && own.minutes >= OWN_MINUTES_MIN && own.typicalMs <= most && own.highMs < lateMs;
  if (isKnown) return { least: own.lowMs, typical: own.typicalMs, most: own.oftenMs };
  return { least: medianMs === 0 ? 0 : (medianMs * medianMs) / most, typical: medianMs, most: (medianMs + most) / 2 };
}

/** Round trip of the leg, ms. */
export interface LegMs {
  least: number;
  likely: number;
  most: number;
}

/**
 * @param lateMs what the keystrokes are late by, ms
 * @param errorMs by how much `lateMs` may be off in either direction, ms (clock error)
 * @param queueMs by how much queues may have held it above the way, ms
 * @param ways how often a round trip goes into `lateMs`: 2 where the sensor compares two clocks, which sees the way there alone, else 1
 */
export function legOf(lateMs: number, machine: MachineGap, errorMs: number, queueMs: number, ways: number): LegMs {
  return {
    least: (lateMs - machine.most - errorMs - queueMs) * ways,
    likely: (lateMs - machine.typical) * ways,
    most: (lateMs - machine.least + errorMs) * ways,
  };
}

/**
 * @param reach fitted shares, rising in rttMs
 * @returns null where nothing is late
 */
export function operatorDistance({ least, likely, most }: LegMs, reach: readonly ReachRow[] = REACH): DistanceKm | null {
  if (most <= 0) return null;
  const km = (rttMs: number, key: 'low' | 'median' | 'high'): number => clamp(Math.max(0, rttMs) * KM_PER_RTT_MS * reachAt(rttMs, key, reach));
  const upper = km(most, 'high');
  const middle = Math.min(upper, km(likely, 'median'));
  return { lower: Math.min(middle, km(least, 'low')), likely: middle, upper };
}
