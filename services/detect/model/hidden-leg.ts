/**
 * Hidden leg.
 *
 * Hypothesis: somebody sits behind a further leg that ends where the visible transport begins (a proxy that ends the
 *   transport, a remote desktop), so every keystroke is registered later than the transport explains.
 * Statistic: the gap (registration latency − transport RTT, half of it for two clocks, less the clock error) that all but
 *   one of the last six minutes of typing have, each by its own low quantile (20%); before there are six minutes, at most
 *   the low quantile of all keystrokes, and at first 70% of it. Bursts of queueing reach the upper quantiles, not this one; load comes and goes,
 *   and a leg stays. With it, what a slow machine does not do: spread within the minutes, steps between their low gaps, and
 *   drift of the low gaps over half an hour (queues and route changes of the leg), each beyond what the transport shows.
 *   And, where the sensor is on the workstation, the coupling of latencies and intervals (coupling.ts), which no machine has.
 *   Where half of the keystrokes of nearly all minutes lie far above the fifth of them, the half counts: two hands, one of them near.
 *   At a desktop that is hosted elsewhere than its gateway, only what the gap comes back to: what a changed route adds is no level.
 * Null: the gap is the machine's own. Machines differ far more than minutes of one machine do, so the p-value is the
 *   share of honest *machines* with so large a gap and, given that, so much variation; more minutes confirm the figures and do
 *   not shrink the p-value.
 * Reference: GapBaseline (prior, or the learnt cohort), the people behind the same gateway, and the device's own earlier days.
 * Cost: a slow machine with +60 ms reaches LOW; two-clock sensors hide legs below their clock error; a leg over calm servers
 *   varies no more than a machine does. At gateways and bastions a leg of a satellite hop's length is LOW alone. In a business
 *   network, or behind an address where colleagues keep one working day, a gap alone stays LOW until the people behind its gateway, if it has one, are known: operators with hands of their own behind one relay do, too. A stated bound: the evaluation has no piloted session with a leg there.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { accessOf } from '../fleet/cohort.ts';
import { canCouple, couplingOf, couplingText, isUncoupled, withCoupling, type CouplingEvidence } from './coupling.ts';
import { areColleagues } from './fleet-view.ts';
import { behindGateway, gatewayLegMostMs } from './gateway-reference.ts';
import { EARLY_MINUTES, EARLY_SHARE, MIXTURE_MS, MINUTES_HELD, claimableMs, gapStatistic, settledMs, type GapStatistic } from './gap-statistic.ts';
import { OWN_MINUTES_MIN } from './history.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, show, strengthOfP, thousands, untold } from './reading.ts';
import { BUSINESS_MAX, isSatellite, isTrustedEgress, type Sighting } from './sighting.ts';
import type { GapView, MinuteSummary, SessionView, SignalParameters } from './view.ts';

export const hiddenLegSignal: SignalDescription = {
  name: 'hiddenLeg',
  family: 'latency',
  weight: 0.35,
  needs: 'typing',
  speaksFor: { REMOTE_OPERATOR: 0.85, VPN_OR_PROXY: 0.15 },
};

/** Days of own history from which a calm, always equal gap speaks for a slow machine. */
const OWN_DAYS_MIN = 2;
/** Most that such a gap counts less, decades: every third leg is so calm too, and a gap that no machine has is no machine's for having lasted. */
const CALM_MAX = 1;
const HELPDESK_MAX = 0.8;
const SATELLITE_MAX = 1;
/** Concordance of floor and spread that load shows at the least; what may have been so much is not said to be without it. */
const LOAD_TAU = 0.3;
/** Gaps below which variation is the machine's or the transport's own, ms. */
const VARIATION_GAP_MIN = 15;

/**
 * Shares of slow but honest machines (gap ≥ 15 ms) that vary so much beyond the transport, ms: simulated slow machines, heavy
 * applications and hosted desktops, with a margin for the kinds that nobody thought of.
 */
const JITTER_NULL: NullTable = [[0.5, 0.4], [2, 0.1], [4, 0.03], [8, 0.01], [30, 0.003]];
const DRIFT_NULL: NullTable = [[0.5, 0.2], [1.5, 0.04], [3, 0.015], [6, 0.005], [15, 0.002]];
/** The same where no jitter comes with the drift: a load that lasts moves a machine's floor while its keys are as regular as ever. */
const DRIFT_ALONE_NULL: NullTable = [[0.5, 0.5], [1.5, 0.25], [3, 0.12], [5, 0.07], [15, 0.05]];

/**
 * Share of the minutes' spread that may be the transport's. Load lifts a machine's floor and its spread together; where the transport hides
 * what the spread does, a floor that drifts with regular keys cannot be told from a leg's.
 */
const TRANSPORT_SHARE_MAX = 0.5;

/**
 * Whether the low gaps move together with the spread of their minutes (Kendall's τ, −1…1): load slows a machine down, floor and
 * jitter alike, while a leg's floor does not move with the machine's load.
 */
function concordance(minutes: readonly MinuteSummary[]): number {
  let concordant = 0;
  let pairs = 0;
  for (let i = 1; i < minutes.length; i++) {
    const { low, middle } = minutes[i]!;
    for (let j = 0; j < i; j++) {
      const other = minutes[j]!;
      const product = (low - other.low) * (middle - low - (other.middle - other.low));
      if (product === 0) continue;
      concordant += product > 0 ? 1 : -1;
      pairs++;
    }
  }
  return pairs === 0 ? 0 : concordant / pairs;
}

/** Few minutes tell little of their concordance: one standard deviation of τ (Kendall 1938) is granted. */
function mayMoveWithLoad(minutes: readonly MinuteSummary[]): boolean {
  const n = minutes.length;
  return concordance(minutes) + Math.sqrt((2 * (2 * n + 5)) / (9 * n * (n - 1))) > LOAD_TAU;
}

/** Jitter from which a drift comes with jitter, ms; less is in part none. */
const WITH_JITTER_MS = 2;

function log10Drift(gap: GapView, sighting: Sighting | null, driftMs: number, jitterMs: number, hiddenByTransport: boolean): number {
  const alone = hiddenByTransport || !canCouple(gap.sensor, sighting) ? 0 : log10Share(DRIFT_ALONE_NULL, driftMs);
  const part = Math.min(1, jitterMs / WITH_JITTER_MS);
  return part === 0 ? alone : part * log10Share(DRIFT_NULL, driftMs) + (1 - part) * alone;
}

/**
 * log10 of the share of slow machines that vary so much; load that is most of the gap, or moves it, is the likelier reason and says nothing. A floor that
 * drifts with regular keys is a machine's as well as a leg's: on the workstation the coupling tells which, elsewhere nothing does.
 */
function log10Variation(gap: GapView, sighting: Sighting | null, { claimedMs, jitterMs, driftMs, minutes, mixed, spreadMs, transportSpreadMs }: GapStatistic, shareMax: number): number {
  // Load in bursts looks like jitter until enough minutes show whether the gap stays; a hosted desktop has a leg of its own, and an honest one.
  if (mixed || minutes === 0 || claimedMs < VARIATION_GAP_MIN || gap.sensor === 'VDI_GATEWAY' || jitterMs + driftMs === 0) return 0;
  if (mayMoveWithLoad(gap.minutes)) return 0;
  const jitter = jitterMs > shareMax * claimedMs ? 0 : log10Share(JITTER_NULL, jitterMs);
  return Math.min(jitter, driftMs > shareMax * claimedMs ? 0 : log10Drift(gap, sighting, driftMs, jitterMs, transportSpreadMs > TRANSPORT_SHARE_MAX * spreadMs));
}

export function hiddenLeg(view: SessionView, parameters: SignalParameters): Answer {
  const { gap, transport } = view;
  const settings = parameters.config.hiddenLeg;
  if (gap === null || gap.samples < settings.samplesMin) return NO_DATA;
  const { gateway } = view;
  const scale = gap.twoClocks ? 0.5 : 1;
  const explainedMs = gateway === null ? egressLegMs(view, parameters) * scale : 0;
  const peers = parameters.baseline.reference({
    tenantId: view.tenantId,
    vantageId: view.vantage?.vantageId ?? null,
    sensor: gap.sensor,
    twoClocks: gap.twoClocks,
    country: view.declared?.country ?? null,
    at: view.windowEnd,
    region: view.declared?.region ?? view.declared?.country ?? null,
    access: accessOf(view.sighting),
  });
  const reference = gateway === null ? peers : behindGateway(peers, gateway, gatewayLegMostMs(view, parameters), scale);
  const expected = reference.atShare(0.1);
  if (claimableMs(gap, transport, explainedMs, parameters) <= expected) return QUIET;
  const statistic = gapStatistic(gap, transport, explainedMs, parameters);
  const { lowMs, claimedMs, jitterMs, samples, windowStart } = statistic;
  if (claimedMs <= expected) return QUIET;
  // Who types too little for a minute to have a gap of its own is judged by twenty of them.
  const early = gap.minutes.length > 0 && gap.minutes.length < (jitterMs > 0 ? MINUTES_HELD : EARLY_MINUTES);
  const settled = settledMs(gap);
  const log10Level = reference.log10Tail((early ? EARLY_SHARE : 1) * Math.min(claimedMs, settled));
  const coupling = explainedMs > 0 ? null : couplingOf(view, parameters);
  const calm = isCalmMachine(gap, lowMs, jitterMs) && (coupling?.log10 ?? 0) <= 0;
  const log10More = calm || explainedMs > 0 || gateway !== null || (coupling !== null && isUncoupled(coupling)) ? 0 : log10Variation(gap, view.sighting, statistic, settings.jitterShareMax);
  // The coupling does not depend on how slow or uneven an honest machine is, so its e-value multiplies.
  const full = withCoupling(strengthOfP(log10Level + log10More), coupling);
  const supported = calm ? Math.max(settings.calmShare * full, full - CALM_MAX) : full;
  // A provider's proxy on the ground answers for the satellite hop behind it, also where the address names no satellite.
  const satellite = isSatellite(view.sighting?.organisation ?? null) || looksGeostationary(statistic, gap, hopFromMs(parameters), coupling);
  const doubt = gatewayDoubt(view, coupling) ?? hopDoubt(gap, claimedMs, parameters);
  const strength = Math.min(view.helpdesk ? HELPDESK_MAX : satellite ? SATELLITE_MAX : doubt !== null ? BUSINESS_MAX : settings.strengthMax, supported);
  if (strength < 0.3) return QUIET;
  const { twoClocks, clockErrorMs } = gap;
  return untold(
    { strength, ubiquitous: satellite, observed: claimedMs, expected, unit: 'ms', samples, windowStart, windowEnd: view.windowEnd },
    { early, satellite, doubt: strength < supported ? doubt : null, twoClocks, clockErrorMs, statistic, settledMs: settled, explainedMs, expected, log10Level, log10More, origin: reference.origin, calm, calmShare: settings.calmShare, coupling, lowQuantile: settings.lowQuantile },
    explain,
  );
}

/**
 * An organisation's gateway may end the transport, and then the way from the gateway to its people is an honest hidden leg. That it
 * ends there is seen by the round trip, which is too short for the way over the source to the declared place.
 *
 * @returns what that way explains of the gap, round trip, ms; 0 where the transport goes on to the person
 */
function egressLegMs({ sighting, transport, sourceToDeclaredKm }: SessionView, { config }: SignalParameters): number {
  if (sighting === null || transport === null || transport.samples < 2 || sourceToDeclaredKm === null || sighting.sourceDistanceKm === null) return 0;
  if (!isTrustedEgress(sighting.policy) && sighting.category !== 'BUSINESS') return 0;
  const wholeWayMs = floorRttMs(sighting.sourceDistanceKm + sourceToDeclaredKm - config.network.geoErrorKm);
  if (transport.confirmedLeastMs >= wholeWayMs) return 0;
  return floorRttMs(sourceToDeclaredKm) * config.network.inflationHigh + config.network.lastMileMs;
}

/**
 * At one whose people are known, what they show is the reference already. Of one that is declared, or a provider's, and whose people are not,
 * the longest way is granted; the person's own line behind it, whose queues no round trip shows, is not known any better than in a
 * business network that may have one. Any other address, one that the databases take for a home above all, with people who type together as colleagues do, may have
 * one as well: an organisation would find all of them accused at once. It is never learnt as one, for relays have such people, too; where latencies and
 * intervals grow together, the way lies before the keyboard, and not behind a gateway.
 *
 * @returns what stands against the gap, in words; null for nothing
 */
function gatewayDoubt({ sighting, gateway, fleet }: SessionView, coupling: CouplingEvidence | null): string | null {
  if (gateway !== null) return gateway.gapsMs.length === 0 ? 'too few people are known behind the gateway that ends the transport' : null;
  const behind = fleet?.egress?.figures ?? null;
  if ((coupling?.log10 ?? 0) <= 0 && behind !== null && areColleagues(behind)) return `${behind.users} people of the organisation keep one working day behind this address, which may be a gateway of its own that ends the transport`;
  return sighting?.category === 'BUSINESS' ? 'a business network may have a gateway of its own that ends the transport' : null;
}

/** A geostationary hop is about 600 ms long and has a fixed floor, to which it comes back however its line queues; circuits of relays of that length have none. */
const GEOSTATIONARY_WIDTH_MS = 310;
/** What is taken off a keystroke is the smoothed round trip, which lies above the least one by its own jitter: a hop may seem so much shorter, ms. */
const GEOSTATIONARY_SHORT_MS = 30;
const GEOSTATIONARY_FLOOR_MS = 60;
const GEOSTATIONARY_FLOOR_SHARE = 1 / 3;
/** Keystrokes after which the coupling of so jittery a line is known. */
const COUPLED_KEYS_MIN = 400;
/** Minutes from which the floor is looked at; before, any gap as long as a hop may be one with a queue on top, however deep: a circuit of relays of that length waits so long. */
const FLOOR_MINUTES_MIN = 10;

/** Gap from which it may be such a hop, ms. */
const hopFromMs = ({ config }: SignalParameters): number => config.network.geostationaryMs - GEOSTATIONARY_SHORT_MS;

function looksGeostationary({ claimedMs }: GapStatistic, { minutes, twoClocks }: GapView, leastMs: number, coupling: CouplingEvidence | null): boolean {
  const ways = twoClocks ? 2 : 1;
  const isAsLong = claimedMs * ways >= leastMs;
  // Such a hop queues by more than anything else. Whether the keys were typed before it or behind it shows soon.
  if (isAsLong && coupling !== null && coupling.keys >= COUPLED_KEYS_MIN) return coupling.log10 <= 0;
  if (minutes.length < FLOOR_MINUTES_MIN) return isAsLong;
  let floorMs = Infinity;
  for (const { low } of minutes) if (low < floorMs) floorMs = low;
  let atFloor = 0;
  for (const { low } of minutes) if (low <= floorMs + GEOSTATIONARY_FLOOR_MS) atFloor++;
  return floorMs * ways >= leastMs && floorMs * ways <= leastMs + GEOSTATIONARY_WIDTH_MS && atFloor >= GEOSTATIONARY_FLOOR_SHARE * minutes.length;
}

/** The gap was the same, and calm, on earlier days: what a slow machine looks like. */
function isCalmMachine(gap: GapView, lowMs: number, jitterMs: number): boolean {
  const { own } = gap;
  if (own === null || own.days < OWN_DAYS_MIN || own.minutes < OWN_MINUTES_MIN || jitterMs > 0) return false;
  // Beyond the grid of the history nothing can be compared.
  return own.typicalMs !== Infinity && Math.abs(own.typicalMs - lowMs) <= 4 + 0.1 * own.typicalMs;
}

/**
 * At a gateway or a bastion nothing tells on which side of a satellite hop the keys were typed, and one whose line queues for minutes has not
 * the floor by which it is known. Homes behind one are some thousandths of all, which no share of slow machines has in.
 *
 * @returns what stands against the gap, in words; null for nothing
 */
function hopDoubt({ sensor, twoClocks }: GapView, claimedMs: number, parameters: SignalParameters): string | null {
  if (canCouple(sensor, null) || claimedMs * (twoClocks ? 2 : 1) < hopFromMs(parameters)) return null;
  return 'a geostationary hop whose line queues shows as much, and at such a sensor nothing tells who sits before it';
}

interface Told {
  /** The gap has not been there for long. */
  early: boolean;
  satellite: boolean;
  /** Why less is claimed: the network may have a gateway, or nobody is known behind the one that it has. */
  doubt: string | null;
  twoClocks: boolean;
  clockErrorMs: number;
  /** What the way behind an organisation's egress explains, ms; 0 where the transport does not end there. */
  explainedMs: number;
  statistic: GapStatistic;
  /** At a desktop that is hosted elsewhere, what the gap comes back to, ms. */
  settledMs: number;
  expected: number;
  log10Level: number;
  origin: string;
  /** log10 of the share of slow machines that vary so much; 0 where nothing is claimed of it. */
  log10More: number;
  calm: boolean;
  /** Part of the strength that counts then. */
  calmShare: number;
  coupling: CouplingEvidence | null;
  lowQuantile: number;
}

function explain(told: Told): string {
  const [level, more] = [10 ** told.log10Level, 10 ** told.log10More];
  const { mixed } = told.statistic;
  const { lowMs, claimedMs, jitterMs, driftMs, minutes, samples } = told.statistic;
  const share = `${mixed ? 50 : Math.round((1 - told.lowQuantile) * 100)}% of`;
  const keys = thousands(samples);
  const least = minutes > 0 ? `In all but one of the last ${minutes} minutes of typing (${keys} keystrokes) ${share} the keystrokes` : `${share} ${keys} keystrokes`;
  const clocks = told.twoClocks
    ? `${least} were registered at least ${show(lowMs)} ms later than half the network round trip explains; less the clock error of ${show(told.clockErrorMs)} ms, ${show(claimedMs)} ms may be claimed (a shorter leg would stay hidden in that error)`
    : `${least} were registered at least ${show(claimedMs)} ms later than the network round trip explains`;
  const mixture = mixed ? `; the other keystrokes are much faster, as if somebody near typed among them (${MIXTURE_MS} ms and twice the spread of the round trip are taken off for an honest spread)` : '';
  const egress = told.explainedMs > 0 ? `; ${show(told.explainedMs)} ms are taken off for the way behind the organisation's gateway, at which the transport ends` : '';
  const settled = told.settledMs < claimedMs ? `; a desktop that is hosted elsewhere has an honest way behind its gateway, whose routes change, so only the ${show(told.settledMs)} ms that the gap comes back to count` : '';
  const null_ = `90% of honest machines stay below ${show(told.expected)} ms and a share of ${level.toExponential(1)} reaches ${told.early ? `${EARLY_SHARE * 100}% of this gap, which is what counts before it has been there for ${EARLY_MINUTES} minutes, or ${MINUTES_HELD} where it spreads as load does` : told.settledMs < claimedMs ? 'that' : 'this gap'} (${told.origin})`;
  const jitter = more < 1 ? `; beyond the transport and a machine the gap varies by ${show(jitterMs)} ms from key to key and drifts by ${show(driftMs)} ms over the last half hour, as a share of ${more.toExponential(1)} of slow machines does` : '';
  const hop = told.satellite ? `; a geostationary hop behind a provider's proxy shows the same, so no more than ${SATELLITE_MAX} is made of it` : told.doubt !== null ? `; ${told.doubt}, so no more than ${BUSINESS_MAX} is made of it` : '';
  const calm = told.calm ? `; the device has shown the same calm gap on earlier days, as a slow machine would, so ${told.calmShare} of the strength counts, or all but ${CALM_MAX} of it where that is more` : '';
  const coupled = told.coupling === null ? '' : couplingText(told.coupling);
  return `${clocks}${mixture}${egress}${settled}; ${null_}${jitter}${coupled}${hop}${calm}, which is consistent with a further leg behind the workstation.`;
}
