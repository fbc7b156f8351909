/**
 * A person as bytes for the changelog, in two records, because an event changes one of them only: `people` holds what
 * changes when a window closes, `open` what every event touches (clocks and open windows). Both are written in the same
 * commit where windows closed. The first byte is the version of the form.
 *
 * People at rest are kept in memory in the same form, so the head can be read without the rest.
 */
import { assert } from '#lib/kernel/errors.ts';
import { minutesOf, newActivity, type Activity } from '../model/activity.ts';
import { newHistory, type DeviceHistory } from '../model/history.ts';
import { traitOf, type Familiar } from '../model/novelty.ts';
import type { Sighting } from '../model/sighting.ts';
import type { KnownPlace } from '../model/view.ts';
import { readCoupling, readProfile, writeCoupling, writeProfile } from './rhythm-codec.ts';
import { ByteReader, ByteWriter, bytesOfText } from './bytes.ts';
import { SENSORS, readName, readNumber, readTime, readWord, writeName, writeNumber, writeTime, writeWord } from './compact-codec.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { newPerson, newSession, type OpenWindow, type Person, type SessionState, type WaitingWindow } from './person.ts';
import { readPlace, writePlace } from './reference-codec.ts';
import { roomFor } from './room.ts';
import { readSession, writeSession } from './session-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import { readWindow, writeWindow } from './window-codec.ts';

const VERSION = 12;
/** Version, and two times, at most. */
export const HEAD_BYTES = 17;
const out = new ByteWriter();

/** What is asked of people at rest without waking them. */
export interface PersonHead {
  highestAt: number;
  /** Earliest last support of an open finding; Infinity where none is open. */
  supportedAt: number;
}

function writeHead(person: Person): void {
  out.count(VERSION);
  out.integer(person.highestAt);
  let supportedAt = Infinity;
  for (const { finding } of person.sessions.values()) if (finding !== null) supportedAt = Math.min(supportedAt, finding.supportedAt);
  writeTime(out, supportedAt === Infinity ? -Infinity : supportedAt, person.highestAt);
}

export function readHead(input: ByteReader): PersonHead {
  assert(input.count() === VERSION, 'the state of a person is of an unknown version');
  const highestAt = input.integer();
  const supportedAt = readTime(input, highestAt);
  return { highestAt, supportedAt: supportedAt === -Infinity ? Infinity : supportedAt };
}

/** The other clocks by the first. */
function writeClocks({ highestAt, secondAt, closedThrough, seenAtWatermark }: Person): void {
  writeTime(out, secondAt, highestAt);
  writeTime(out, closedThrough, highestAt);
  writeTime(out, seenAtWatermark, highestAt);
}

function readClocks(input: ByteReader, person: Person): void {
  const { highestAt } = person;
  person.secondAt = readTime(input, highestAt);
  person.closedThrough = readTime(input, highestAt);
  person.seenAtWatermark = readTime(input, highestAt);
}

/** The last sighting mostly is that of a session: then only the session's number (from 1) is written; 0: in full. */
function writeLastSighting({ lastSighting, sessions, highestAt }: Person, dictionary: DatabasesDictionary): void {
  if (lastSighting === null) return out.flag(false);
  out.flag(true);
  let holder = 0;
  let number = 0;
  let before: Sighting | null = null;
  for (const { sighting } of sessions.values()) {
    number++;
    if (sighting === lastSighting.sighting) holder = number;
    before = sighting;
  }
  out.count(holder);
  if (holder === 0) writeSighting(out, lastSighting.sighting, before, highestAt, dictionary);
  out.integer(lastSighting.sighting.at - lastSighting.at);
}

function readLastSighting(input: ByteReader, { highestAt }: Person, sessions: readonly SessionState[], dictionary: DatabasesDictionary): Person['lastSighting'] {
  if (!input.flag()) return null;
  const holder = input.count();
  const sighting = holder === 0 ? readSighting(input, sessions.at(-1)?.sighting ?? null, highestAt, dictionary) : sightingOf(sessions, holder);
  return { sighting, at: sighting.at - input.integer() };
}

function sightingOf(sessions: readonly SessionState[], number: number): Sighting {
  const sighting = sessions[number - 1]?.sighting ?? null;
  assert(sighting !== null, 'the state of a person names a sighting that is not there');
  return sighting;
}

/** Number (from 1) of the first session whose sighting is like that; 0 for none. */
function holderOf({ sessions }: Person, isLike: (sighting: Sighting) => boolean): number {
  let number = 0;
  for (const { sighting } of sessions.values()) {
    number++;
    if (sighting !== null && isLike(sighting)) return number;
  }
  return 0;
}

const KINDS: readonly Familiar['kind'][] = ['country', 'network', 'fingerprint'];

function writeKnown(person: Person): void {
  out.count(person.familiar.length);
  const { highestAt } = person;
  for (const { kind, value, firstAt, lastAt, daysBefore } of person.familiar) {
    out.count(KINDS.indexOf(kind));
    const holder = holderOf(person, (sighting) => traitOf(sighting, kind) === value);
    out.count(holder);
    if (holder === 0) writeName(out, value);
    out.integer(highestAt - lastAt);
    out.integer(lastAt - firstAt);
    out.count(daysBefore);
  }
  out.count(person.places.length);
  for (const place of person.places) {
    const holder = holderOf(person, (sighting) => isAt(place, sighting));
    out.count(holder);
    if (holder === 0) {
      writeName(out, place.ip);
      writeNumber(out, place.latitude);
      writeNumber(out, place.longitude);
      out.optionalText(place.country);
    }
    out.integer(highestAt - place.lastAt);
    out.integer(place.lastAt - place.firstAt);
  }
  out.plain(person.suppressions.length === 0 ? null : person.suppressions);
  const declared = lastDeclared(person);
  out.count(person.former.length);
  for (const former of person.former) {
    out.text(former.deviceId);
    writeNumber(out, former.validFrom);
    writePlace(out, former.present, declared);
    writePlace(out, former.before, former.present);
  }
}

const isAt = (place: KnownPlace, { sourceIp, latitude, longitude, country }: Sighting): boolean => place.ip === sourceIp && place.latitude === latitude && place.longitude === longitude && place.country === country;

/** The place that is told of the person in the sessions above, which the assignments mostly repeat. */
function lastDeclared({ sessions }: Person): SessionPlace {
  let declared: SessionPlace = null;
  for (const { assignment } of sessions.values()) if (assignment !== null) declared = assignment.declared;
  return declared;
}

type SessionPlace = NonNullable<SessionState['assignment']>['declared'] | null;

function readKnownPlace(input: ByteReader, highestAt: number, sessions: readonly SessionState[]): KnownPlace {
  const holder = input.count();
  const { sourceIp: ip, latitude, longitude, country } =
    holder === 0 ? { sourceIp: readName(input), latitude: readNumber(input), longitude: readNumber(input), country: input.optionalText() } : sightingOf(sessions, holder);
  const lastAt = highestAt - input.integer();
  return { ip, latitude: latitude!, longitude: longitude!, country, firstAt: lastAt - input.integer(), lastAt };
}

function readKnown(input: ByteReader, person: Person, sessions: readonly SessionState[]): void {
  const { highestAt } = person;
  person.familiar = input.list(() => {
    const [kind, holder] = [KINDS[input.count()]!, input.count()];
    const value = holder === 0 ? readName(input) : traitOf(sightingOf(sessions, holder), kind)!;
    const lastAt = highestAt - input.integer();
    return { kind, value, firstAt: lastAt - input.integer(), lastAt, daysBefore: input.count() };
  });
  person.places = input.list(() => readKnownPlace(input, highestAt, sessions));
  person.suppressions = input.plain<Person['suppressions'] | null>() ?? [];
  const declared = lastDeclared(person);
  person.former = input.list(() => {
    const [deviceId, validFrom, present] = [input.text(), readNumber(input), readPlace(input, declared)!];
    return { deviceId, validFrom, present, before: readPlace(input, present) };
  });
}

export function encodePerson(person: Person, dictionary: DatabasesDictionary): Uint8Array {
  writePerson(person, dictionary);
  return out.finish();
}

/** The same bytes as a string of one byte a character: the most compact that the heap can hold, and nothing to scan. */
export function packPerson(person: Person, dictionary: DatabasesDictionary): string {
  writePerson(person, dictionary);
  return out.finishAsText();
}

function writePerson(person: Person, dictionary: DatabasesDictionary): void {
  assert(person.folded === null, 'a person who is folded is written');
  writeHead(person);
  out.text(person.tenantId);
  writeName(out, person.userId);
  writeClocks(person);
  out.count(person.sessions.size);
  let before: Sighting | null = null;
  for (const session of person.sessions.values()) {
    writeSession(out, session, before, person, dictionary);
    before = session.sighting;
  }
  out.list(person.devices, (device) => {
    let holder = 0;
    let number = 0;
    for (const { deviceId } of person.sessions.values()) if (++number > 0 && deviceId === device.deviceId) holder = number;
    out.count(holder);
    if (holder === 0) writeName(out, device.deviceId);
    writeWord(out, device.sensor, SENSORS);
    out.count(device.refusedDays);
    out.count(device.days);
    out.integer(device.lastDay);
    out.packed(device.past);
    out.packed(device.today);
    out.count(device.pastSpreadUs);
    out.count(device.todaySpreadUs);
    writeCoupling(out, device.coupling);
  });
  out.list(person.rhythms, (profile) => writeProfile(out, profile));
  out.optional(person.activity, (activity) => {
    out.count(activity.days);
    out.integer(activity.lastDay);
    out.packed(activity.counts);
  });
  out.integer(person.detector.day);
  writeNumber(out, person.detector.carried);
  writeNumber(out, person.detector.today);
  out.count(person.seenDays);
  out.integer(person.lastSeenDay);
  writeKnown(person);
  writeLastSighting(person, dictionary);
}

function readDevice(input: ByteReader, sessions: readonly SessionState[]): DeviceHistory {
  const holder = input.count();
  const device = newHistory(holder === 0 ? readName(input) : sessions[holder - 1]!.deviceId, readWord(input, SENSORS));
  device.refusedDays = input.count();
  device.days = input.count();
  device.lastDay = input.integer();
  input.packedInto(device.past);
  input.packedInto(device.today);
  device.pastSpreadUs = input.count();
  device.todaySpreadUs = input.count();
  readCoupling(input, device.coupling);
  return device;
}

function readActivity(input: ByteReader): Activity {
  const activity = newActivity();
  activity.days = input.count();
  activity.lastDay = input.integer();
  input.packedInto(activity.counts);
  activity.minutes = minutesOf(activity);
  return activity;
}

export function decodePerson(bytes: Uint8Array, dictionary: DatabasesDictionary): Person {
  const input = new ByteReader(bytes);
  const { highestAt } = readHead(input);
  const person = newPerson(input.text(), readName(input));
  person.highestAt = highestAt;
  readClocks(input, person);
  let before: Sighting | null = null;
  const sessions = input.list(() => {
    const session = readSession(input, before, person, dictionary);
    before = session.sighting;
    person.sessions.set(session.sessionId, session);
    return session;
  });
  person.devices = input.list(() => readDevice(input, sessions));
  person.rhythms = input.list(() => readProfile(input));
  person.activity = input.optional(() => readActivity(input));
  person.detector = { day: input.integer(), carried: readNumber(input), today: readNumber(input) };
  person.seenDays = input.count();
  person.lastSeenDay = input.integer();
  readKnown(input, person, sessions);
  person.lastSighting = readLastSighting(input, person, sessions, dictionary);
  assert(input.atEnd, 'the state of a person holds more than its form');
  // Pending timers are looked at with the next event or watermark.
  person.nextTimer = -Infinity;
  return person;
}

/** The clocks and the open windows. */
export function encodeOpen(person: Person, dictionary: DatabasesDictionary): Uint8Array {
  writeOpen(person, dictionary);
  return out.finish();
}

/** One window, as it stands among the open ones. */
export function packWindow(window: OpenWindow, session: SessionState, person: Person, dictionary: DatabasesDictionary): string {
  writeWindow(out, window, session, person, dictionary);
  return out.finishAsText();
}

export function unpackWindow({ bytes, assignment, vantage }: WaitingWindow, session: SessionState, person: Person, dictionary: DatabasesDictionary): OpenWindow {
  const window = readWindow(new ByteReader(bytesOfText(bytes)), session, person, dictionary);
  window.assignment = assignment;
  window.vantage = vantage;
  return window;
}

/** The same as `packPerson` gives it. */
export function packOpen(person: Person, dictionary: DatabasesDictionary): string {
  writeOpen(person, dictionary);
  return out.finishAsText();
}

function writeOpen(person: Person, dictionary: DatabasesDictionary): void {
  out.count(VERSION);
  out.text(person.tenantId);
  out.text(person.userId);
  writeTime(out, person.highestAt, 0);
  writeClocks(person);
  for (const session of person.sessions.values()) {
    if (session.open.length === 0) continue;
    out.count(session.waiting.length + session.open.length);
    // Written with every event: as it is, which is quickest.
    out.text(session.sessionId);
    out.text(session.deviceId);
    out.integer(person.highestAt - session.firstAt);
    for (const { bytes } of session.waiting) out.rawText(bytes);
    for (const window of session.open) writeWindow(out, window, session, person, dictionary);
  }
  out.count(0);
}

/** Puts the clocks and the open windows into the person; `person` is null where no window has closed yet. */
export function joinOpen(person: Person | null, bytes: Uint8Array, dictionary: DatabasesDictionary): Person {
  const input = new ByteReader(bytes);
  assert(input.count() === VERSION, 'the open windows of a person are of an unknown version');
  const [tenantId, userId] = [input.text(), input.text()];
  const whole = person ?? newPerson(tenantId, userId);
  whole.highestAt = readTime(input, 0);
  readClocks(input, whole);
  for (let windows = input.count(); windows > 0; windows = input.count()) {
    const [sessionId, deviceId, firstAt] = [input.text(), input.text(), whole.highestAt - input.integer()];
    let session = whole.sessions.get(sessionId);
    if (session === undefined) whole.sessions.set(sessionId, (session = newSession(sessionId, deviceId, firstAt)));
    session.firstAt = firstAt;
    session.open = roomFor(Math.max(2, windows));
    for (let i = 0; i < windows; i++) session.open.push(readWindow(input, session, whole, dictionary));
  }
  assert(input.atEnd, 'the open windows of a person hold more than their form');
  whole.nextTimer = -Infinity;
  return whole;
}
