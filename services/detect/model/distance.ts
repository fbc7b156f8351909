/**
 * How far the operator is from the workstation's source address: a ring around it.
 *
 * The leg's round trip over the ⅔c floor of 99.93 km per ms, times the share of that distance that legs of such a length cover (reach.ts).
 * Nothing ever lies beyond 99.93 km per ms; that the ring ends earlier is a statement about real paths, right for about 94 of 100.
 * What is late is more than the leg: a machine's own delay, queues, clocks. The ring has them in at both ends.
 */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { OWN_MINUTES_MIN, type OwnGap } from './history.ts';
import { reachAt, type ReachRow } from './reach.ts';

const HALF_EARTH_KM = 20_015;

export interface DistanceKm {
  lower: number;
  likely: number;
  upper: number;
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
 * @param reach of the part of the world that the source is in
 * @returns null where nothing is late
 */
export function operatorDistance({ least, likely, most }: LegMs, reach: readonly ReachRow[]): DistanceKm | null {
  if (most <= 0) return null;
  const km = (rttMs: number, key: 'low' | 'median' | 'high'): number => clamp(Math.max(0, rttMs) * KM_PER_RTT_MS * reachAt(rttMs, key, reach));
  const upper = km(most, 'high');
  const middle = Math.min(upper, km(likely, 'median'));
  return { lower: Math.min(middle, km(least, 'low')), likely: middle, upper };
}
