/** Open windows as bytes: what every event changes, so this is the hottest of the codecs. */
import type { ByteReader, ByteWriter } from './bytes.ts';
import { SENSORS, readTime, readWord, writeTime, writeWord } from './compact-codec.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { newWindow, type OpenWindow, type Person, type SessionState, type SourceRtt, type TransportState } from './person.ts';
import { readAssignment, readVantage, writeAssignment, writeVantage } from './reference-codec.ts';
import { readRhythm, writeRhythm } from './rhythm-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';
import { GAP_KINDS, WITH_RHYTHM, tally } from './tally.ts';

type Rtt = Omit<SourceRtt, 'sighting'> & Omit<TransportState, 'key' | 'nearMinutes'>;

export function writeRtt(out: ByteWriter, rtt: Rtt): void {
  out.integer(rtt.samples);
  out.integer(rtt.leastUs);
  out.integer(rtt.secondUs);
  out.integer(rtt.lowerSpreadUs);
  out.integer(rtt.upperSpreadUs);
  out.integer(rtt.medianUs);
  out.integer(rtt.spreadSamples);
}

export function readRtt(input: ByteReader): Rtt {
  const next = () => input.integer();
  return { samples: next(), leastUs: next(), secondUs: next(), lowerSpreadUs: next(), upperSpreadUs: next(), medianUs: next(), spreadSamples: next() };
}

/** Beside the parts of a tally. */
const WITH_SENSOR = 16;
const WITH_FEEDBACK = 32;

const partsOf = ({ parts, sensor, feedback }: OpenWindow): number => parts | (sensor === null ? 0 : WITH_SENSOR) | (feedback === null ? 0 : WITH_FEEDBACK);

/** The session's own parts stand for themselves: whoever reads has the session by then. */
export function writeWindow(out: ByteWriter, window: OpenWindow, session: SessionState, person: Person, dictionary: DatabasesDictionary): void {
  const parts = partsOf(window);
  out.integer(window.start);
  out.count(parts);
  out.count(window.events);
  writeTime(out, window.latestAt, window.start);
  out.text(window.latestId);
  out.textUnless(window.deviceId, session.deviceId);
  writeAssignment(out, window.assignment, session.assignment, person);
  writeVantage(out, window.vantage, session.vantage);
  out.count(window.sources.length);
  for (const source of window.sources) {
    writeSighting(out, source.sighting, session.sighting, window.start, dictionary);
    writeRtt(out, source);
  }
  if (window.feedback !== null) out.plain(window.feedback);
  // The rest is of keystrokes.
  if (window.sensor === null) return;
  writeWord(out, window.sensor, SENSORS);
  writeTime(out, window.sensorAt, window.start);
  out.textUnless(window.sensorId, window.latestId);
  out.count(window.keystrokes);
  out.count(window.virtualInput);
  out.count(window.injectedInput);
  out.integer(window.clockErrorUs);
  out.integer(window.rttLeastUs);
  out.count(window.rttCount);
  out.textUnless(window.rttVantageId ?? '', window.vantage?.vantageId ?? '');
  tally.takeOut(window);
  for (const kind of GAP_KINDS) if (tally.has(kind)) out.packed(tally.sketch(kind));
  const { rhythm } = tally;
  if (rhythm !== null) writeRhythm(out, rhythm);
}

export function readWindow(input: ByteReader, session: SessionState, person: Person, dictionary: DatabasesDictionary): OpenWindow {
  const window = newWindow(input.integer());
  const parts = input.count();
  window.events = input.count();
  window.latestAt = readTime(input, window.start);
  window.latestId = input.text();
  window.deviceId = input.textUnless(session.deviceId);
  window.assignment = readAssignment(input, session.assignment, person);
  window.vantage = readVantage(input, session.vantage);
  const sources = input.list(() => ({ sighting: readSighting(input, session.sighting, window.start, dictionary), ...readRtt(input) }));
  if (sources.length > 0) window.sources = sources;
  if ((parts & WITH_FEEDBACK) !== 0) window.feedback = input.plain();
  if ((parts & WITH_SENSOR) === 0) return window;
  window.sensor = readWord(input, SENSORS);
  window.sensorAt = readTime(input, window.start);
  window.sensorId = input.textUnless(window.latestId);
  window.keystrokes = input.count();
  window.virtualInput = input.count();
  window.injectedInput = input.count();
  window.clockErrorUs = input.integer();
  window.rttLeastUs = input.integer();
  window.rttCount = input.count();
  window.rttVantageId = input.textUnless(window.vantage?.vantageId ?? '') || null;
  tally.takeOut(window);
  for (const kind of GAP_KINDS) if ((parts & (1 << kind)) !== 0) input.packedInto(tally.sketch(kind));
  if ((parts & WITH_RHYTHM) !== 0) readRhythm(input, tally.beginRhythm());
  tally.putBack(window);
  return window;
}
