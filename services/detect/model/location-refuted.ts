/**
 * Location refuted.
 *
 * Hypothesis: the device-side peer is not at the declared place.
 * Statistic: second-lowest round trip below the ⅔c floor of the distance vantage → declared place, as a margin in km.
 * Null: none is needed: no pair over 200 km beats the floor in any of the measured matrices. What can be wrong is the
 *   coordinates (granted geoErrorKm), one record (the second-lowest is used), and what ends the transport: an egress or a
 *   gateway near the vantage answers for a person who is far away. Where colleagues whose devices were sent apart come from one
 *   address, it is such an exit more often than their place.
 * Reference: 99.93 km per ms of round trip.
 * Cost: a hosted desktop or an egress near the vantage refutes the home address and proves little; networks named in a
 *   policy are left out, hosting networks are soft. A refuted *geolocation* is a fault of the database, told and not held
 *   against the person.
 */
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { areColleagues, wereSentApart } from './fleet-view.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, shareText, show, strengthOfShare } from './reading.ts';
import { isRelay, isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters, TransportView } from './view.ts';

export const locationRefutedSignal: SignalDescription = {
  name: 'locationRefuted',
  family: 'latency',
  weight: 0.05,
  speaksFor: { DEVICE_ELSEWHERE: 0.6, VPN_OR_PROXY: 0.4 },
};

/** Evidence of a place that is just refuted, and the most; between them a decade for every so many km. A prior: nothing honest was seen beyond the floor. */
const STRENGTH_LEAST = 2.3;
const STRENGTH_MAX = 5;
const KM_PER_DECADE = 200;
/** About 10% of honest session-days show it where hosted desktops and relays stand near the vantage. */
const SOFT_SHARE = 0.1;
const SAMPLES_MIN = 3;
/** Clock granularity that a measured round trip is granted, ms. */
const CLOCK_MS = 1;

type Confirmed = Pick<TransportView, 'samples' | 'confirmedLeastMs'>;

/** By how many km the place lies beyond what the round trip allows; ≤ 0 where it is possible. */
function refutedKm(distanceKm: number, transport: Confirmed, geoErrorKm: number): number {
  return distanceKm - geoErrorKm - (transport.confirmedLeastMs + CLOCK_MS) * KM_PER_RTT_MS;
}

/** The database puts the source where its round trip cannot come from: its place says nothing about the person. */
export function isGeolocationRefuted(sighting: Sighting, transport: Confirmed | null, geoErrorKm: number): boolean {
  if (transport === null || transport.samples < 2 || sighting.sourceDistanceKm === null) return false;
  return refutedKm(sighting.sourceDistanceKm, transport, geoErrorKm) > 0;
}

export function locationRefuted(view: SessionView, { config }: SignalParameters): Answer {
  const { sighting, transport } = view;
  if (sighting === null || transport === null || transport.samples < SAMPLES_MIN) return NO_DATA;
  const distance = view.declaredDistanceKm;
  if (distance === null) return NO_DATA;
  if (isTrustedEgress(sighting.policy) || view.gateway !== null) return QUIET;
  const margin = refutedKm(distance, transport, config.network.geoErrorKm);
  if (margin <= 0) return QUIET;
  const shared = view.fleet?.egress?.figures ?? null;
  const exit = shared !== null && areColleagues(shared) && wereSentApart(shared);
  const soft = isRelay(sighting.category) || view.gap?.sensor === 'VDI_GATEWAY' || exit;
  const hosted = soft ? ' (a hosted desktop or relay would show the same)' : '';
  const doubt = exit ? `; ${shared.users} people of the organisation, whose devices were sent to ${shared.shipTos} places, keep one working day behind this address, so an exit that they share may answer for them` : hosted;
  const reach = (transport.confirmedLeastMs + CLOCK_MS) * KM_PER_RTT_MS;
  return {
    strength: soft ? strengthOfShare(SOFT_SHARE) : Math.min(STRENGTH_MAX, STRENGTH_LEAST + margin / KM_PER_DECADE),
    ubiquitous: soft,
    observed: transport.confirmedLeastMs,
    expected: (distance - config.network.geoErrorKm) / KM_PER_RTT_MS - CLOCK_MS,
    unit: 'ms',
    samples: transport.samples,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `A round trip of ${show(transport.confirmedLeastMs)} ms (and ${show(CLOCK_MS)} ms for its clock) reaches at most ${show(reach)} km from the vantage, but the declared place is ${show(distance)} km away: even with ${show(config.network.geoErrorKm)} km for its coordinates it is ${show(margin)} km too far, so what answers at ${sighting.sourceIp} cannot be there${doubt}; ${soft ? `${shareText(SOFT_SHARE)} show as much` : `the strength is ${STRENGTH_LEAST} and 1 more for each ${KM_PER_DECADE} km of that, ${STRENGTH_MAX} at the most`}.`,
  };
}
