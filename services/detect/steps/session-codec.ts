/** A session without its open windows as bytes: what changes when a window closes. */
import { assert } from '#lib/kernel/errors.ts';
import { MINUTE_MS } from '../fleet/minutes.ts';
import type { Reading } from '../model/reading.ts';
import type { Sighting } from '../model/sighting.ts';
import { newSketch, newSketchPair } from '../model/sketch.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { holdSignal, newSession, type GapTrack, type OpenFinding, type Person, type SessionState, type TransportState } from './person.ts';
import type { Verdict } from './verdicts.ts';
import { readAssignment, readVantage, writeAssignment, writeVantage } from './reference-codec.ts';
import { readRhythmTrack, writeRhythmTrack } from './rhythm-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import { readRtt, writeRtt } from './window-codec.ts';

const toMicro = (ms: number): number => Math.round(ms * 1000);

function writeTrack(out: ByteWriter, track: GapTrack, phaseMs: number): void {
  out.integer(track.tenStart);
  out.sparse(track.ten);
  out.optional(track.tenBefore, (value) => out.sparse(value));
  out.integer(track.hourStart);
  out.sparse(track.hour);
  out.count(track.minutes.length);
  let before = phaseMs;
  for (const minute of track.minutes) {
    out.integer((minute.end - before) / MINUTE_MS);
    out.count(minute.samples);
    out.integer(toMicro(minute.low));
    out.integer(toMicro(minute.middle));
    before = minute.end;
  }
  out.integer(track.clockErrorUs);
  out.integer(track.lastEnd);
}

function readTrack(input: ByteReader, phaseMs: number): GapTrack {
  const [ten, hour] = newSketchPair();
  const tenStart = input.integer();
  input.sparseInto(ten);
  const tenBefore = input.optional(() => input.sparseInto(newSketch()));
  const hourStart = input.integer();
  input.sparseInto(hour);
  let before = phaseMs;
  const minutes = input.list(() => {
    before += input.integer() * MINUTE_MS;
    return { end: before, samples: input.count(), low: input.integer() / 1000, middle: input.integer() / 1000 };
  });
  return { tenStart, ten, tenBefore, hourStart, hour, minutes, clockErrorUs: input.integer(), lastEnd: input.integer() };
}

/** `before`: the sighting of the session before, which this one's mostly is like. */
export function writeSession(out: ByteWriter, session: SessionState, before: Sighting | null, person: Person, dictionary: DatabasesDictionary): void {
  out.text(session.sessionId);
  out.text(session.deviceId);
  out.integer(session.firstAt);
  out.integer(session.lastEnd);
  out.count(session.late);
  for (const track of session.tracks) out.optional(track, (value) => writeTrack(out, value, person.phaseMs));
  out.count(session.clock);
  out.text(session.sensor);
  const { input } = session;
  out.integer(input.tenStart);
  for (const count of [input.all, input.virtual, input.injected, input.allBefore, input.virtualBefore, input.injectedBefore]) out.count(count);
  out.optional(session.rhythm, (rhythm) => writeRhythmTrack(out, rhythm));
  out.optional(session.sighting, (sighting) => writeSighting(out, sighting, before, dictionary));
  out.optional(session.transport, (transport) => {
    out.textUnless(transport.key, keyOf(session.sighting));
    writeRtt(out, transport);
  });
  writeAssignment(out, session.assignment, null, person);
  writeVantage(out, session.vantage, null);
  out.plain(session.travel);
  out.optional(session.helpSince, (value) => out.integer(value));
  writeSignals(out, session);
  out.count(session.ordinal);
  out.plain(session.finding);
  out.plain(session.verdict);
}

const keyOf = (sighting: Sighting | null): string => (sighting === null ? '' : `${sighting.sourceIp}|${sighting.vantageId}`);

/** Only the signals that hold something, each behind its number (from 1); 0 ends them. */
function writeSignals(out: ByteWriter, { signals }: SessionState): void {
  for (let i = 0; i < signals.length; i++) {
    const { held, reading } = signals[i]!;
    if (held === 0 && reading === null) continue;
    out.count(i + 1);
    out.double(held);
    out.optional(reading, (value) => writeReading(out, value));
  }
  out.count(0);
}

function writeReading(out: ByteWriter, reading: Reading): void {
  out.double(reading.strength);
  out.flag(reading.ubiquitous);
  out.double(reading.observed);
  out.double(reading.expected);
  out.text(reading.unit);
  out.double(reading.samples);
  out.integer(reading.windowEnd);
  out.integer(reading.windowEnd - reading.windowStart);
  out.text(reading.explanation);
}

function readReading(input: ByteReader): Reading {
  const [strength, ubiquitous, observed, expected, unit] = [input.double(), input.flag(), input.double(), input.double(), input.text()];
  const [samples, windowEnd] = [input.double(), input.integer()];
  return { strength, ubiquitous, observed, expected, unit, samples, windowStart: windowEnd - input.integer(), windowEnd, explanation: input.text() };
}

export function readSession(input: ByteReader, before: Sighting | null, person: Person, dictionary: DatabasesDictionary): SessionState {
  const session = newSession(input.text(), input.text(), input.integer());
  session.lastEnd = input.integer();
  session.late = input.count();
  session.tracks = [input.optional(() => readTrack(input, person.phaseMs)), input.optional(() => readTrack(input, person.phaseMs))];
  session.clock = input.count() === 1 ? 1 : 0;
  session.sensor = input.text() as SessionState['sensor'];
  const next = () => input.count();
  session.input = { tenStart: input.integer(), all: next(), virtual: next(), injected: next(), allBefore: next(), virtualBefore: next(), injectedBefore: next() };
  session.rhythm = input.optional(() => readRhythmTrack(input));
  session.sighting = input.optional(() => readSighting(input, before, dictionary));
  session.transport = input.optional<TransportState>(() => ({ key: input.textUnless(keyOf(session.sighting)), ...readRtt(input) }));
  session.assignment = readAssignment(input, null, person);
  session.vantage = readVantage(input, null);
  session.travel = input.plain();
  session.helpSince = input.optional(() => input.integer());
  readSignals(input, session);
  session.ordinal = input.count();
  session.finding = input.plain<OpenFinding | null>();
  session.verdict = input.plain<Verdict | null>();
  return session;
}

function readSignals(input: ByteReader, session: SessionState): void {
  for (let number = input.count(); number !== 0; number = input.count()) {
    assert(number <= session.signals.length, 'the state of a person holds an unknown signal');
    holdSignal(session, number - 1, { held: input.double(), reading: input.optional(() => readReading(input)) });
  }
}
