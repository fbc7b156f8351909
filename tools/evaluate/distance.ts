/** Operator distance of findings against the truth, beside the naive interval 0 … 99.93 km per ms of the hidden leg. */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import type { SessionOutcome } from './outcome.ts';
import { median } from './statistics.ts';
import { shareInterval } from './summary.ts';

const HALF_EARTH_KM = 20_015;

export interface DistanceScore {
  /** Sessions with a measured pair of places and a told distance. */
  sessions: number;
  covered: number;
  interval: [number, number];
  /** Median widths, km. */
  widthKm: number | null;
  naiveWidthKm: number | null;
  /** Median of |likely − truth|, km. */
  errorKm: number | null;
}

/** @param sessions piloted ones; those without a placed operator, a visible leg or a told distance are left out */
export function distanceScore(sessions: readonly SessionOutcome[]): DistanceScore {
  const told = sessions.flatMap(({ operatorKm, distanceKm, legMs, remote }) => (remote && operatorKm !== null && distanceKm !== null && legMs > 0 ? [{ operatorKm, distanceKm, legMs }] : []));
  const covered = told.filter(({ operatorKm, distanceKm }) => operatorKm >= distanceKm.lower && operatorKm <= distanceKm.upper).length;
  return {
    sessions: told.length,
    covered,
    interval: shareInterval(covered, told.length),
    widthKm: median(told.map(({ distanceKm }) => distanceKm.upper - distanceKm.lower)),
    naiveWidthKm: median(told.map(({ legMs }) => Math.min(HALF_EARTH_KM, legMs * KM_PER_RTT_MS))),
    errorKm: median(told.map(({ operatorKm, distanceKm }) => Math.abs(distanceKm.likely - operatorKm))),
  };
}
