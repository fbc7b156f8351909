/** What a way of some length may take honestly at the most, round trip: its floor, what routes add, and the last mile. */
import type { DetectConfig } from '../config.ts';
import { isSatellite, type Sighting } from './sighting.ts';

type Network = DetectConfig['network'];

/** Round trips from which a second-lowest one, the confirmed least, is known. */
export const SAMPLES_MIN = 2;
/** How near a minute's least round trip comes to the session's where it saw the same floor, ms. */
export const NEAR_LEAST_MS = 20;
/** Last mile of low-orbit satellites, ms; geostationary ones are told apart elsewhere. */
const SATELLITE_MS = 60;

/** @param floorMs the way's round trip at ⅔c, ms */
export const routesMostMs = (floorMs: number, { inflationHigh, inflationMsMax }: Network): number => Math.min(floorMs * (inflationHigh - 1), inflationMsMax);

/** By the kind of access network, ms. */
export function lastMileMostMs({ category, organisation }: Sighting, network: Network): number {
  return category === 'MOBILE' ? network.mobileLastMileMs : isSatellite(organisation) ? SATELLITE_MS : network.lastMileMs;
}
