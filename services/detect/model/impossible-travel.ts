/**
 * Impossible travel.
 *
 * Hypothesis: two sightings of one person are further apart than anybody travels in the time between.
 * Statistic: great-circle distance over time between the person's successive sightings at different addresses.
 * Null: one person, one place at a time; but addresses move without people: mobile networks, VPNs and hosting, carrier NAT,
 *   a database refresh. Those ends make it soft, and so does an unchanged round trip from the same vantage.
 * Reference: ≥ 800 km/h and ≥ 500 km (Elastic's detection rule); egresses named in a policy and places refuted by the
 *   physical floor are not sightings.
 * Cost: somebody who leaves a VPN running on one of two devices is found as soft.
 */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { HOUR_MS } from '../fleet/minutes.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, shareText, show, strengthOfShare } from './reading.ts';
import { isPrivateRelay, isRelay, isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters, Travel } from './view.ts';

export const impossibleTravelSignal: SignalDescription = {
  name: 'impossibleTravel',
  family: 'network',
  weight: 0.2,
  renews: true,
  speaksFor: { DEVICE_ELSEWHERE: 0.4, ACCOUNT_HANDOVER: 0.3, VPN_OR_PROXY: 0.3 },
};

/** Shares of honest session-days with such a travel (databases that move a range, forgotten VPNs): a stated prior. */
const HONEST_SHARE = { hard: 0.001, sameCountry: 0.005, soft: 0.03 } as const;
/** Clocks of two sensors differ: no two sightings are closer in time than this. */
const TIME_MS_MIN = 60_000;

/** A place that a person can be sighted at; null for egresses, privacy relays and unlocated addresses. */
export function canSight(sighting: Sighting): boolean {
  return sighting.latitude !== null && sighting.longitude !== null && !isTrustedEgress(sighting.policy) && !isPrivateRelay(sighting.categoryReason);
}

const moves = (sighting: Sighting): boolean => sighting.category === 'MOBILE' || isRelay(sighting.category);

/** The travel from one sighting to a later one; null where it is possible. Both must pass `canSight`. */
export function travelBetween(from: Sighting, fromAt: number, to: Sighting, unchangedRtt: boolean, { config }: SignalParameters): Travel | null {
  if (from.sourceIp === to.sourceIp) return null;
  const km = greatCircleKm(from.latitude!, from.longitude!, to.latitude!, to.longitude!);
  if (km < config.network.travelKmMin) return null;
  const hours = Math.max(TIME_MS_MIN, to.at - fromAt) / HOUR_MS;
  if (km / hours < config.network.travelKmhMin) return null;
  return {
    at: to.at,
    fromCountry: from.country,
    fromCity: from.city,
    toCountry: to.country,
    toCity: to.city,
    distanceKm: Math.round(km),
    hours,
    soft: moves(from) || moves(to) || unchangedRtt,
  };
}

export function impossibleTravel(view: SessionView, { config }: SignalParameters): Answer {
  const { travel } = view;
  if (travel === null) return NO_DATA;
  if (view.windowEnd - travel.at > config.network.travelHoldMs) return QUIET;
  const speed = travel.distanceKm / travel.hours;
  const share = travel.soft ? HONEST_SHARE.soft : travel.fromCountry === travel.toCountry ? HONEST_SHARE.sameCountry : HONEST_SHARE.hard;
  const from = travel.fromCity ?? travel.fromCountry ?? 'an unnamed place';
  const to = travel.toCity ?? travel.toCountry ?? 'an unnamed place';
  return {
    strength: strengthOfShare(share),
    ubiquitous: travel.soft,
    observed: speed,
    expected: config.network.travelKmhMin,
    unit: 'km/h',
    samples: 2,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `The person was seen in ${from} and ${show(travel.hours * 60)} min later in ${to}, ${show(travel.distanceKm)} km away, which would take ${show(speed)} km/h${travel.soft ? ' (one of the two addresses may have moved without the person)' : ''}; ${shareText(share)} show as much.`,
  };
}
