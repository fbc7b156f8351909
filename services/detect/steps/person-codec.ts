/**
 * A person as bytes for the changelog, in two records, because an event changes one of them only: `people` holds what
 * changes when a window closes, `open` what every event touches (clocks and open windows). Both are written in the same
 * commit where windows closed. The first byte is the version of the form.
 */
import type { DeviceAssignment, Vantage } from '#schemas/records.ts';
import type { StateCodec } from '#lib/state/state.ts';
import { assert } from '#lib/kernel/errors.ts';
import { WEEK_HOURS } from '../model/activity.ts';
import { HISTORY_BINS } from '../model/history.ts';
import type { Reading } from '../model/reading.ts';
import { SKETCH_BINS } from '../model/sketch.ts';
import { readProfile, readRhythm, readRhythmTrack, writeProfile, writeRhythm, writeRhythmTrack } from './rhythm-codec.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { newPerson, newSession, newWindow, type GapTrack, type OpenFinding, type OpenWindow, type Person, type SessionState, type SourceRtt, type TransportState } from './person.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import type { Watermark } from './watermark.ts';

const VERSION = 3;
const out = new ByteWriter();

type Rtt = Omit<SourceRtt, 'sighting'>;

function writeRtt(rtt: Rtt): void {
  out.integer(rtt.samples);
  out.integer(rtt.leastUs);
  out.integer(rtt.secondUs);
  out.integer(rtt.lowerSpreadUs);
  out.integer(rtt.upperSpreadUs);
  out.integer(rtt.medianUs);
  out.integer(rtt.spreadSamples);
}

function readRtt(input: ByteReader): Rtt {
  const next = () => input.integer();
  return { samples: next(), leastUs: next(), secondUs: next(), lowerSpreadUs: next(), upperSpreadUs: next(), medianUs: next(), spreadSamples: next() };
}

/** How a record that the session may hold already is told: not at all, as the session's, or in full. */
const NONE = 0;
const SESSIONS_OWN = 1;
const IN_FULL = 2;
/** Stand for the session's own until both parts are put together. */
const OWN_ASSIGNMENT = Object.freeze({}) as DeviceAssignment;
const OWN_VANTAGE = Object.freeze({}) as Vantage;

function writeShared(value: object | null, own: object | null): void {
  if (value === null) out.count(NONE);
  else if (isSame(value, own)) out.count(SESSIONS_OWN);
  else {
    out.count(IN_FULL);
    out.plain(value);
  }
}

function readShared<T>(input: ByteReader, own: T): T | null {
  const how = input.count();
  return how === NONE ? null : how === SESSIONS_OWN ? own : input.plain<T>();
}

/** Plain values, all the way down. Within a process the reference data is shared, so this is mostly one comparison. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]));
}

function writeWindow(window: OpenWindow, session: SessionState): void {
  out.integer(window.start);
  out.count(window.events);
  out.count(window.keystrokes);
  out.count(window.virtualInput);
  out.count(window.injectedInput);
  out.integer(window.clockErrorUs);
  out.integer(window.rttLeastUs);
  out.count(window.rttCount);
  const [first, second] = window.gaps;
  out.count((first === null ? 0 : 1) | (second === null ? 0 : 2) | (window.latencies === null ? 0 : 4));
  if (first !== null) out.sparse(first);
  if (second !== null) out.sparse(second);
  if (window.latencies !== null) out.sparse(window.latencies);
  out.optional(window.rhythm, (rhythm) => writeRhythm(out, rhythm));
  out.text(window.rttVantageId ?? '');
  out.count(window.sources.length);
  for (const source of window.sources) {
    writeSighting(out, source.sighting);
    writeRtt(source);
  }
  out.double(window.latestAt);
  out.text(window.latestId);
  out.text(window.deviceId);
  writeShared(window.assignment, session.assignment);
  writeShared(window.vantage, session.vantage);
  out.text(window.sensor ?? '');
  out.double(window.sensorAt);
  out.text(window.sensorId);
  out.plain(window.feedback);
}

function readWindow(input: ByteReader): OpenWindow {
  const window = newWindow(input.integer());
  window.events = input.count();
  window.keystrokes = input.count();
  window.virtualInput = input.count();
  window.injectedInput = input.count();
  window.clockErrorUs = input.integer();
  window.rttLeastUs = input.integer();
  window.rttCount = input.count();
  const sketches = input.count();
  const sketch = (bit: number) => ((sketches & bit) === 0 ? null : input.sparse(SKETCH_BINS));
  window.gaps = [sketch(1), sketch(2)];
  window.latencies = sketch(4);
  window.rhythm = input.optional(() => readRhythm(input));
  window.rttVantageId = input.text() || null;
  window.sources = input.list(() => ({ sighting: readSighting(input), ...readRtt(input) }));
  window.latestAt = input.double();
  window.latestId = input.text();
  window.deviceId = input.text();
  window.assignment = readShared(input, OWN_ASSIGNMENT);
  window.vantage = readShared(input, OWN_VANTAGE);
  window.sensor = (input.text() || null) as OpenWindow['sensor'];
  window.sensorAt = input.double();
  window.sensorId = input.text();
  window.feedback = input.plain();
  return window;
}

const toMicro = (ms: number): number => Math.round(ms * 1000);

function writeTrack(track: GapTrack): void {
  out.integer(track.tenStart);
  out.sparse(track.ten);
  out.optional(track.tenBefore, (value) => out.sparse(value));
  out.integer(track.hourStart);
  out.sparse(track.hour);
  out.list(track.minutes, (minute) => {
    out.integer(minute.end);
    out.count(minute.samples);
    out.integer(toMicro(minute.low));
    out.integer(toMicro(minute.middle));
  });
  out.integer(track.clockErrorUs);
  out.integer(track.lastEnd);
}

function readTrack(input: ByteReader): GapTrack {
  return {
    tenStart: input.integer(),
    ten: input.sparse(SKETCH_BINS),
    tenBefore: input.optional(() => input.sparse(SKETCH_BINS)),
    hourStart: input.integer(),
    hour: input.sparse(SKETCH_BINS),
    minutes: input.list(() => ({ end: input.integer(), samples: input.count(), low: input.integer() / 1000, middle: input.integer() / 1000 })),
    clockErrorUs: input.integer(),
    lastEnd: input.integer(),
  };
}

function writeSession(session: SessionState): void {
  out.text(session.sessionId);
  out.text(session.deviceId);
  out.integer(session.firstAt);
  out.integer(session.lastEnd);
  out.count(session.late);
  for (const track of session.tracks) out.optional(track, writeTrack);
  out.count(session.clock);
  out.text(session.sensor);
  const { input } = session;
  for (const value of [input.tenStart, input.all, input.virtual, input.injected, input.allBefore, input.virtualBefore, input.injectedBefore]) out.integer(value);
  out.optional(session.rhythm, (rhythm) => writeRhythmTrack(out, rhythm));
  out.optional(session.sighting, (sighting) => writeSighting(out, sighting));
  out.optional(session.transport, (transport) => {
    out.text(transport.key);
    writeRtt(transport);
  });
  out.plain(session.assignment);
  out.plain(session.vantage);
  out.plain(session.travel);
  out.optional(session.helpSince, (value) => out.integer(value));
  writeSignals(session);
  out.count(session.ordinal);
  out.plain(session.finding);
  out.count(session.decided ? 1 : 0);
}

/** Only the signals that hold something, each behind its number. */
function writeSignals({ signals }: SessionState): void {
  const telling = signals.flatMap((signal, i) => (signal.held === 0 && signal.reading === null ? [] : [i]));
  out.list(telling, (i) => {
    out.count(i);
    out.double(signals[i]!.held);
    out.plain(signals[i]!.reading);
  });
}

function readSession(input: ByteReader): SessionState {
  const session = newSession(input.text(), input.text(), input.integer());
  session.lastEnd = input.integer();
  session.late = input.count();
  session.tracks = [input.optional(() => readTrack(input)), input.optional(() => readTrack(input))];
  session.clock = input.count() === 1 ? 1 : 0;
  session.sensor = input.text() as SessionState['sensor'];
  const next = () => input.integer();
  session.input = { tenStart: next(), all: next(), virtual: next(), injected: next(), allBefore: next(), virtualBefore: next(), injectedBefore: next() };
  session.rhythm = input.optional(() => readRhythmTrack(input));
  session.sighting = input.optional(() => readSighting(input));
  session.transport = input.optional<TransportState>(() => ({ key: input.text(), ...readRtt(input) }));
  session.assignment = input.plain();
  session.vantage = input.plain();
  session.travel = input.plain();
  session.helpSince = input.optional(next);
  for (let telling = input.count(); telling > 0; telling--) {
    const signal = session.signals[input.count()];
    assert(signal !== undefined, 'the state of a person holds an unknown signal');
    signal.held = input.double();
    signal.reading = input.plain<Reading | null>();
  }
  session.ordinal = input.count();
  session.finding = input.plain<OpenFinding | null>();
  session.decided = input.count() === 1;
  return session;
}

function writeClocks(person: Person): void {
  out.double(person.highestAt);
  out.double(person.secondAt);
  out.double(person.closedThrough);
  out.double(person.seenAtWatermark);
}

function readClocks(input: ByteReader, person: Person): void {
  person.highestAt = input.double();
  person.secondAt = input.double();
  person.closedThrough = input.double();
  person.seenAtWatermark = input.double();
}

/** The last sighting mostly is that of a session: then only the session's number (from 1) is written; 0: in full. */
function writeLastSighting({ lastSighting, sessions }: Person): void {
  if (lastSighting === null) return out.count(0);
  out.count(1);
  out.integer(lastSighting.at);
  const holder = [...sessions.values()].findIndex((session) => session.sighting === lastSighting.sighting);
  out.count(holder + 1);
  if (holder < 0) writeSighting(out, lastSighting.sighting);
}

function readLastSighting(input: ByteReader, sessions: readonly SessionState[]): Person['lastSighting'] {
  if (input.count() === 0) return null;
  const at = input.integer();
  const holder = input.count();
  if (holder === 0) return { sighting: readSighting(input), at };
  const sighting = sessions[holder - 1]?.sighting ?? null;
  assert(sighting !== null, 'the state of a person names a sighting that is not there');
  return { sighting, at };
}

function encodePerson(person: Person): Uint8Array {
  out.count(VERSION);
  out.text(person.tenantId);
  out.text(person.userId);
  writeClocks(person);
  out.list([...person.sessions.values()], writeSession);
  out.list(person.devices, (device) => {
    out.text(device.deviceId);
    out.count(device.days);
    out.integer(device.lastDay);
    out.sparse(device.past);
    out.sparse(device.today);
  });
  out.list(person.rhythms, (profile) => writeProfile(out, profile));
  out.optional(person.activity, (activity) => {
    out.count(activity.days);
    out.integer(activity.lastDay);
    out.sparse(activity.counts);
  });
  out.count(person.seenDays);
  out.integer(person.lastSeenDay);
  out.plain(person.familiar.length === 0 ? null : person.familiar);
  out.plain(person.places);
  out.plain(person.former);
  writeLastSighting(person);
  return out.finish();
}

function decodePerson(bytes: Uint8Array): Person {
  const input = new ByteReader(bytes);
  assert(input.count() === VERSION, 'the state of a person is of an unknown version');
  const person = newPerson(input.text(), input.text());
  readClocks(input, person);
  const sessions = input.list(() => readSession(input));
  for (const session of sessions) person.sessions.set(session.sessionId, session);
  person.devices = input.list(() => ({ deviceId: input.text(), days: input.count(), lastDay: input.integer(), past: input.sparse(HISTORY_BINS), today: input.sparse(HISTORY_BINS) }));
  person.rhythms = input.list(() => readProfile(input));
  person.activity = input.optional(() => ({ days: input.count(), lastDay: input.integer(), counts: input.sparse(WEEK_HOURS) }));
  person.seenDays = input.count();
  person.lastSeenDay = input.integer();
  person.familiar = input.plain<Person['familiar'] | null>() ?? [];
  person.places = input.plain();
  person.former = input.plain();
  person.lastSighting = readLastSighting(input, sessions);
  assert(input.atEnd, 'the state of a person holds more than its form');
  // Pending timers are looked at with the next event or watermark.
  person.nextTimer = -Infinity;
  return person;
}

/** What changes when a window closes: everything but the open windows. */
export const personCodec: StateCodec<Person> = { encode: encodePerson, decode: decodePerson };

function encodeOpen(person: Person): Uint8Array {
  out.count(VERSION);
  out.text(person.tenantId);
  out.text(person.userId);
  writeClocks(person);
  for (const session of person.sessions.values()) {
    if (session.open.length === 0) continue;
    out.count(session.open.length);
    out.text(session.sessionId);
    out.text(session.deviceId);
    out.integer(session.firstAt);
    for (const window of session.open) writeWindow(window, session);
  }
  out.count(0);
  return out.finish();
}

function decodeOpen(bytes: Uint8Array): Person {
  const input = new ByteReader(bytes);
  assert(input.count() === VERSION, 'the open windows of a person are of an unknown version');
  const person = newPerson(input.text(), input.text());
  readClocks(input, person);
  for (let windows = input.count(); windows > 0; windows = input.count()) {
    const session = newSession(input.text(), input.text(), input.integer());
    for (let i = 0; i < windows; i++) session.open.push(readWindow(input));
    person.sessions.set(session.sessionId, session);
  }
  assert(input.atEnd, 'the open windows of a person hold more than their form');
  person.nextTimer = -Infinity;
  return person;
}

/** The clocks and the open windows; decoded, a person that holds nothing else, for `joinOpen`. */
export const openCodec: StateCodec<Person> = { encode: encodeOpen, decode: decodeOpen };

/** Puts the two parts of a person together again. `person` is null where no window has closed yet. */
export function joinOpen(person: Person | null, open: Person): Person {
  const whole = person ?? newPerson(open.tenantId, open.userId);
  whole.highestAt = open.highestAt;
  whole.secondAt = open.secondAt;
  whole.closedThrough = open.closedThrough;
  whole.seenAtWatermark = open.seenAtWatermark;
  for (const part of open.sessions.values()) {
    const known = whole.sessions.get(part.sessionId);
    const session = known ?? newSession(part.sessionId, part.deviceId, part.firstAt);
    if (known === undefined) whole.sessions.set(part.sessionId, session);
    session.firstAt = part.firstAt;
    session.open = part.open;
    for (const window of session.open) {
      if (window.assignment === OWN_ASSIGNMENT) window.assignment = session.assignment;
      if (window.vantage === OWN_VANTAGE) window.vantage = session.vantage;
    }
  }
  whole.nextTimer = -Infinity;
  return whole;
}

export const watermarkCodec: StateCodec<Watermark> = {
  encode: (watermark) => Buffer.from(JSON.stringify(watermark)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Watermark,
};
