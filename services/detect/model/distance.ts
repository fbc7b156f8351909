/**
 * How far the operator is from the workstation's source address.
 *
 * upper: ⅔c over the hidden leg, the machine's own share taken as its least (0.3 ms), which no signal in fibre exceeds;
 * likely and lower: the leg less a last mile, over the median and the 95th percentile of inflation over the ⅔c floor.
 * Source: cloud region matrices, RTT over floor p5/p50/p95 1.24–1.29 / 1.65–1.72 / 2.71–3.03.
 */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';

const LEAST_PROCESSING_MS = 0.3;
const INFLATION_MEDIAN = 1.7;
const INFLATION_HIGH = 3.03;
/** Last miles of the operator's access network: median and a slow one, ms. */
const LAST_MILE_MS = 10;
const LAST_MILE_HIGH_MS = 30;
const HALF_EARTH_KM = 20_015;

export interface DistanceKm {
  lower: number;
  likely: number;
  upper: number;
}

/**
 * @param lateMs what the keystrokes are late by, as a round trip, ms (twice the one-way figure for two clocks)
 * @param machineMs the machine's own typical share of it, ms
 * @param errorMs by how much `lateMs` may be off in either direction, ms (clock error)
 */
export function operatorDistance(lateMs: number, machineMs: number, errorMs: number): DistanceKm | null {
  const most = lateMs + errorMs - LEAST_PROCESSING_MS;
  if (most <= 0) return null;
  const clamp = (km: number): number => Math.round(Math.min(HALF_EARTH_KM, Math.max(0, km)));
  const leg = Math.max(0, lateMs - machineMs);
  const upper = clamp(most * KM_PER_RTT_MS);
  const likely = Math.min(upper, clamp(((leg - Math.min(LAST_MILE_MS, leg / 3)) * KM_PER_RTT_MS) / INFLATION_MEDIAN));
  const lower = Math.min(likely, clamp(((leg - errorMs - LAST_MILE_HIGH_MS) * KM_PER_RTT_MS) / INFLATION_HIGH));
  return { lower, likely, upper };
}
