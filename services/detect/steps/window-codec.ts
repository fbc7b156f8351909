/** Open windows as bytes: what every event changes, so this is the hottest of the codecs. */
import { newRhythm } from '../model/rhythm.ts';
import { newSketch } from '../model/sketch.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { SENSORS, readTime, readWord, writeTime, writeWord } from './compact-codec.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { newWindow, type OpenWindow, type Person, type SessionState, type SourceRtt, type TransportState } from './person.ts';
import { readAssignment, readVantage, writeAssignment, writeVantage } from './reference-codec.ts';
import { readRhythm, writeRhythm } from './rhythm-codec.ts';
import { readSighting, writeSighting } from './sighting-codec.ts';

type Rtt = Omit<SourceRtt, 'sighting'> & Omit<TransportState, 'key'>;

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

const WITH_GAPS = 1;
const WITH_TWO_CLOCK_GAPS = 2;
const WITH_LATENCIES = 4;
const WITH_RHYTHM = 8;
const WITH_SENSOR = 16;
const WITH_FEEDBACK = 32;

function partsOf({ gaps: [first, second], latencies, rhythm, sensor, feedback }: OpenWindow): number {
  return (
    (first === null ? 0 : WITH_GAPS) | (second === null ? 0 : WITH_TWO_CLOCK_GAPS) | (latencies === null ? 0 : WITH_LATENCIES) |
    (rhythm === null ? 0 : WITH_RHYTHM) | (sensor === null ? 0 : WITH_SENSOR) | (feedback === null ? 0 : WITH_FEEDBACK)
  );
}

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
  const [first, second] = window.gaps;
  if (first !== null) out.packed(first);
  if (second !== null) out.packed(second);
  if (window.latencies !== null) out.packed(window.latencies);
  if (window.rhythm !== null) writeRhythm(out, window.rhythm);
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
  window.sources = input.list(() => ({ sighting: readSighting(input, session.sighting, window.start, dictionary), ...readRtt(input) }));
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
  const sketch = (part: number) => ((parts & part) === 0 ? null : input.packedInto(newSketch()));
  window.gaps = [sketch(WITH_GAPS), sketch(WITH_TWO_CLOCK_GAPS)];
  window.latencies = sketch(WITH_LATENCIES);
  if ((parts & WITH_RHYTHM) !== 0) window.rhythm = readRhythm(input, newRhythm());
  return window;
}
