/** A person as bytes for the changelog. The first byte is the version of the form; older forms stay readable. */
import type { StateCodec } from '#lib/state/state.ts';
import { assert } from '#lib/kernel/errors.ts';
import { HISTORY_BINS } from '../model/history.ts';
import type { Reading } from '../model/reading.ts';
import { SIGNALS } from '../model/signals.ts';
import { SKETCH_BINS } from '../model/sketch.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import { newPerson, newSession, newWindow, type GapTrack, type HeldSignal, type OpenFinding, type OpenWindow, type Person, type SessionState, type SourceRtt, type TransportState } from './person.ts';
import type { Watermark } from './watermark.ts';

const VERSION = 1;

type Rtt = Omit<SourceRtt, 'sighting'>;

function writeRtt(out: ByteWriter, rtt: Rtt): void {
  for (const value of [rtt.samples, rtt.leastUs, rtt.secondUs, rtt.lowerSpreadUs, rtt.upperSpreadUs, rtt.medianUs, rtt.spreadSamples]) out.integer(value);
}

function readRtt(input: ByteReader): Rtt {
  const next = () => input.integer();
  return { samples: next(), leastUs: next(), secondUs: next(), lowerSpreadUs: next(), upperSpreadUs: next(), medianUs: next(), spreadSamples: next() };
}

function writeWindow(out: ByteWriter, window: OpenWindow): void {
  out.integer(window.start);
  for (const value of [window.events, window.keystrokes, window.virtualInput, window.injectedInput, window.clockErrorUs, window.rttLeastUs, window.rttCount]) out.integer(value);
  for (const sketch of [...window.gaps, window.latencies]) out.optional(sketch, (value) => out.sparse(value));
  out.plain(window.rttVantageId);
  out.list(window.sources, (source) => {
    out.plain(source.sighting);
    writeRtt(out, source);
  });
  out.double(window.latestAt);
  out.text(window.latestId);
  out.text(window.deviceId);
  out.plain(window.assignment);
  out.plain(window.vantage);
  out.plain(window.sensor);
  out.double(window.sensorAt);
  out.text(window.sensorId);
  out.plain(window.feedback);
}

function readWindow(input: ByteReader): OpenWindow {
  const window = newWindow(input.integer());
  window.events = input.integer();
  window.keystrokes = input.integer();
  window.virtualInput = input.integer();
  window.injectedInput = input.integer();
  window.clockErrorUs = input.integer();
  window.rttLeastUs = input.integer();
  window.rttCount = input.integer();
  const sketch = () => input.optional(() => input.sparse(SKETCH_BINS));
  window.gaps = [sketch(), sketch()];
  window.latencies = sketch();
  window.rttVantageId = input.plain();
  window.sources = input.list(() => ({ sighting: input.plain<SourceRtt['sighting']>(), ...readRtt(input) }));
  window.latestAt = input.double();
  window.latestId = input.text();
  window.deviceId = input.text();
  window.assignment = input.plain();
  window.vantage = input.plain();
  window.sensor = input.plain();
  window.sensorAt = input.double();
  window.sensorId = input.text();
  window.feedback = input.plain();
  return window;
}

const toMicro = (ms: number): number => Math.round(ms * 1000);

function writeTrack(out: ByteWriter, track: GapTrack): void {
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

function writeSession(out: ByteWriter, session: SessionState): void {
  out.text(session.sessionId);
  out.text(session.deviceId);
  out.integer(session.firstAt);
  out.integer(session.lastEnd);
  out.count(session.late);
  out.list(session.open, (window) => writeWindow(out, window));
  for (const track of session.tracks) out.optional(track, (value) => writeTrack(out, value));
  out.count(session.clock);
  out.text(session.sensor);
  const { input } = session;
  for (const value of [input.tenStart, input.all, input.virtual, input.injected, input.allBefore, input.virtualBefore, input.injectedBefore]) out.integer(value);
  out.plain(session.sighting);
  out.optional(session.transport, (transport) => {
    out.text(transport.key);
    writeRtt(out, transport);
  });
  out.plain(session.assignment);
  out.plain(session.vantage);
  out.plain(session.travel);
  out.optional(session.helpSince, (value) => out.integer(value));
  out.list(session.signals, (signal) => {
    out.double(signal.held);
    out.plain(signal.reading);
  });
  out.count(session.ordinal);
  out.plain(session.finding);
  out.count(session.decided ? 1 : 0);
}

function readSession(input: ByteReader): SessionState {
  const session = newSession(input.text(), input.text(), input.integer());
  session.lastEnd = input.integer();
  session.late = input.count();
  session.open = input.list(() => readWindow(input));
  session.tracks = [input.optional(() => readTrack(input)), input.optional(() => readTrack(input))];
  session.clock = input.count() === 1 ? 1 : 0;
  session.sensor = input.text() as SessionState['sensor'];
  const next = () => input.integer();
  session.input = { tenStart: next(), all: next(), virtual: next(), injected: next(), allBefore: next(), virtualBefore: next(), injectedBefore: next() };
  session.sighting = input.plain();
  session.transport = input.optional<TransportState>(() => ({ key: input.text(), ...readRtt(input) }));
  session.assignment = input.plain();
  session.vantage = input.plain();
  session.travel = input.plain();
  session.helpSince = input.optional(next);
  const signals = input.list<HeldSignal>(() => ({ held: input.double(), reading: input.plain<Reading | null>() }));
  session.signals = SIGNALS.map((_, i) => signals[i] ?? { held: 0, reading: null });
  session.ordinal = input.count();
  session.finding = input.plain<OpenFinding | null>();
  session.decided = input.count() === 1;
  return session;
}

function encode(person: Person): Uint8Array {
  const out = new ByteWriter();
  out.count(VERSION);
  out.text(person.tenantId);
  out.text(person.userId);
  for (const at of [person.highestAt, person.secondAt, person.closedThrough, person.seenAtWatermark]) out.double(at);
  out.list([...person.sessions.values()], (session) => writeSession(out, session));
  out.list(person.devices, (device) => {
    out.text(device.deviceId);
    out.count(device.days);
    out.integer(device.lastDay);
    out.sparse(device.past);
    out.sparse(device.today);
  });
  out.plain(person.places);
  out.plain(person.former);
  out.plain(person.lastSighting);
  return out.finish();
}

function decode(bytes: Uint8Array): Person {
  const input = new ByteReader(bytes);
  assert(input.count() === VERSION, 'the state of a person is of an unknown version');
  const person = newPerson(input.text(), input.text());
  person.highestAt = input.double();
  person.secondAt = input.double();
  person.closedThrough = input.double();
  person.seenAtWatermark = input.double();
  for (const session of input.list(() => readSession(input))) person.sessions.set(session.sessionId, session);
  person.devices = input.list(() => ({ deviceId: input.text(), days: input.count(), lastDay: input.integer(), past: input.sparse(HISTORY_BINS), today: input.sparse(HISTORY_BINS) }));
  person.places = input.plain();
  person.former = input.plain();
  person.lastSighting = input.plain();
  assert(input.atEnd, 'the state of a person holds more than its form');
  // Pending timers are looked at with the next event or watermark.
  person.nextTimer = -Infinity;
  return person;
}

export const personCodec: StateCodec<Person> = { encode, decode };

export const watermarkCodec: StateCodec<Watermark> = {
  encode: (watermark) => Buffer.from(JSON.stringify(watermark)),
  decode: (bytes) => JSON.parse(Buffer.from(bytes).toString('utf8')) as Watermark,
};
