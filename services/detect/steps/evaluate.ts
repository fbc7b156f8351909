/** Shows a session to the signals at the end of a window and lets their answers in. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { hoursView } from '../model/activity.ts';
import { isLately, traitOf, type Familiar } from '../model/novelty.ts';
import { ownGap, type DeviceHistory } from '../model/history.ts';
import { advanceDay, dayEvidence } from '../model/e-detector.ts';
import { advanceHeld, fuse, NOTHING_HELD, type Fused } from '../model/fusion.ts';
import { mayBeVisited } from '../model/remote-control.ts';
import { NO_DATA, QUIET } from '../model/reading.ts';
import { SIGNALS } from '../model/signals.ts';
import { viewOfProfile } from '../model/rhythm-profile.ts';
import { isSecurityGateway, isTrustedEgress, type Sighting } from '../model/sighting.ts';
import { countOf, mergeInto, newSketch, type Sketch } from '../model/sketch.ts';
import type { GapView, KnownPlace, RhythmView, SessionView, SignalParameters, TransportView } from '../model/view.ts';
import { fleetView } from '../fleet/view.ts';
import { DAY_MS, MINUTE_MS } from '../fleet/minutes.ts';
import { declaredFor, formerPlace, movedSince } from './declared.ts';
import { windowStartOf } from './window-phase.ts';
import { ALL_SILENT, deviceHistory, holdSignal, lowerSpreadUs, SILENT, TEN_MINUTES_MS, type OpenWindow, type Person, type SessionState } from './person.ts';

/** What the session holds, by signal; of use until the next session is asked about. */
const held = new Float64Array(SIGNALS.length);
const EVALUATE = SIGNALS.map(({ evaluate }) => evaluate);
const TYPING = 1;
const EXCHANGE = 2;
/** What each signal cannot do without. */
const NEEDED = SIGNALS.map(({ needs }) => (needs === 'typing' ? TYPING : needs === 'exchange' ? EXCHANGE : 0));
const ubiquitous: boolean[] = SIGNALS.map(() => true);

export function evaluateSession(person: Person, session: SessionState, window: OpenWindow, parameters: SignalParameters): Fused {
  const view = viewOf(person, session, window, parameters);
  const { fusion, signalsOff } = parameters.config;
  const lacking = (window.keystrokes === 0 ? TYPING : 0) | (view.fleet === null ? EXCHANGE : 0);
  for (let i = 0; i < SIGNALS.length; i++) {
    // What was held when the configuration changed fades as if the signal had fallen quiet.
    const answer = signalsOff.length > 0 && signalsOff.includes(SIGNALS[i]!.name) ? QUIET : (NEEDED[i]! & lacking) !== 0 ? NO_DATA : EVALUATE[i]!(view, parameters);
    const before = session.signals[i]!;
    // Nearly every signal in nearly every window: it held nothing, and has nothing to say.
    if (before === SILENT && (answer === QUIET || answer === NO_DATA)) {
      held[i] = 0;
      continue;
    }
    const strength = advanceHeld(before.held, answer, fusion);
    // What is shown is the reading that supports what is held.
    const supports = typeof answer === 'object' && answer !== null && (before.reading === null || answer.strength >= strength);
    const reading = supports ? answer : strength === 0 ? null : before.reading;
    if (strength !== before.held || reading !== before.reading) holdSignal(session, i, strength === 0 && reading === null ? SILENT : { held: strength, reading });
    held[i] = strength;
  }
  advanceDay(person.detector, view.windowEnd, held);
  person.detector.today = dayEvidence(held, session.sensor === 'VDI_GATEWAY');
  return fuseSession(person, session, parameters);
}

export function fuseSession(person: Person, { signals }: SessionState, { config }: SignalParameters): Fused {
  if (signals === ALL_SILENT) return NOTHING_HELD;
  for (let i = 0; i < SIGNALS.length; i++) {
    const { held: strength, reading } = signals[i]!;
    held[i] = strength;
    ubiquitous[i] = reading?.ubiquitous ?? true;
  }
  return fuse(held, ubiquitous, config.fusion, person.detector.carried);
}

/** Parts of a view: filled again for every window that is shown, as nearly every minute of everybody is. */
const seenTransport: TransportView = { leastMs: NaN, confirmedLeastMs: NaN, samples: 0, lowerSpreadMs: NaN, upperSpreadMs: NaN, spreadSamples: 0, wanderMs: NaN, nearMinutes: NaN };
const seenGap: GapView = { recent: recentGaps, samples: 0, windowStart: NaN, sensor: 'ENDPOINT_AGENT', twoClocks: false, clockErrorMs: NaN, minutes: [], own: null, virtualInput: 0, injectedInput: 0, allInput: 0 };

/** A new object: it dies young, which costs less than keeping account of everything young that one that stays would point to. */
function viewOf(person: Person, session: SessionState, window: OpenWindow, { config, gateways }: SignalParameters): SessionView {
  const { tenantId } = person;
  const windowEnd = window.start + MINUTE_MS;
  const { sighting, transport, vantage } = session;
  const former = formerPlace(person, session.assignment, windowEnd, config.network.assignmentGraceMs);
  const declared = declaredFor(sighting, session.assignment?.declared ?? null, former);
  const device = deviceHistory(person, session);
  const gap = gapView(person, session, window, device, config.hiddenLeg.samplesMin);
  const knownPlace = sighting === null ? null : knownPlaceOf(person.places, sighting.sourceIp);
  return {
    tenantId,
    windowStart: window.start,
    windowEnd,
    sensor: session.tracks[session.clock] === null && session.rhythm === null ? null : session.sensor,
    gap,
    rhythm: rhythmView(person, session, window, config.rhythm.profileKeysMin),
    coupling: session.rhythm?.coupling ?? null,
    deviceCoupling: device?.coupling ?? null,
    sighting,
    transport: transport === null || transport.samples === 0 ? null : transportView(transport),
    declared,
    movedSince: movedSince(person, session.assignment),
    declaredDistanceKm: apartKm(vantage, declared),
    sourceToDeclaredKm: apartKm(sighting, declared),
    vantage,
    travel: session.travel,
    knownPlace,
    placesBefore: knownPlace === null || windowEnd - knownPlace.firstAt > config.network.noveltyHoldMs ? null : placesBefore(person, knownPlace, config.placesPerPersonMax),
    hours: window.keystrokes === 0 ? null : hoursView(person.activity, { sessionStart: session.firstAt, moved: former !== null }),
    familiar: sighting === null ? NOTHING : familiarWith(person, sighting, windowEnd, config.network),
    helpdesk: session.helpSince !== null ? windowEnd - session.helpSince <= config.endpoint.helpdeskMs : sighting !== null && gap !== null && mayBeVisited(tenantId, sighting, gap.minutes, windowEnd, config.endpoint),
    fleet: fleetView(person, session),
    gateway: sighting === null || gateways === null ? null : gateways(tenantId, sighting.sourceIp, isTrustedEgress(sighting.policy) || isSecurityGateway(sighting.organisation), windowEnd),
  };
}

function knownPlaceOf(places: readonly KnownPlace[], ip: string): KnownPlace | null {
  for (let i = 0; i < places.length; i++) if (places[i]!.ip === ip) return places[i]!;
  return null;
}

/** Null where there may have been more than are remembered. */
function placesBefore({ places, seenDays, lastSeenDay }: Person, { firstAt }: KnownPlace, max: number): SessionView['placesBefore'] {
  if (places.length >= max) return null;
  // Days are counted back by the calendar: people do not work on all of them, so it may be fewer than they were.
  const days = seenDays - 1 - (lastSeenDay - Math.floor(firstAt / DAY_MS));
  let addresses = 0;
  for (let i = 0; i < places.length; i++) if (places[i]!.firstAt < firstAt) addresses++;
  return { addresses, days: Math.max(0, days) };
}

const NOTHING: readonly Familiar[] = [];

/** Of what came up lately; mostly nothing has. */
function familiarWith({ familiar }: Person, sighting: Sighting, windowEnd: number, network: SignalParameters['config']['network']): readonly Familiar[] {
  for (let i = 0; i < familiar.length; i++) {
    if (isLately(familiar[i]!, windowEnd, network)) return sightedOf(familiar, sighting, windowEnd, network);
  }
  return NOTHING;
}

const sightedOf = (familiar: readonly Familiar[], sighting: Sighting, windowEnd: number, network: SignalParameters['config']['network']): readonly Familiar[] =>
  familiar.filter((trait) => isLately(trait, windowEnd, network) && traitOf(sighting, trait.kind) === trait.value);

function rhythmView(person: Person, session: SessionState, window: OpenWindow, keysMin: number): RhythmView | null {
  const { rhythm, sensor } = session;
  if (window.keystrokes === 0 || rhythm === null || rhythm.blocks.length === 0) return null;
  const { rhythms } = person;
  // The one used last stands last.
  let at = rhythms.length - 1;
  while (at >= 0 && rhythms[at]!.sensor !== sensor) at--;
  return { sensor, blocks: rhythm.blocks, profile: at < 0 ? null : viewOfProfile(rhythms[at]!, keysMin) };
}

interface Located {
  latitude: number | null;
  longitude: number | null;
}

function apartKm(a: Located | null, b: Located | null): number | null {
  if (a === null || b === null || a.latitude === null || a.longitude === null || b.latitude === null || b.longitude === null) return null;
  return greatCircleKm(a.latitude, a.longitude, b.latitude, b.longitude);
}

function transportView(transport: NonNullable<SessionState['transport']>): TransportView {
  const { spreadSamples } = transport;
  seenTransport.leastMs = transport.leastUs / 1000;
  seenTransport.confirmedLeastMs = transport.secondUs / 1000;
  seenTransport.samples = transport.samples;
  seenTransport.lowerSpreadMs = lowerSpreadUs(transport) / 1000;
  seenTransport.upperSpreadMs = spreadSamples === 0 ? 0 : transport.upperSpreadUs / spreadSamples / 1000;
  seenTransport.spreadSamples = spreadSamples;
  seenTransport.wanderMs = spreadSamples === 0 ? 0 : Math.max(0, (transport.medianUs / spreadSamples - transport.leastUs) / 1000);
  seenTransport.nearMinutes = transport.nearMinutes;
  return seenTransport;
}

const scratch = newSketch();
/** Of the gap view that is out: its sketch, and the one before it that belongs to it. */
let recentOf: Sketch = scratch;
let recentBefore: Sketch | null = null;

/** Two times ten minutes put together. */
function recentGaps(): Sketch {
  if (recentBefore === null) return recentOf;
  scratch.set(recentBefore);
  mergeInto(scratch, recentOf);
  return scratch;
}

function gapView(person: Person, session: SessionState, window: OpenWindow, history: DeviceHistory | undefined, samplesMin: number): GapView | null {
  if (window.keystrokes === 0) return null;
  const track = session.tracks[session.clock];
  if (track === null) return null;
  const { ten, tenBefore, hour } = track;
  let samples = track.tenCount + track.beforeCount;
  let windowStart = tenBefore === null ? track.tenStart : track.tenStart - TEN_MINUTES_MS;
  // Slow typists: the hour has more, late keystrokes included.
  const wholeHour = samples < samplesMin && track.hourStart <= windowStart;
  if (wholeHour) {
    samples = countOf(hour);
    windowStart = track.hourStart;
  }
  const { input } = session;
  recentOf = wholeHour ? hour : ten;
  recentBefore = wholeHour ? null : tenBefore;
  seenGap.samples = samples;
  seenGap.windowStart = Math.max(windowStart, windowStartOf(person, session.firstAt));
  seenGap.sensor = session.sensor;
  seenGap.twoClocks = session.clock === 1;
  seenGap.clockErrorMs = track.clockErrorUs / 1000;
  seenGap.minutes = track.minutes;
  seenGap.own = history === undefined || session.clock === 1 ? null : ownGap(history);
  seenGap.virtualInput = input.virtual + input.virtualBefore;
  seenGap.injectedInput = input.injected + input.injectedBefore;
  seenGap.allInput = input.all + input.allBefore;
  return seenGap;
}
