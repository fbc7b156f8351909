/** Closes a window: folds it into its session's longer windows and into the person's memory. */
import { HOUR_MS, MINUTE_MS } from '../fleet/minutes.ts';
import { countMinute, newActivity } from '../model/activity.ts';
import { newHistory, recordMinute } from '../model/history.ts';
import { canSight, travelBetween } from '../model/impossible-travel.ts';
import { isGeolocationRefuted } from '../model/location-refuted.ts';
import { isApproved, mayBeVisited } from '../model/remote-control.ts';
import type { Sighting } from '../model/sighting.ts';
import { countOf, mergeInto, mergeIntoBoth, newSketch, newSketchPair, quantiles, releaseSketch, shifted, SKETCH_COUNT_MAX, type Sketch } from '../model/sketch.ts';
import { MINUTES_MAX, type MinuteSummary, type SignalParameters } from '../model/view.ts';
import { NEAR_LEAST_MS } from '../model/way.ts';
import { formerPlace, isDeclaredJourney, rememberAssignment } from './declared.ts';
import { foldLeast, isLater } from './observe.ts';
import { rememberTraits } from './familiar.ts';
import { foldRhythm } from './rhythm.ts';
import { deviceHistory, lowerSpreadUs, TEN_MINUTES_MS, type GapTrack, type OpenWindow, type Person, type SessionState, type SourceRtt, type TransportState } from './person.ts';
import { GAPS, LATENCIES, TWO_CLOCK_GAPS, tally } from './tally.ts';

/** Keystrokes that a minute needs to have a low gap of its own. */
const MINUTE_SAMPLES_MIN = 15;

const NO_MINUTES: readonly MinuteSummary[] = [];
/** Of a minute's gaps: which are asked for, the low one and the median, and what they are. */
const minuteShares = [0, 0.5];
const minuteQuantiles = new Float64Array(2);

export function closeWindow(person: Person, session: SessionState, window: OpenWindow, parameters: SignalParameters): void {
  const end = window.start + MINUTE_MS;
  session.lastEnd = end;
  session.deviceId = window.deviceId;
  if (window.assignment !== null) {
    session.assignment = window.assignment;
    rememberAssignment(person, window.assignment, parameters.config.devicesPerPersonMax);
  }
  if (window.vantage !== null) session.vantage = window.vantage;
  if (window.sensor !== null) session.sensor = window.sensor;
  const sources = window.sources.length < 2 ? window.sources : window.sources.toSorted((a, b) => (isLater(a.sighting.at, a.sighting.eventId, b.sighting.at, b.sighting.eventId) ? 1 : -1));
  for (const source of sources) closeSource(person, session, source, end, parameters);
  foldKeystrokeRtt(session, window);
  if (window.keystrokes > 0) closeKeystrokes(person, session, window, end, parameters);
}

function closeSource(person: Person, session: SessionState, source: SourceRtt, end: number, parameters: SignalParameters): void {
  const { sighting } = source;
  const before = session.transport;
  if (before === null || !(isLike(session.sighting, sighting) || isKeyOf(before.key, sighting))) {
    session.transport = { key: `${sighting.sourceIp}|${sighting.vantageId}`, samples: 0, leastUs: 0, secondUs: 0, lowerSpreadUs: 0, upperSpreadUs: 0, medianUs: 0, spreadSamples: 0, nearMinutes: 0 };
  }
  const transport = session.transport!;
  if (source.samples > 0) {
    foldMinute(transport, source.leastUs);
    if (source.samples > 1) foldLeast(transport, source.secondUs);
    transport.samples += Math.max(0, source.samples - 2);
  }
  if (source.spreadSamples > 0) {
    // The samples of one minute look at one queue: they have one voice.
    transport.medianUs += Math.round(source.medianUs / source.spreadSamples);
    transport.lowerSpreadUs += Math.round(source.lowerSpreadUs / source.spreadSamples);
    transport.upperSpreadUs += Math.round(source.upperSpreadUs / source.spreadSamples);
    transport.spreadSamples++;
  }
  const seenBefore = session.sighting?.at ?? -Infinity;
  session.sighting = withRoute(session.sighting, sighting);
  const { config } = parameters;
  const helping = sighting.tools.some((tool) => tool.idle !== true && isApproved(tool.name, person.tenantId, config.endpoint.approvedTools, end));
  if (helping && session.helpSince === null) forgetSince(session, seenBefore);
  session.helpSince = helping ? (session.helpSince ?? end - MINUTE_MS) : null;
  rememberPlace(person, sighting, config.placesPerPersonMax);
  rememberTraits(person, sighting);
  sightPerson(person, session, sighting, before, transport, parameters);
}

const NEAR_LEAST_US = 1000 * NEAR_LEAST_MS;

type LeastRoundTrips = Pick<TransportState, 'samples' | 'leastUs' | 'secondUs' | 'nearMinutes'>;

/**
 * Of the minutes that came near the least so far, as many still do when it is lower as if they lay evenly above it: a queue that drains for
 * hours comes near a new least with every minute.
 */
function foldRoundTrip(transport: LeastRoundTrips, us: number): void {
  const lower = transport.samples === 0 ? 0 : transport.leastUs - us;
  foldLeast(transport, us);
  if (lower > 0) transport.nearMinutes = Math.floor(transport.nearMinutes * Math.max(0, 1 - lower / NEAR_LEAST_US));
}

/** Counts a minute by the least of its connection samples, µs. */
export function foldMinute(transport: LeastRoundTrips, leastUs: number): void {
  foldRoundTrip(transport, leastUs);
  if (leastUs <= transport.leastUs + NEAR_LEAST_US) transport.nearMinutes++;
}

/** The key is of the session's sighting, as both are always set together: it needs no look where that came the same way. */
const isLike = (before: Sighting | null, { sourceIp, vantageId }: Sighting): boolean => before !== null && before.sourceIp === sourceIp && before.vantageId === vantageId;

/** Without putting the key together: it is asked with every minute of everybody. */
const isKeyOf = (key: string, { sourceIp, vantageId }: Sighting): boolean => key.length === sourceIp.length + 1 + vantageId.length && key.startsWith(sourceIp) && key.endsWith(vantageId) && key[sourceIp.length] === '|';

/** The visit that a connection record tells of began at some time after the record before it: what was typed since is nobody's own. */
function forgetSince({ tracks, input }: SessionState, at: number): void {
  for (const track of tracks) {
    if (track === null) continue;
    while (track.minutes.length > 0 && track.minutes.at(-1)!.end > at) track.minutes.pop();
    // Which of their gaps came before is not known.
    track.ten.fill(0);
    track.hour.fill(0);
    track.tenBefore = null;
    track.tenCount = track.beforeCount = 0;
  }
  input.all = input.virtual = input.injected = input.allBefore = input.virtualBefore = input.injectedBefore = 0;
}

/** Records without a path keep the path last measured towards the same source. */
function withRoute(before: Sighting | null, now: Sighting): Sighting {
  if (now.route !== null || before === null || before.route === null || before.sourceIp !== now.sourceIp) return now;
  return { ...now, route: before.route, hiddenHops: Math.max(now.hiddenHops, before.hiddenHops) };
}

function rememberPlace(person: Person, sighting: Sighting, max: number): void {
  const { latitude, longitude } = sighting;
  if (latitude === null || longitude === null) return;
  const { places } = person;
  for (let i = 0; i < places.length; i++) {
    const known = places[i]!;
    if (known.ip !== sighting.sourceIp) continue;
    known.lastAt = Math.max(known.lastAt, sighting.at);
    return;
  }
  person.places.push({ ip: sighting.sourceIp, latitude, longitude, country: sighting.country, firstAt: sighting.at, lastAt: sighting.at });
  if (person.places.length <= max) return;
  let oldest = 0;
  for (let i = 1; i < person.places.length; i++) if (person.places[i]!.lastAt < person.places[oldest]!.lastAt) oldest = i;
  person.places.splice(oldest, 1);
}

const RTT_SAME_SHARE = 0.25;
const RTT_SAME_US = 6000;

function sightPerson(person: Person, session: SessionState, sighting: Sighting, before: TransportState | null, transport: TransportState, parameters: SignalParameters): void {
  const confirmed = { samples: transport.samples, confirmedLeastMs: transport.secondUs / 1000 };
  if (!canSight(sighting) || isGeolocationRefuted(sighting, confirmed, parameters.config.network.geoErrorKm)) return;
  const last = person.lastSighting;
  const { assignment } = session;
  const former = formerPlace(person, assignment, sighting.at, parameters.config.network.assignmentGraceMs);
  if (last !== null && !isDeclaredJourney(last.sighting, sighting, assignment?.declared ?? null, former)) {
    const sameVantage = before !== null && before.key !== transport.key && before.key.endsWith(`|${sighting.vantageId}`);
    const known = sameVantage && before.samples > 0 && transport.samples > 0;
    const unchanged = known && Math.abs(before.leastUs - transport.leastUs) <= RTT_SAME_US + RTT_SAME_SHARE * before.leastUs;
    const travel = travelBetween(last.sighting, last.at, sighting, unchanged, parameters);
    if (travel !== null) session.travel = travel;
  }
  if (last === null) person.lastSighting = { sighting, at: sighting.at };
  else {
    last.sighting = sighting;
    last.at = sighting.at;
  }
}

/** The keystrokes' own RTT stands in where connections carry none; only when it is of the same vantage. */
function foldKeystrokeRtt(session: SessionState, window: OpenWindow): void {
  const { transport, sighting } = session;
  if (transport === null || sighting === null || window.rttCount === 0 || window.sources.length > 1) return;
  if (window.rttVantageId === sighting.vantageId) foldRoundTrip(transport, window.rttLeastUs);
}

function closeKeystrokes(person: Person, session: SessionState, window: OpenWindow, end: number, parameters: SignalParameters): void {
  tally.takeOut(window);
  if (tally.has(LATENCIES)) {
    const { transport } = session;
    // Without any transport RTT there is no gap to speak of; the keystrokes still count as typing.
    if (transport !== null && transport.spreadSamples > 0) {
      const gaps = shifted(tally.sketch(LATENCIES), transport.medianUs / transport.spreadSamples / 1000);
      mergeInto(tally.sketch(GAPS), gaps);
      releaseSketch(gaps);
    }
  }
  countMinute((person.activity ??= newActivity()), window.start);
  const { endpoint } = parameters.config;
  const helped = session.helpSince !== null && end - session.helpSince <= endpoint.helpdeskMs;
  const { rhythm } = tally;
  if (rhythm !== null) {
    const minutes = session.tracks[session.clock]?.minutes ?? NO_MINUTES;
    const visited = helped || (session.sighting !== null && mayBeVisited(person.tenantId, session.sighting, minutes, end, endpoint));
    if (!visited) foldRhythm(person, session, rhythm, window.start, parameters.config.rhythm);
  }
  if (helped) return;
  foldInput(session, window);
  closeGaps(person, session, window, 0, parameters);
  closeGaps(person, session, window, 1, parameters);
}

function closeGaps(person: Person, session: SessionState, window: OpenWindow, clock: 0 | 1, { config }: SignalParameters): void {
  const kind = clock === 0 ? GAPS : TWO_CLOCK_GAPS;
  if (!tally.has(kind)) return;
  const gaps = tally.sketch(kind);
  const end = window.start + MINUTE_MS;
  session.clock = clock;
  const track = (session.tracks[clock] ??= newTrack(window.start));
  const samples = foldTrack(track, gaps, window.start);
  if (clock === 1) track.clockErrorUs = Math.max(track.clockErrorUs, window.clockErrorUs);
  track.lastEnd = end;
  if (samples < MINUTE_SAMPLES_MIN) return;
  minuteShares[0] = config.hiddenLeg.lowQuantile;
  quantiles(gaps, minuteShares, samples, minuteQuantiles);
  const low = micro(minuteQuantiles[0]!);
  rememberMinute(track.minutes, end, samples, low, micro(minuteQuantiles[1]!));
  if (clock === 0) recordHistory(person, session, end, low, config.devicesPerPersonMax);
}

/** The oldest that goes is the newest that comes: nobody holds one. */
function rememberMinute(minutes: MinuteSummary[], end: number, samples: number, low: number, middle: number): void {
  if (minutes.length < MINUTES_MAX) {
    minutes.push({ end, samples, low, middle });
    return;
  }
  const minute = minutes.shift()!;
  minute.end = end;
  minute.samples = samples;
  minute.low = low;
  minute.middle = middle;
  minutes.push(minute);
}

/** Rounds to µs, so that state and its encoded form are the same number. */
const micro = (ms: number): number => Math.round(ms * 1000) / 1000;

function newTrack(start: number): GapTrack {
  const [ten, hour] = newSketchPair();
  return { tenStart: start - (start % TEN_MINUTES_MS), ten, tenBefore: null, tenCount: 0, beforeCount: 0, hourStart: start - (start % HOUR_MS), hour, minutes: [], clockErrorUs: 0, lastEnd: start };
}

/** Answers how many gaps there were. */
function foldTrack(track: GapTrack, gaps: Sketch, start: number): number {
  const tenStart = start - (start % TEN_MINUTES_MS);
  if (tenStart !== track.tenStart) {
    const follows = tenStart - track.tenStart === TEN_MINUTES_MS;
    // The older of both is used again: nobody holds it any more.
    const next = follows ? (track.tenBefore?.fill(0) ?? newSketch()) : track.ten.fill(0);
    track.tenBefore = follows ? track.ten : null;
    track.beforeCount = follows ? track.tenCount : 0;
    track.tenCount = 0;
    track.ten = next;
    track.tenStart = tenStart;
  }
  const hourStart = start - (start % HOUR_MS);
  if (hourStart !== track.hourStart) {
    track.hour.fill(0);
    track.hourStart = hourStart;
  }
  const samples = mergeIntoBoth(track.ten, track.hour, gaps);
  track.tenCount += samples;
  // Only then may a bin be full.
  if (track.tenCount > SKETCH_COUNT_MAX) track.tenCount = countOf(track.ten);
  return samples;
}

function foldInput(session: SessionState, window: OpenWindow): void {
  const { input } = session;
  const tenStart = window.start - (window.start % TEN_MINUTES_MS);
  if (tenStart !== input.tenStart) {
    const follows = tenStart - input.tenStart === TEN_MINUTES_MS;
    input.allBefore = follows ? input.all : 0;
    input.virtualBefore = follows ? input.virtual : 0;
    input.injectedBefore = follows ? input.injected : 0;
    input.all = input.virtual = input.injected = 0;
    input.tenStart = tenStart;
  }
  input.all += window.keystrokes;
  input.virtual += window.virtualInput;
  input.injected += window.injectedInput;
}

function recordHistory(person: Person, session: SessionState, end: number, lowMs: number, max: number): void {
  let history = deviceHistory(person, session);
  if (history === undefined) {
    history = newHistory(session.deviceId, session.sensor);
    person.devices.push(history);
    if (person.devices.length > max) {
      let oldest = 0;
      for (let i = 1; i < person.devices.length; i++) if (person.devices[i]!.lastDay < person.devices[oldest]!.lastDay && person.devices[i] !== history) oldest = i;
      person.devices.splice(person.devices[oldest] === history ? 0 : oldest, 1);
    }
  }
  recordMinute(history, end, lowMs, Math.round(lowerSpreadUs(session.transport)));
}
