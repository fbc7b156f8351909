/** Operator distance of findings against the truth, beside the naive interval 0 … 99.93 km per ms of the hidden leg. */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { legOf, machineGap, operatorDistance } from '../../services/detect/model/distance.ts';
import { partOfWorld } from '../../services/detect/model/reach.ts';
import { distanceKm as kmBetween } from '../simulate/addresses.ts';
import { reachTables } from '../simulate/fit-network.ts';
import { type CloudRegion, readAzure, readGcp } from '../simulate/measured.ts';
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
  return scoreOf(sessions.flatMap(({ operatorKm, distanceKm, legMs, remote }) => (remote && operatorKm !== null && distanceKm !== null && legMs > 0 ? [{ operatorKm, distanceKm, legMs }] : [])));
}

interface Told {
  operatorKm: number;
  distanceKm: { lower: number; likely: number; upper: number };
  legMs: number;
}

function scoreOf(told: readonly Told[]): DistanceScore {
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

const FOLDS = 8;
/** Both clouds have a region in most cities: places so near to each other are left out together, km. */
const NEIGHBOURS_KM = 700;
/** What machines add, ms, and what detection takes for it. */
const MACHINE_MS = [0.3, 8.5] as const;
const MACHINE = machineGap(0, 3.5, MACHINE_MS[1], null);
const SAME_PLACE_KM = 50;

/**
 * The distance on pairs of measured places that were not fitted: the reach is fitted anew without every eighth of the
 * neighbourhoods, and judged on the pairs that have an end in one of those. The workstation is where the pair begins.
 */
export function crossFitted(dir?: string): DistanceScore {
  const pairs = [...readGcp(dir), ...readAzure(dir)];
  const foldOf = foldsOf(pairs.flatMap(({ from, to }) => [from, to]));
  const prng = new Prng(1, 'distance');
  const told: Told[] = [];
  for (let fold = 0; fold < FOLDS; fold++) {
    const isOut = (region: CloudRegion): boolean => foldOf.get(placeOf(region)) === fold;
    const reach = reachTables(pairs.filter(({ from, to }) => !isOut(from) && !isOut(to)));
    for (const { from, to, rttMs } of pairs) {
      const operatorKm = kmBetween(from, to);
      if ((!isOut(from) && !isOut(to)) || operatorKm < SAME_PLACE_KM) continue;
      const legMs = rttMs + prng.uniform(1, 18);
      const distanceKm = operatorDistance(legOf(legMs + prng.uniform(...MACHINE_MS), MACHINE, 0, 0, 1), reach[partOfWorld(from.latitude, from.longitude)]);
      if (distanceKm !== null) told.push({ operatorKm, distanceKm, legMs });
    }
  }
  return scoreOf(told);
}

/** Fold by place. */
function foldsOf(regions: readonly CloudRegion[]): Map<string, number> {
  const byPlace = new Map(regions.map((region) => [placeOf(region), region]));
  const centres: CloudRegion[] = [];
  const folds = new Map<string, number>();
  for (const place of [...byPlace.keys()].toSorted()) {
    const region = byPlace.get(place)!;
    let at = centres.findIndex((centre) => kmBetween(centre, region) <= NEIGHBOURS_KM);
    if (at < 0) at = centres.push(region) - 1;
    folds.set(place, at % FOLDS);
  }
  return folds;
}

const placeOf = ({ latitude, longitude }: CloudRegion): string => `${latitude},${longitude}`;
