/**
 * A person as bytes for the changelog, in two records, because an event changes one of them only: `people` holds what
 * changes when a window closes, `open` what every event touches (clocks and open windows). Both are written in the same
 * commit where windows closed. The first byte is the version of the form.
 *
 * People at rest are kept in memory in the same form, so the head can be read without the rest.
 */
import type { Sensor } from '#schemas/records.ts';
import { assert } from '#lib/kernel/errors.ts';
import { WEEK_HOURS } from '../model/activity.ts';
import { newHistory, type DeviceHistory } from '../model/history.ts';
import type { Familiar } from '../model/novelty.ts';
import type { Sighting } from '../model/sighting.ts';
import { readCoupling, readProfile, writeCoupling, writeProfile } from './rhythm-codec.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { newPerson, newSession, type Person, type SessionState } from './person.ts';
import { readPlace, writePlace } from './reference-codec.ts';
import { roomFor } from './room.ts';
import { readSession, writeSession } from './session-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import { readWindow, writeWindow } from './window-codec.ts';

const VERSION = 9;
/** Version, and two doubles. */
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
  out.double(person.highestAt);
  let supportedAt = Infinity;
  for (const { finding } of person.sessions.values()) if (finding !== null) supportedAt = Math.min(supportedAt, finding.supportedAt);
  out.double(supportedAt);
}

export function readHead(input: ByteReader): PersonHead {
  assert(input.count() === VERSION, 'the state of a person is of an unknown version');
  return { highestAt: input.double(), supportedAt: input.double() };
}

/** The last sighting mostly is that of a session: then only the session's number (from 1) is written; 0: in full. */
function writeLastSighting({ lastSighting, sessions }: Person, dictionary: DatabasesDictionary): void {
  if (lastSighting === null) return out.flag(false);
  out.flag(true);
  out.integer(lastSighting.at);
  let holder = 0;
  let number = 0;
  let before: Sighting | null = null;
  for (const { sighting } of sessions.values()) {
    number++;
    if (sighting === lastSighting.sighting) holder = number;
    before = sighting;
  }
  out.count(holder);
  if (holder === 0) writeSighting(out, lastSighting.sighting, before, dictionary);
}

function readLastSighting(input: ByteReader, sessions: readonly SessionState[], dictionary: DatabasesDictionary): Person['lastSighting'] {
  if (!input.flag()) return null;
  const at = input.integer();
  const holder = input.count();
  if (holder === 0) return { sighting: readSighting(input, sessions.at(-1)?.sighting ?? null, dictionary), at };
  const sighting = sessions[holder - 1]?.sighting ?? null;
  assert(sighting !== null, 'the state of a person names a sighting that is not there');
  return { sighting, at };
}

const KINDS: readonly Familiar['kind'][] = ['country', 'network', 'fingerprint'];

function writeKnown(person: Person): void {
  out.count(person.familiar.length);
  for (const { kind, value, firstAt, lastAt, daysBefore } of person.familiar) {
    out.count(KINDS.indexOf(kind));
    out.text(value);
    out.integer(firstAt);
    out.integer(lastAt - firstAt);
    out.count(daysBefore);
  }
  out.count(person.places.length);
  for (const place of person.places) {
    out.text(place.ip);
    out.double(place.latitude);
    out.double(place.longitude);
    out.optionalText(place.country);
    out.integer(place.firstAt);
    out.integer(place.lastAt - place.firstAt);
  }
  out.plain(person.suppressions.length === 0 ? null : person.suppressions);
  const declared = lastDeclared(person);
  out.count(person.former.length);
  for (const former of person.former) {
    out.text(former.deviceId);
    out.double(former.validFrom);
    writePlace(out, former.present, declared);
    writePlace(out, former.before, former.present);
  }
}

/** The place that is told of the person in the sessions above, which the assignments mostly repeat. */
function lastDeclared({ sessions }: Person): SessionPlace {
  let declared: SessionPlace = null;
  for (const { assignment } of sessions.values()) if (assignment !== null) declared = assignment.declared;
  return declared;
}

type SessionPlace = NonNullable<SessionState['assignment']>['declared'] | null;

function readKnown(input: ByteReader, person: Person): void {
  person.familiar = input.list(() => {
    const [kind, value, firstAt] = [KINDS[input.count()]!, input.text(), input.integer()];
    return { kind, value, firstAt, lastAt: firstAt + input.integer(), daysBefore: input.count() };
  });
  person.places = input.list(() => {
    const [ip, latitude, longitude, country, firstAt] = [input.text(), input.double(), input.double(), input.optionalText(), input.integer()];
    return { ip, latitude, longitude, country, firstAt, lastAt: firstAt + input.integer() };
  });
  person.suppressions = input.plain<Person['suppressions'] | null>() ?? [];
  const declared = lastDeclared(person);
  person.former = input.list(() => {
    const [deviceId, validFrom, present] = [input.text(), input.double(), readPlace(input, declared)!];
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
  writeHead(person);
  out.text(person.tenantId);
  out.text(person.userId);
  out.double(person.secondAt);
  out.double(person.closedThrough);
  out.double(person.seenAtWatermark);
  out.count(person.sessions.size);
  let before: Sighting | null = null;
  for (const session of person.sessions.values()) {
    writeSession(out, session, before, person, dictionary);
    before = session.sighting;
  }
  out.list(person.devices, (device) => {
    out.text(device.deviceId);
    out.text(device.sensor);
    out.count(device.refusedDays);
    out.count(device.days);
    out.integer(device.lastDay);
    out.sparse(device.past);
    out.sparse(device.today);
    writeCoupling(out, device.coupling);
  });
  out.list(person.rhythms, (profile) => writeProfile(out, profile));
  out.optional(person.activity, (activity) => {
    out.count(activity.days);
    out.integer(activity.lastDay);
    out.sparse(activity.counts);
  });
  out.integer(person.detector.day);
  out.double(person.detector.carried);
  out.double(person.detector.today);
  out.count(person.seenDays);
  out.integer(person.lastSeenDay);
  writeKnown(person);
  writeLastSighting(person, dictionary);
}

function readDevice(input: ByteReader): DeviceHistory {
  const device = newHistory(input.text(), input.text() as Sensor);
  device.refusedDays = input.count();
  device.days = input.count();
  device.lastDay = input.integer();
  input.sparseInto(device.past);
  input.sparseInto(device.today);
  readCoupling(input, device.coupling);
  return device;
}

export function decodePerson(bytes: Uint8Array, dictionary: DatabasesDictionary): Person {
  const input = new ByteReader(bytes);
  const { highestAt } = readHead(input);
  const person = newPerson(input.text(), input.text());
  person.highestAt = highestAt;
  person.secondAt = input.double();
  person.closedThrough = input.double();
  person.seenAtWatermark = input.double();
  let before: Sighting | null = null;
  const sessions = input.list(() => {
    const session = readSession(input, before, person, dictionary);
    before = session.sighting;
    person.sessions.set(session.sessionId, session);
    return session;
  });
  person.devices = input.list(() => readDevice(input));
  person.rhythms = input.list(() => readProfile(input));
  person.activity = input.optional(() => ({ days: input.count(), lastDay: input.integer(), counts: input.sparse(WEEK_HOURS) }));
  person.detector = { day: input.integer(), carried: input.double(), today: input.double() };
  person.seenDays = input.count();
  person.lastSeenDay = input.integer();
  readKnown(input, person);
  person.lastSighting = readLastSighting(input, sessions, dictionary);
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

/** The same as `packPerson` gives it. */
export function packOpen(person: Person, dictionary: DatabasesDictionary): string {
  writeOpen(person, dictionary);
  return out.finishAsText();
}

function writeOpen(person: Person, dictionary: DatabasesDictionary): void {
  out.count(VERSION);
  out.text(person.tenantId);
  out.text(person.userId);
  out.double(person.highestAt);
  out.double(person.secondAt);
  out.double(person.closedThrough);
  out.double(person.seenAtWatermark);
  for (const session of person.sessions.values()) {
    if (session.open.length === 0) continue;
    out.count(session.open.length);
    out.text(session.sessionId);
    out.text(session.deviceId);
    out.integer(session.firstAt);
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
  whole.highestAt = input.double();
  whole.secondAt = input.double();
  whole.closedThrough = input.double();
  whole.seenAtWatermark = input.double();
  for (let windows = input.count(); windows > 0; windows = input.count()) {
    const [sessionId, deviceId, firstAt] = [input.text(), input.text(), input.integer()];
    let session = whole.sessions.get(sessionId);
    if (session === undefined) whole.sessions.set(sessionId, (session = newSession(sessionId, deviceId, firstAt)));
    session.firstAt = firstAt;
    session.open = roomFor(4);
    for (let i = 0; i < windows; i++) session.open.push(readWindow(input, session, whole, dictionary));
  }
  assert(input.atEnd, 'the open windows of a person hold more than their form');
  whole.nextTimer = -Infinity;
  return whole;
}
