/**
 * How far latencies and intervals couple where nothing is wrong: the evidence of coupling.ts for devices that show no gap worth the name.
 * A sensor that times a press only when its own queue lets it, or at the far end of a jittery way, couples everybody. One vote a device
 * (cohort-peers.ts), per tenant and kind of sensor, and for the whole fleet where the tenant has too few.
 */
import type { Sensor } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { remembered } from '../model/remembered.ts';
import { PEER_SHARES, readPeers } from './cohort-peers.ts';
import type { Everybody } from './everybody.ts';
import { subjectOf } from './subjects.ts';

/** Reports are whole numbers: hundredths of log10. */
const PER_DECADE = 100;
/** What is beyond is as good as certain, and coupled either way; log10. */
const DECADES_MAX = 20;
const DEVICES_MIN = 20;
/** Devices beyond a quantile for it to count: one or two may be piloted over a leg too short to show. */
const BEYOND_MIN = 3;

export interface CouplingQuery {
  tenantId: string;
  sensor: Sensor;
}

/** What is to be taken off the log10 of an e-value of this kind of sensor, as it was known at an event time. */
export type Couplings = (query: CouplingQuery, at: number) => { excess: number; devices: number };

export const couplingSubjects = ({ tenantId, sensor }: CouplingQuery): string[] => [subjectOf('PEERS', tenantId, 'coupling', sensor), subjectOf('PEERS', null, 'coupling', sensor)];

export const couplingValue = (log10E: number): number => Math.round(PER_DECADE * Math.min(DECADES_MAX, Math.max(-1, log10E)));

/** Whose names are remembered. */
const TENANTS_MAX = 1024;
const SENSORS_MAX = 16;

const UNKNOWN = { excess: 0, devices: 0 };

export function createCouplings(everybody: Everybody, { memoryMs }: DetectConfig['fleet']): Couplings {
  // Asked with every window of those whose gap says something: names that were put together once are found without being hashed.
  const subjectsOf = remembered(TENANTS_MAX, (tenantId: string) => remembered(SENSORS_MAX, (sensor: Sensor) => couplingSubjects({ tenantId, sensor })));
  return ({ tenantId, sensor }, at) => {
    for (const subject of subjectsOf(tenantId)(sensor)) {
      const fact = everybody.at(subject, at);
      if (fact === null || at - fact.effectiveAt > memoryMs) continue;
      const { peers, quantiles } = readPeers(fact.values, PER_DECADE);
      if (peers >= DEVICES_MIN) return { excess: excessOf(peers, quantiles), devices: peers };
    }
    return UNKNOWN;
  };
}

/** An e-value of x is shown by at most 1/x of the honest (Markov): by as much as the devices show more, by so much it is too large. */
function excessOf(devices: number, quantiles: readonly number[]): number {
  let excess = 0;
  quantiles.forEach((log10E, i) => {
    const beyond = 1 - PEER_SHARES[i]!;
    if (beyond * devices >= BEYOND_MIN) excess = Math.max(excess, log10E + Math.log10(beyond));
  });
  return excess;
}
