/**
 * Path excess.
 *
 * Hypothesis: the transport does not end where the source address is: a packet-level VPN carries it on to somewhere else.
 * Statistic: second-lowest round trip to the source less what the way vantage → source → declared place takes at the 95th
 *   percentile of inflation, plus a generous last mile, less a part of how far the medians lie above that least on the mean: an access
 *   network that queues may not have shown its floor yet, and the more minutes were looked at, the nearer the least has come to it.
 * Null: the device is at the declared place, behind the source address. The way through the source covers a corporate
 *   egress that is far from its people.
 * Reference: floor of ⅔c times the fitted inflation (cloud regions p95 2.7–3.0, at most 172 ms over the floor); last miles up to low-orbit satellite.
 *   Where eight networks of the declared region are known from the same vantage, what three quarters of them take over the floor goes in the
 *   place of the inflation (fleet/cohort-path.ts): whole regions are routed strangely, and most are not.
 *   How near, is measured on recorded lines of homes and personal devices (Seattle, OnionRTC).
 *   Little counts before there are enough samples, because queues can stand for minutes.
 * Cost: "too slow" has many honest reasons, so it is soft; geostationary links look the same and are discounted.
 */
import { KM_PER_RTT_MS, floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';
import { log10Share, type NullTable } from './null-table.ts';
import type { WayFigures } from '../fleet/cohort-path.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, show, strengthOfP, untold } from './reading.ts';
import { BUSINESS_MAX, isPrivateRelay, isSatellite, isTrustedEgress, latitudeOf, longitudeOf, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters, TransportView } from './view.ts';
import { lastMileMostMs, NEAR_LEAST_MS, routesMostMs, SAMPLES_MIN } from './way.ts';

export const pathExcessSignal: SignalDescription = {
  name: 'pathExcess',
  family: 'latency',
  weight: 0.3,
  speaksFor: { VPN_OR_PROXY: 0.6, REMOTE_OPERATOR: 0.3, DEVICE_ELSEWHERE: 0.1 },
};

/**
 * Shares of honest session-days whose way takes so much longer than expected, ms: a stated prior. 3% of the measured pairs between
 * 1,500 and 4,000 km have detours of more than 100 ms, which the table has in.
 */
const EXCESS_NULL: NullTable = [[0, 0.05], [20, 0.02], [40, 0.006], [60, 0.0015], [80, 4e-4], [100, 1.2e-4], [130, 3e-5], [170, 8e-6], [230, 1e-6]];
/** Satellites and mobile networks reach that often. */
const SOFT_MAX = 1;
/** Round trips below which the least is not yet trusted, and the strength that it may reach until then. */
const SAMPLES_TRUSTED = 12;
const EARLY_MAX = 0.85;
/**
 * How far the second-lowest round trip may lie above the line's floor, as a share of how far the medians lie above the least: of what is
 * below SHALLOW_MS, and of what is deeper and may stand for hours; each goes down with the minutes n that were looked at, as its minutes
 * over n. Of 1,000 recorded lines of homes, with the route changes of servers (development half), 0.8 lie more than 20 ms beyond that and
 * a last mile of 35 ms, 0.04 more than 45 and 0.01 more than 81, which is well within EXCESS_NULL.
 */
const SHALLOW_MS = 60;
const SHALLOW = { share: 0.4, minutes: 20 } as const;
const DEEP = { share: 2.1, minutes: 60 } as const;
/**
 * A mean is lifted by queues of whole seconds, which are gone between times: a line that was looked at in an hour of minutes, and came back to the
 * same least in nine of them or more, has been empty then. Of what is deep, so much is granted at the most, shared out over those minutes, ms.
 * Fewer minutes will not do: queues stand for so long. That recorded lines keep to EXCESS_NULL with it is held by tools/evaluate/queue-null.test.ts.
 */
const CAME_BACK = { ms: 200, minutesMin: 60, nearMin: 9 } as const;

interface Way {
  /** Vantage → source → declared place, km. */
  km: number;
  /** By how much that is longer than vantage → declared place, km; Infinity where that is not known. */
  aroundKm: number;
}

/** Both are filled again for every window that asks; of use until the next one does. */
const seenWay: Way = { km: NaN, aroundKm: NaN };
const seenExcess: Excess = { km: NaN, floor: NaN, inflated: NaN, lastMile: NaN, expected: NaN, peers: null, known: false, queueMs: NaN, excess: NaN };

function wayOf(km: number, aroundKm: number): Way {
  seenWay.km = km;
  seenWay.aroundKm = aroundKm;
  return seenWay;
}

/** Null where neither is known. */
function wayBetween(sighting: Sighting, vantage: SessionView['vantage'], declared: SessionView['declared']): Way | null {
  const latitude = latitudeOf(sighting);
  const longitude = longitudeOf(sighting);
  if (vantage === null || latitude === null || longitude === null) return sighting.sourceDistanceKm === null ? null : wayOf(sighting.sourceDistanceKm, Infinity);
  const out = greatCircleKm(vantage.latitude, vantage.longitude, latitude, longitude);
  if (declared === null) return wayOf(out, Infinity);
  const km = out + greatCircleKm(latitude, longitude, declared.latitude, declared.longitude);
  return wayOf(km, km - greatCircleKm(vantage.latitude, vantage.longitude, declared.latitude, declared.longitude));
}

/** Who comes over an egress or an exit elsewhere goes another way than the peers do, km. */
const AROUND_KM_MAX = 300;

/** Length of the way that a session has in common with the people of its declared region, km; null where it goes another way. */
export function commonWayKm(sighting: Sighting, vantage: SessionView['vantage'], declared: SessionView['declared']): number | null {
  const way = isTrustedEgress(sighting.policy) ? null : wayBetween(sighting, vantage, declared);
  return way === null || way.aroundKm > AROUND_KM_MAX ? null : way.km;
}

/** No measured pair nearer than 1,500 km has a detour of more than 30 ms, so an excess there weighs this much more. */
const SHORT_KM = 1200;
const LONG_KM = 2200;
const SHORT_WEIGHT = 1.6;

const detourShare = (km: number): number => (km <= SHORT_KM ? SHORT_WEIGHT : km >= LONG_KM ? 1 : SHORT_WEIGHT + ((1 - SHORT_WEIGHT) * (km - SHORT_KM)) / (LONG_KM - SHORT_KM));

/** Share of honest sessions behind the exit of a VPN or in a hosting network. */
const EXIT_SHARE = 0.03;
const LOG10_EXITS = Math.log10(EXIT_SHARE);

/**
 * An exit and a way that is too long for it are one observation (a packet-level VPN), so the exit counts here, and relay-address does
 * not count it again. Not where the session is over a gateway that the organisation knows.
 */
const exitCounts = ({ category, policy, categoryReason }: Sighting): boolean => (category === 'VPN' || category === 'HOSTING') && !isTrustedEgress(policy) && !isPrivateRelay(categoryReason);

interface Excess {
  km: number;
  /** ⅔c floor, what routes add at the most, and the last mile, ms; their sum is expected. */
  floor: number;
  inflated: number;
  lastMile: number;
  expected: number;
  /** What the peers' ways add, which is then `inflated`; null where too little is known of them. */
  peers: WayFigures | null;
  /** Enough round trips that their least counts. */
  known: boolean;
  queueMs: number;
  excess: number;
}

const hasComeBack = ({ spreadSamples, nearMinutes }: TransportView): boolean => spreadSamples >= CAME_BACK.minutesMin && nearMinutes >= CAME_BACK.nearMin;

/** What is granted for queues, ms: the least of many minutes has come between them, that of few may have stood in one. */
function queuesOf(transport: TransportView): number {
  const { wanderMs, spreadSamples, nearMinutes } = transport;
  const shareOf = ({ share, minutes }: typeof SHALLOW | typeof DEEP): number => Math.min(share, minutes / Math.max(1, spreadSamples));
  const shallow = shareOf(SHALLOW) * Math.min(SHALLOW_MS, wanderMs);
  const deep = shareOf(DEEP) * Math.max(0, wanderMs - SHALLOW_MS);
  return shallow + (hasComeBack(transport) ? Math.min(deep, CAME_BACK.ms / nearMinutes) : deep);
}

/** Null where there is no way to speak of yet. */
function excessOf(view: SessionView, { config: { network }, ways }: SignalParameters): Excess | null {
  const { sighting, transport, declared, vantage } = view;
  if (sighting === null || transport === null || transport.samples < SAMPLES_MIN) return null;
  const way = wayBetween(sighting, vantage, declared);
  if (way === null) return null;
  const { km } = way;
  const lastMile = lastMileMostMs(sighting, network);
  const floor = floorRttMs(km);
  const known = transport.samples >= SAMPLES_TRUSTED;
  const queueMs = queuesOf(transport);
  const least = transport.confirmedLeastMs;
  // Nearly everybody stays below the floor and the last mile alone.
  const asked = ways !== null && declared !== null && least > floor + lastMile + queueMs && commonWayKm(sighting, vantage, declared) !== null;
  const peers = asked ? ways({ tenantId: view.tenantId, vantageId: vantage!.vantageId, region: declared.region ?? declared.country, sighting }, view.windowEnd) : null;
  const inflated = peers === null ? routesMostMs(floor, network) : peers.routeMs;
  const expected = floor + inflated + lastMile;
  seenExcess.km = km;
  seenExcess.floor = floor;
  seenExcess.inflated = inflated;
  seenExcess.lastMile = lastMile;
  seenExcess.expected = expected;
  seenExcess.peers = peers;
  seenExcess.known = known;
  seenExcess.queueMs = queueMs;
  seenExcess.excess = least - expected - queueMs;
  return seenExcess;
}

/** The exit of the session is part of what path excess says. */
export const isCountedWithPath = (view: SessionView, parameters: SignalParameters): boolean => view.sighting !== null && exitCounts(view.sighting) && (excessOf(view, parameters)?.excess ?? 0) > 0;

export function pathExcess(view: SessionView, parameters: SignalParameters): Answer {
  const { config } = parameters;
  const way = excessOf(view, parameters);
  if (way === null) return NO_DATA;
  const { km, floor, inflated, lastMile, expected, peers, known, queueMs, excess } = way;
  // Where a gateway ends the transport of several people, its round trip is its own way and nobody's.
  if (excess <= 0 || view.gateway !== null) return QUIET;
  const sighting = view.sighting!;
  const transport = view.transport!;
  const least = transport.confirmedLeastMs;
  const mobile = sighting.category === 'MOBILE';
  // The peers have the detours of the way in their figures already.
  const rarity = (peers === null ? detourShare(km) : SHORT_WEIGHT) * excess;
  // A satellite's queues are deep, and its hop is as long as ever behind them.
  const satellite = isSatellite(sighting.organisation) || excess + queueMs >= config.network.geostationaryMs - lastMile - 20;
  const log10P = log10Share(EXCESS_NULL, rarity) + (exitCounts(sighting) ? LOG10_EXITS : 0);
  const full = strengthOfP(log10P);
  const capped = sighting.category === 'BUSINESS' ? Math.min(BUSINESS_MAX, full) : full;
  const trusted = !known ? Math.min(EARLY_MAX, capped) : capped;
  const strength = satellite || mobile ? Math.min(SOFT_MAX, trusted / 2) : trusted;
  const { category, sourceIp } = sighting;
  const { wanderMs, spreadSamples } = transport;
  return untold(
    { strength, ubiquitous: satellite, observed: least, expected, unit: 'ms', samples: transport.samples, windowStart: view.windowStart, windowEnd: view.windowEnd },
    { least, km, floor, inflated, lastMile, expected, networks: peers?.networks ?? null, queueMs, excess, log10P, sourceIp, wanderMs, spreadSamples, nearMinutes: hasComeBack(transport) ? transport.nearMinutes : null, exit: exitCounts(sighting) ? category : null, satellite, mobile },
    explain,
  );
}

interface Told extends Omit<Excess, 'peers' | 'known'> {
  least: number;
  /** Of the peers whose ways count; null where they do not. */
  networks: number | null;
  /** log10 of the share of honest session-days with such a way, exits counted in. */
  log10P: number;
  sourceIp: string;
  wanderMs: number;
  spreadSamples: number;
  /** Minutes whose least came near the session's; null where they change nothing. */
  nearMinutes: number | null;
  /** Category of an exit that counts here. */
  exit: Sighting['category'] | null;
  satellite: boolean;
  mobile: boolean;
}

function explain(told: Told): string {
  const { least, km, floor, inflated, lastMile, expected, networks, queueMs, excess, sourceIp, wanderMs, spreadSamples, nearMinutes } = told;
  const exit = told.exit === null ? '' : ` with the source a ${told.exit === 'VPN' ? 'VPN exit' : 'hosting network'}, as for about ${100 * EXIT_SHARE}% of honest sessions,`;
  const doubt = told.satellite ? '; a geostationary or other satellite link would show the same' : told.mobile ? '; mobile networks are granted more and still vary' : '';
  return `The least round trip to ${sourceIp} was ${show(least)} ms, while the way over the source address to the declared place (${show(km)} km) takes at most ${show(expected)} ms (${show(floor)} ms at ${show(KM_PER_RTT_MS)} km per ms, ${show(inflated)} ms ${networks === null ? 'for detours' : `as the ways of ${networks} networks of that region show`}, ${lastMile} ms for the last mile); with ${show(queueMs)} ms granted for queues (its medians lie ${show(wanderMs)} ms above the least of ${spreadSamples} minutes${nearMinutes === null ? '' : `, ${nearMinutes} of which came within ${NEAR_LEAST_MS} ms of it`}), the excess of ${show(excess)} ms is consistent with the traffic being carried on to a place up to ${show(excess * KM_PER_RTT_MS)} km further away;${exit} a share of ${(10 ** told.log10P).toExponential(1)} of honest session-days shows as much${doubt}.`;
}
