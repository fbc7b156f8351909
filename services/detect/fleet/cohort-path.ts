/**
 * What the way from a vantage to the people of a region takes beyond its ⅔c floor: routes differ far more from place to place than the
 * people of one place do. One vote a network, so that a farm behind one address is one voice (cohort-peers.ts); the quarter with the least counts, which more than three
 * quarters of the networks would have to be one operation's to move.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { DetectConfig } from '../config.ts';
import { remembered } from '../model/remembered.ts';
import { isSatellite, type Sighting } from '../model/sighting.ts';
import { PEER_SHARES, readPeers } from './cohort-peers.ts';
import type { Everybody } from './everybody.ts';
import { subjectOf } from './subjects.ts';

/** Reports are whole numbers: tenths of ms. */
const PER_MS = 10;
/** The quarter whose last miles are short shows the route; who queues, or tunnels on, is far above it. */
const QUARTER = PEER_SHARES.indexOf(0.25);

export interface WayQuery {
  tenantId: string;
  vantageId: string;
  /** Declared region; the country where there is none. */
  region: string;
  sighting: Sighting;
}

export interface WayFigures {
  networks: number;
  /** Excess of the round trip over the ⅔c floor that three quarters of the networks have, short last miles in it, ms. */
  routeMs: number;
}

/** What was known of the way at an event time; null where too little is. */
export type Ways = (query: WayQuery, at: number) => WayFigures | null;

/** Access networks whose last miles differ by more than ways do. Where a tunnel or a relay goes on, nobody knows: null. */
function accessOfWay({ category, organisation }: Sighting): 'FIXED' | 'MOBILE' | 'SATELLITE' | null {
  if (category === 'VPN' || category === 'HOSTING' || category === 'TOR') return null;
  if (isSatellite(organisation)) return 'SATELLITE';
  return category === 'MOBILE' ? 'MOBILE' : 'FIXED';
}

const subjectFor = ({ tenantId, vantageId, region }: Omit<WayQuery, 'sighting'>, access: string): string => subjectOf('PEERS', tenantId, 'way', vantageId, region, access);

/** Null where a session does not tell how long the way to its place is. */
export function waySubject(query: WayQuery): string | null {
  const access = accessOfWay(query.sighting);
  return access === null ? null : subjectFor(query, access);
}

/** @param leastMs least round trip to the source; @param km vantage → source → declared place */
export const wayValue = (leastMs: number, km: number): number => Math.round(PER_MS * (leastMs - floorRttMs(km)));

/** Whose names are remembered, of each. */
const NAMES_MAX = 1024;

export function createWays(everybody: Everybody, { memoryMs }: DetectConfig['fleet']): Ways {
  // Asked with every window of those who are seen: a name that is put together anew has to be hashed as well.
  const subjectsOf = remembered(NAMES_MAX, (tenantId: string) =>
    remembered(NAMES_MAX, (vantageId: string) => remembered(NAMES_MAX, (region: string) => remembered(NAMES_MAX, (access: string) => subjectFor({ tenantId, vantageId, region }, access)))),
  );
  return ({ tenantId, vantageId, region, sighting }, at) => {
    // An exit stands nearer to the backbone than any home of its place.
    const fact = everybody.at(subjectsOf(tenantId)(vantageId)(region)(accessOfWay(sighting) ?? 'FIXED'), at);
    if (fact === null || at - fact.effectiveAt > memoryMs) return null;
    const { peers, quantiles } = readPeers(fact.values, PER_MS);
    return { networks: peers, routeMs: Math.max(0, quantiles[QUARTER]!) };
  };
}
