/**
 * Declared place contradicted.
 *
 * Hypothesis: the workstation is not where its assignment says.
 * Statistic: country and great-circle distance of the source address against the declared place; else the device's time
 *   zone against the declared one, as a difference of UTC offsets at that time.
 * Null: the database is right about the country for about 99% of residential addresses, less for mobile and business ones;
 *   regions are worth little. The shares are a stated prior, by kind of network and distance.
 * Reference: the version of the assignment at the time (business trips are versions); the organisation's own egress and
 *   partners say nothing; the physical floor overrules the database; an address that has not changed has not travelled.
 * Cost: a person who is abroad without having declared it is found too, and rightly so; a foreign egress that no policy
 *   names is found as LOW.
 */
import { NO_DATA, QUIET, type Answer, type SignalDescription, shareText, show, strengthOfShare, untold } from './reading.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { isGeolocationRefuted } from './location-refuted.ts';
import { isPrivateRelay, isRelay, isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';
import { utcOffsetHours } from './zones.ts';

export const declaredPlaceSignal: SignalDescription = {
  name: 'declaredPlace',
  family: 'network',
  weight: 0.3,
  speaksFor: { DEVICE_ELSEWHERE: 0.7, VPN_OR_PROXY: 0.3 },
};

const REGION_KM_MIN = 1500;
const MOVED_KM = 300;
const ZONE_HOURS_MIN = 2.5;
/** Shares of honest session-days that look like this without a declared trip or a policy that explains it: a stated prior. */
const HONEST_SHARE = { abroadFar: 0.002, abroadNear: 0.004, border: 0.3, vpnAbroad: 1e-4, relayAbroad: 5e-4, businessAbroad: 0.003, hostedAbroad: 0.1, gatewayAbroad: 0.1, region: 0.15, zone: 0.05 } as const;
/** What more honest session-days than this show opens nothing alone. */
const UBIQUITOUS_SHARE = 0.02;

export function declaredPlace(view: SessionView, { config }: SignalParameters): Answer {
  const { sighting, declared } = view;
  if (sighting === null || declared === null) return NO_DATA;
  if (isTrustedEgress(sighting.policy) || isPrivateRelay(sighting.categoryReason)) return zoneOnly(view, sighting);
  if (sighting.country === null || view.sourceToDeclaredKm === null) return zoneOnly(view, sighting);
  if (isGeolocationRefuted(sighting, view.transport, config.network.geoErrorKm) || hasMoved(view, sighting)) return zoneOnly(view, sighting);
  const km = view.sourceToDeclaredKm;
  const abroad = sighting.country !== declared.country;
  const settled = sighting.category !== 'MOBILE' && !isRelay(sighting.category);
  const share = abroad ? shareAbroad(view, sighting, km, config.network.farKm) : settled && km >= REGION_KM_MIN ? HONEST_SHARE.region : 1;
  if (share === 1) return zoneOnly(view, sighting);
  const { sourceIp, organisation, category, city, region, country } = sighting;
  return untold(
    { strength: strengthOfShare(share), ubiquitous: share > UBIQUITOUS_SHARE, observed: km, expected: abroad ? 0 : REGION_KM_MIN, unit: 'km', samples: 1, windowStart: view.windowStart, windowEnd: view.windowEnd },
    { sourceIp, organisation, category, city, region, country, declared, km, abroad, shown: view.gateway?.shown ?? null, share },
    explain,
  );
}

interface Told extends Pick<Sighting, 'sourceIp' | 'organisation' | 'category' | 'city' | 'region' | 'country'> {
  declared: NonNullable<SessionView['declared']>;
  km: number;
  abroad: boolean;
  /** People whose transport ends at the source; null where it does not. */
  shown: number | null;
  share: number;
}

const placeText = ({ city, region, country }: { city: string | null; region: string | null; country: string | null }): string => [city, region, country].filter((part) => part !== null).join(', ');

function explain(told: Told): string {
  const { sourceIp, organisation, category, declared, km, abroad, shown, share } = told;
  return `The session comes from ${sourceIp} (${organisation ?? 'unknown organisation'}, ${category}), located in ${placeText(told)}, ${show(km)} km from the declared place ${placeText(declared)}${abroad ? ' and in another country' : ''}, and no assignment version or network policy at that time explains it${shown === null ? '' : ` (it ends the transport of ${shown} people)`}; ${shareText(share)} look so.`;
}

/** A desktop that is hosted stands in a hosting network by nature, also while nobody types; before the first keystroke it may be one. */
export const isHostedDesktop = ({ sensor }: SessionView, { category }: Sighting): boolean => category === 'HOSTING' && (sensor === null || sensor === 'VDI_GATEWAY');

function shareAbroad(view: SessionView, sighting: Sighting, km: number, farKm: number): number {
  if (isHostedDesktop(view, sighting)) return HONEST_SHARE.hostedAbroad;
  // Where it ends the transport of several people it stands elsewhere than they do.
  if (view.gateway !== null) return HONEST_SHARE.gatewayAbroad;
  if (sighting.category === 'VPN' || sighting.category === 'TOR') return HONEST_SHARE.vpnAbroad;
  if (sighting.category === 'HOSTING') return HONEST_SHARE.relayAbroad;
  if (km < 150) return HONEST_SHARE.border;
  if (sighting.category === 'BUSINESS') return HONEST_SHARE.businessAbroad;
  return km >= farKm ? HONEST_SHARE.abroadFar : HONEST_SHARE.abroadNear;
}

/** The same address was located elsewhere before: the database moved, not the person. */
function hasMoved(view: SessionView, sighting: Sighting): boolean {
  const { knownPlace } = view;
  if (knownPlace === null || sighting.latitude === null || sighting.longitude === null) return false;
  return greatCircleKm(knownPlace.latitude, knownPlace.longitude, sighting.latitude, sighting.longitude) > MOVED_KM;
}

/** Zones of servers and hosted desktops, which nobody lives in. */
const NEUTRAL_ZONE = /^(?:etc\/|utc|gmt|zulu|universal)/i;

function zoneOnly(view: SessionView, sighting: Sighting): Answer {
  const { osTimeZone } = sighting;
  const { declared } = view;
  if (osTimeZone === null || declared === null || declared.timeZone === null || osTimeZone === declared.timeZone || NEUTRAL_ZONE.test(osTimeZone)) return QUIET;
  const here = utcOffsetHours(osTimeZone, sighting.at);
  const there = utcOffsetHours(declared.timeZone, sighting.at);
  if (here === null || there === null) return QUIET;
  const hours = Math.min(Math.abs(here - there), 24 - Math.abs(here - there));
  if (hours < ZONE_HOURS_MIN) return QUIET;
  return {
    strength: strengthOfShare(HONEST_SHARE.zone),
    ubiquitous: true,
    observed: here,
    expected: there,
    unit: 'h',
    samples: 1,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `The device's clock is set to ${osTimeZone} (UTC${here >= 0 ? '+' : ''}${here} h) while the declared place keeps ${declared.timeZone} (UTC${there >= 0 ? '+' : ''}${there} h); ${shareText(HONEST_SHARE.zone)} look so.`,
  };
}
