/** From a person's closed windows to the reports of an hour. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { DeclaredPlace, FleetReport } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { isTrustedEgress } from '../model/sighting.ts';
import { countOf, quantiles } from '../model/sketch.ts';
import type { OpenWindow, Person, SessionState } from '../steps/person.ts';
import { roomFor } from '../steps/room.ts';
import { hourOverAt } from '../steps/window-phase.ts';
import { NO_AREA } from './areas.ts';
import { accessOf, cohortLevels, gapValue } from './cohort.ts';
import { HOUR_MS, hourOf, markMinute, type Minutes } from './minutes.ts';
import { peerReports } from './collect-peers.ts';
import { newPersonFleet, PLACES_MAX, presentHands, SESSIONS_MAX, takeUp, type FleetPlace, type HandsBlock } from './person-fleet.ts';
import { bucketsOf, SKETCH_SIZE } from './rhythm-sketch.ts';
import { categoryCode, networkOf, placeHash, shortHash, subjectOf, TRUSTED_EGRESS, type FleetKind } from './subjects.ts';

/** Before a window closes: an hour that lies behind it is reported, and facts that are in force by its end are taken up. */
export function beforeWindow(person: Person, window: OpenWindow, config: DetectConfig, out: FleetReport[]): void {
  if (!config.fleet.enabled) return;
  const fleet = (person.fleet ??= newPersonFleet());
  if (hourOf(window.start) > fleet.hour) {
    reportHour(person, config, out);
    fleet.hour = hourOf(window.start);
  }
  takeUp(fleet, window.start + 60_000, config.fleet.memoryMs);
}

/** After a window has closed: what it adds to the hour. `strength`: the session's, log10. */
export function afterWindow(person: Person, session: SessionState, window: OpenWindow, strength: number): void {
  const { fleet } = person;
  // Closed early by a bound, for an hour that was reported: too late.
  if (fleet === null || hourOf(window.start) !== fleet.hour) return;
  const place = placeOf(fleet.places, session);
  if (place !== null && window.keystrokes > 0) markMinute(place.minutes, window.start);
  const thousandths = Math.round(strength * 1000);
  const { sessions } = fleet;
  for (let i = 0; i < sessions.length; i++) {
    const known = sessions[i]!;
    if (known.sessionId !== session.sessionId) continue;
    if (thousandths > known.strength) known.strength = thousandths;
    return;
  }
  if (sessions.length < SESSIONS_MAX) sessions.push({ sessionId: session.sessionId, strength: thousandths });
}

function placeOf(places: FleetPlace[], { sighting, deviceId, assignment }: SessionState): FleetPlace | null {
  const sourceIp = sighting === null ? '' : sighting.sourceIp;
  // Mostly the address is the network, and no network is another's address.
  const known = placeAt(places, sourceIp, deviceId);
  if (known !== null) return known;
  const network = networkOf(sourceIp);
  const shared = network === sourceIp ? null : placeAt(places, network, deviceId);
  if (shared !== null) return shared;
  if (places.length >= PLACES_MAX) return null;
  const declared = assignment?.declared ?? null;
  const shippedTo = assignment?.shippedTo ?? null;
  const place: FleetPlace = {
    network,
    category: sighting?.category ?? 'UNKNOWN',
    trusted: sighting !== null && isTrustedEgress(sighting.policy),
    deviceId,
    area: declared === null ? null : areaOf(declared),
    shippedTo: declared === null || shippedTo === null ? null : { hash: placeHash(shippedTo), km: kmBetween(declared, shippedTo) },
    minutes: [0, 0],
  };
  places.push(place);
  return place;
}

function placeAt(places: readonly FleetPlace[], network: string, deviceId: string): FleetPlace | null {
  for (let i = 0; i < places.length; i++) if (places[i]!.network === network && places[i]!.deviceId === deviceId) return places[i]!;
  return null;
}

const areaOf = ({ latitude, longitude }: DeclaredPlace): [number, number] => [Math.round(latitude * 10), Math.round(longitude * 10)];
const kmBetween = (a: DeclaredPlace, b: DeclaredPlace): number => Math.round(greatCircleKm(a.latitude, a.longitude, b.latitude, b.longitude));

/** When the person's hour is over by `limit` (their clock, or the watermark): its reports. */
export function reportIfOver(person: Person, limit: number, config: DetectConfig, out: FleetReport[]): void {
  const { fleet } = person;
  if (fleet !== null && fleet.hour >= 0 && hourOverAt(person, fleet.hour) <= limit) reportHour(person, config, out);
}

/** Event time at which the hour that is being gathered is over; Infinity where none is. */
export const reportDueAt = (person: Person): number => (person.fleet === null || person.fleet.hour < 0 ? Infinity : hourOverAt(person, person.fleet.hour));

interface Reporter {
  readonly person: Person;
  readonly hour: number;
  /** Null where the tenant shares with the others. */
  readonly tenant: string | null;
  readonly config: DetectConfig;
  readonly out: FleetReport[];
}

function reportHour(person: Person, config: DetectConfig, out: FleetReport[]): void {
  const fleet = person.fleet!;
  if (fleet.hour < 0) return;
  const tenant = config.fleet.shareTenants.includes(person.tenantId) ? null : person.tenantId;
  const reporter: Reporter = { person, hour: fleet.hour, tenant, config, out };
  for (const place of fleet.places) reportPlace(reporter, place);
  reportRhythm(reporter);
  for (const { sessionId, strength } of fleet.sessions) {
    report(reporter, 'EVIDENCE', subjectOf('EVIDENCE', null), sessionId, [], [strength]);
    const session = person.sessions.get(sessionId);
    if (session !== undefined) reportSession(reporter, session);
  }
  fleet.hour = -1;
  fleet.places = roomFor(2);
  fleet.sessions = roomFor(2);
}

function report({ person, hour, out }: Reporter, kind: FleetKind, subject: string, deviceId: string, minutes: readonly number[], values: readonly number[]): void {
  const { tenantId, userId } = person;
  out.push({ type: 'FleetReport', subject, kind, tenantId, userId, deviceId, windowStart: hour, minutes: [...minutes], values: [...values] });
}

function reportPlace(reporter: Reporter, { network, category, trusted, deviceId, area, shippedTo, minutes }: FleetPlace): void {
  const [latitude, longitude] = area ?? [NO_AREA, NO_AREA];
  if (network !== '') {
    const values = [trusted ? TRUSTED_EGRESS : categoryCode(category), latitude, longitude, shippedTo === null ? 0 : shortHash(shippedTo.hash), gapAt(reporter, network, deviceId)];
    report(reporter, 'EGRESS', subjectOf('EGRESS', reporter.tenant, network), deviceId, minutes, values);
  }
  // Where a laptop was sent is the organisation's own record: never shared with other tenants.
  if (shippedTo !== null) report(reporter, 'SHIP_TO', subjectOf('SHIP_TO', reporter.person.tenantId, shippedTo.hash), deviceId, minutes, [latitude, longitude, shippedTo.km]);
}

function reportRhythm(reporter: Reporter): void {
  const { places, strangeSince = 0 } = reporter.person.fleet!;
  const present = presentHands(reporter.person.fleet!);
  if (present === null) return;
  const { blocks, changed } = present;
  const sketch = meanSketch(blocks);
  const minutes: Minutes = [0, 0];
  for (const place of places) {
    minutes[0] |= place.minutes[0];
    minutes[1] |= place.minutes[1];
  }
  const [latitude, longitude] = places[0]?.area ?? [NO_AREA, NO_AREA];
  const values = [...sketch, latitude, longitude, changed ? 1 : 0, Math.floor(strangeSince / HOUR_MS), shortHash(places[0]?.deviceId ?? '')];
  for (const bucket of bucketsOf(sketch)) report(reporter, 'RHYTHM', subjectOf('RHYTHM', reporter.tenant, bucket), places[0]?.deviceId ?? '', minutes, values);
}

function meanSketch(blocks: readonly HandsBlock[]): number[] {
  const sketch: number[] = [];
  for (let i = 0; i < SKETCH_SIZE; i++) {
    let sum = 0;
    for (const block of blocks) sum += block.sketch[i]!;
    sketch.push(Math.round(sum / blocks.length));
  }
  return sketch;
}

/** Low gap of the session's hour and the keystrokes that it rests on; null where there are too few. */
function hourGap({ hour, config }: Reporter, session: SessionState): { low: number; keystrokes: number } | null {
  // Two clocks hide their error in the gap.
  const [track] = session.tracks;
  if (track === null || track.hourStart !== hour) return null;
  const keystrokes = countOf(track.hour);
  if (keystrokes < config.hiddenLeg.samplesMin) return null;
  const [low] = quantiles(track.hour, [config.hiddenLeg.lowQuantile]);
  return { low: gapValue(low!), keystrokes };
}

/** What the person's hour at a network showed there; 0 for nothing. */
function gapAt(reporter: Reporter, network: string, deviceId: string): number {
  for (const { sessionId } of reporter.person.fleet!.sessions) {
    const session = reporter.person.sessions.get(sessionId);
    if (session === undefined || session.deviceId !== deviceId || session.sighting === null || networkOf(session.sighting.sourceIp) !== network) continue;
    const gap = hourGap(reporter, session);
    if (gap !== null) return gap.low;
  }
  return 0;
}

function reportSession(reporter: Reporter, session: SessionState): void {
  const { person } = reporter;
  const gap = hourGap(reporter, session);
  if (gap !== null) {
    const cohort = { tenantId: person.tenantId, vantageId: session.vantage?.vantageId ?? null, sensor: session.sensor, region: session.assignment?.declared.region ?? session.assignment?.declared.country ?? null, access: accessOf(session.sighting) };
    for (const subject of cohortLevels(cohort)) report(reporter, 'COHORT', subject, session.deviceId, [], [gap.low, gap.keystrokes]);
  }
  for (const { subject, values } of peerReports(person, session, gap?.low ?? null, reporter.hour)) report(reporter, 'PEERS', subject, '', [], values);
}
