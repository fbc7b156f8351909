/** A session without its open windows as bytes: what changes when a window closes. */
import { assert } from '#lib/kernel/errors.ts';
import { MINUTE_MS, hourOf } from '../fleet/minutes.ts';
import type { Reading } from '../model/reading.ts';
import type { Sighting } from '../model/sighting.ts';
import { countOf, newSketch, newSketchPair, type Sketch } from '../model/sketch.ts';
import type { Travel } from '../model/view.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { SENSORS, readName, readNumber, readTime, readWord, writeName, writeNumber, writeTime, writeWord } from './compact-codec.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { TEN_MINUTES_MS, holdSignal, newSession, type GapTrack, type OpenFinding, type Person, type SessionState, type TransportState } from './person.ts';
import type { Verdict } from './verdicts.ts';
import { readAssignment, readVantage, writeAssignment, writeVantage } from './reference-codec.ts';
import { readRhythmTrack, writeRhythmTrack } from './rhythm-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import { readRtt, writeRtt } from './window-codec.ts';

/** Start of the ten minutes of the window that ends then. */
const tenOf = (end: number): number => end - MINUTE_MS - ((end - MINUTE_MS) % TEN_MINUTES_MS);
const toMicro = (ms: number): number => Math.round(ms * 1000);

/** Ten minutes that lie within the hour are part of its counts: then what is beyond them is written. */
const BEYOND = 1;
const beyond = newSketch();

/** Fills `beyond`; false where the one is no part of the other. */
function isPart(part: Sketch, whole: Sketch): boolean {
  for (let i = 0; i < part.length; i++) {
    if (whole[i]! < part[i]!) return false;
    beyond[i] = whole[i]! - part[i]!;
  }
  return true;
}

function writeTrack(out: ByteWriter, track: GapTrack, end: number): void {
  out.integer(end - track.lastEnd);
  out.integer(tenOf(track.lastEnd) - track.tenStart);
  out.packed(track.ten);
  out.optional(track.tenBefore, (value) => out.packed(value));
  out.integer(hourOf(track.lastEnd - MINUTE_MS) - track.hourStart);
  const within = isPart(track.ten, track.hour);
  out.count(within ? BEYOND : 0);
  out.packed(within ? beyond : track.hour);
  out.count(track.minutes.length);
  let before = track.lastEnd;
  for (const minute of track.minutes) {
    out.integer((minute.end - before) / MINUTE_MS);
    out.count(minute.samples);
    out.integer(toMicro(minute.low));
    out.integer(toMicro(minute.middle));
    before = minute.end;
  }
  out.integer(track.clockErrorUs);
}

function readTrack(input: ByteReader, end: number): GapTrack {
  const [ten, hour] = newSketchPair();
  const lastEnd = end - input.integer();
  const tenStart = tenOf(lastEnd) - input.integer();
  input.packedInto(ten);
  const tenBefore = input.optional(() => input.packedInto(newSketch()));
  const hourStart = hourOf(lastEnd - MINUTE_MS) - input.integer();
  const within = input.count() === BEYOND;
  input.packedInto(hour);
  if (within) for (let i = 0; i < hour.length; i++) hour[i]! += ten[i]!;
  let before = lastEnd;
  const minutes = input.list(() => {
    before += input.integer() * MINUTE_MS;
    return { end: before, samples: input.count(), low: input.integer() / 1000, middle: input.integer() / 1000 };
  });
  return { tenStart, ten, tenBefore, tenCount: countOf(ten), beforeCount: tenBefore === null ? 0 : countOf(tenBefore), hourStart, hour, minutes, clockErrorUs: input.integer(), lastEnd };
}

/** `before`: the sighting of the session before, which this one's mostly is like. */
export function writeSession(out: ByteWriter, session: SessionState, before: Sighting | null, person: Person, dictionary: DatabasesDictionary): void {
  const { lastEnd } = session;
  writeName(out, session.sessionId);
  writeName(out, session.deviceId);
  out.integer(person.highestAt - lastEnd);
  out.integer(lastEnd - session.firstAt);
  out.count(session.late);
  for (const track of session.tracks) out.optional(track, (value) => writeTrack(out, value, lastEnd));
  out.count(session.clock);
  writeWord(out, session.sensor, SENSORS);
  const { input } = session;
  out.integer(tenOf(lastEnd) - input.tenStart);
  for (const count of [input.all, input.virtual, input.injected, input.allBefore, input.virtualBefore, input.injectedBefore]) out.count(count);
  out.optional(session.rhythm, (rhythm) => writeRhythmTrack(out, rhythm, lastEnd));
  out.optional(session.sighting, (sighting) => writeSighting(out, sighting, before, lastEnd, dictionary));
  out.optional(session.transport, (transport) => {
    out.textUnless(transport.key, keyOf(session.sighting));
    writeRtt(out, transport);
    out.count(transport.nearMinutes);
  });
  writeAssignment(out, session.assignment, null, person);
  writeVantage(out, session.vantage, null);
  out.optional(session.travel, (travel) => writeTravel(out, travel, lastEnd));
  out.optional(session.helpSince, (value) => out.integer(lastEnd - value));
  writeSignals(out, session);
  out.count(session.ordinal);
  out.plain(session.finding);
  out.plain(session.verdict);
}

function writeTravel(out: ByteWriter, travel: Travel, end: number): void {
  writeTime(out, travel.at, end);
  out.optionalText(travel.fromCountry);
  out.optionalText(travel.fromCity);
  out.optionalText(travel.toCountry);
  out.optionalText(travel.toCity);
  writeNumber(out, travel.distanceKm);
  writeNumber(out, travel.hours);
  out.flag(travel.soft);
}

function readTravel(input: ByteReader, end: number): Travel {
  const [at, text] = [readTime(input, end), () => input.optionalText()];
  return { at, fromCountry: text(), fromCity: text(), toCountry: text(), toCity: text(), distanceKm: readNumber(input), hours: readNumber(input), soft: input.flag() };
}

const keyOf = (sighting: Sighting | null): string => (sighting === null ? '' : `${sighting.sourceIp}|${sighting.vantageId}`);

/** Only the signals that hold something, each behind its number (from 1); 0 ends them. */
function writeSignals(out: ByteWriter, { signals, lastEnd }: SessionState): void {
  for (let i = 0; i < signals.length; i++) {
    const { held, reading } = signals[i]!;
    if (held === 0 && reading === null) continue;
    out.count(i + 1);
    writeNumber(out, held);
    out.optional(reading, (value) => writeReading(out, value, held, lastEnd));
  }
  out.count(0);
}

/** What is held mostly is the reading's own strength. */
function writeReading(out: ByteWriter, reading: Reading, held: number, end: number): void {
  const own = Object.is(reading.strength, held);
  out.flag(own);
  if (!own) writeNumber(out, reading.strength);
  out.flag(reading.ubiquitous);
  writeNumber(out, reading.observed);
  writeNumber(out, reading.expected);
  out.text(reading.unit);
  writeNumber(out, reading.samples);
  out.integer(end - reading.windowEnd);
  out.integer(reading.windowEnd - reading.windowStart);
  out.text(reading.explanation);
}

function readReading(input: ByteReader, held: number, end: number): Reading {
  const strength = input.flag() ? held : readNumber(input);
  const [ubiquitous, observed, expected, unit] = [input.flag(), readNumber(input), readNumber(input), input.text()];
  const [samples, windowEnd] = [readNumber(input), end - input.integer()];
  return { strength, ubiquitous, observed, expected, unit, samples, windowStart: windowEnd - input.integer(), windowEnd, explanation: input.text() };
}

export function readSession(input: ByteReader, before: Sighting | null, person: Person, dictionary: DatabasesDictionary): SessionState {
  const [sessionId, deviceId, lastEnd] = [readName(input), readName(input), person.highestAt - input.integer()];
  const session = newSession(sessionId, deviceId, lastEnd - input.integer());
  session.lastEnd = lastEnd;
  session.late = input.count();
  session.tracks = [input.optional(() => readTrack(input, lastEnd)), input.optional(() => readTrack(input, lastEnd))];
  session.clock = input.count() === 1 ? 1 : 0;
  session.sensor = readWord(input, SENSORS);
  const next = () => input.count();
  session.input = { tenStart: tenOf(lastEnd) - input.integer(), all: next(), virtual: next(), injected: next(), allBefore: next(), virtualBefore: next(), injectedBefore: next() };
  session.rhythm = input.optional(() => readRhythmTrack(input, lastEnd));
  session.sighting = input.optional(() => readSighting(input, before, lastEnd, dictionary));
  session.transport = input.optional<TransportState>(() => ({ key: input.textUnless(keyOf(session.sighting)), ...readRtt(input), nearMinutes: input.count() }));
  session.assignment = readAssignment(input, null, person);
  session.vantage = readVantage(input, null);
  session.travel = input.optional(() => readTravel(input, lastEnd));
  session.helpSince = input.optional(() => lastEnd - input.integer());
  readSignals(input, session);
  session.ordinal = input.count();
  session.finding = input.plain<OpenFinding | null>();
  session.verdict = input.plain<Verdict | null>();
  return session;
}

function readSignals(input: ByteReader, session: SessionState): void {
  for (let number = input.count(); number !== 0; number = input.count()) {
    assert(number <= session.signals.length, 'the state of a person holds an unknown signal');
    const held = readNumber(input);
    holdSignal(session, number - 1, { held, reading: input.optional(() => readReading(input, held, session.lastEnd)) });
  }
}
