/** Takes one event into the open window of its minute. Everything here is independent of the order of events. */
import type { KeystrokeLatency } from '#schemas/records.ts';
import { addKeystrokes } from '../model/rhythm.ts';
import { newSighting, sightAgain, sightFacts, type Sighting } from '../model/sighting.ts';
import { addValue, type Sketch } from '../model/sketch.ts';
import { digests, isConnection, type ConnectionRecord, type DetectEvent, type KeystrokeRecord } from './digest.ts';
import { NO_SOURCES, SOURCES_PER_WINDOW_MAX, type OpenWindow, type SourceRtt } from './person.ts';
import { GAPS, LATENCIES, TWO_CLOCK_GAPS, tally, type GapKind } from './tally.ts';

/** "Latest" is by event time, then by id: the same in every order of arrival. */
export const isLater = (at: number, id: string, thanAt: number, thanId: string): boolean => at > thanAt || (at === thanAt && id > thanId);

export function observe(window: OpenWindow, record: DetectEvent): void {
  const { event, context } = record;
  window.events++;
  if (isLater(event.observedAt, event.eventId, window.latestAt, window.latestId)) {
    window.latestAt = event.observedAt;
    window.latestId = event.eventId;
    window.deviceId = event.deviceId;
    window.assignment = context.assignment;
    window.vantage = context.vantage;
  }
  const { feedback } = context;
  if (feedback !== null && (window.feedback === null || isLater(feedback.at, feedback.verdict, window.feedback.at, window.feedback.verdict))) window.feedback = feedback;
  if (isConnection(record)) observeConnection(window, record);
  else observeKeystrokes(window, record);
}

/** Where sketches are found. */
interface Gaps {
  sketch(kind: GapKind): Sketch;
}

const kindOf = ({ networkRttMs, latencyClock }: KeystrokeLatency): GapKind => (networkRttMs === null ? LATENCIES : latencyClock === 'TWO_CLOCKS' ? TWO_CLOCK_GAPS : GAPS);

/** Adds the gaps of a record to the sketch of their kind; answers how many keystrokes it has. A digest is read up to its rhythm. */
export function observeGaps(gaps: Gaps, record: KeystrokeRecord): number {
  const { event } = record;
  if (record.type === 'DigestedKeystrokes') {
    const keys = digests.open(record);
    if (keys > 0) digests.addGaps(gaps.sketch(kindOf(event)));
    return keys;
  }
  const { registrationLatencyMs, networkRttMs, latencyClock } = event;
  const keys = registrationLatencyMs.length;
  if (keys === 0) return 0;
  const sketch = gaps.sketch(kindOf(event));
  const explained = networkRttMs === null ? 0 : latencyClock === 'TWO_CLOCKS' ? networkRttMs / 2 : networkRttMs;
  for (let i = 0; i < keys; i++) addValue(sketch, registrationLatencyMs[i]! - explained);
  return keys;
}

function observeKeystrokes(window: OpenWindow, record: KeystrokeRecord): void {
  const { event } = record;
  tally.takeOut(window);
  const keys = observeGaps(tally, record);
  window.keystrokes += keys;
  if (event.inputOrigin === 'VIRTUAL') window.virtualInput += keys;
  else if (event.inputOrigin === 'INJECTED') window.injectedInput += keys;
  if (record.type === 'DigestedKeystrokes') {
    if (digests.hasRhythm()) digests.addRhythm(tally.beginRhythm());
    // What software injects is no typing.
  } else if (event.interKeyMs.length > 0 && event.inputOrigin !== 'INJECTED') addKeystrokes(tally.beginRhythm(), event);
  tally.putBack(window);
  const errorUs = Math.round(event.clockErrorMs * 1000);
  if (event.latencyClock === 'TWO_CLOCKS' && errorUs > window.clockErrorUs) window.clockErrorUs = errorUs;
  if (isLater(event.observedAt, event.eventId, window.sensorAt, window.sensorId)) {
    window.sensor = event.sensor;
    window.sensorAt = event.observedAt;
    window.sensorId = event.eventId;
  }
  if (event.networkRttMs === null) return;
  const rttUs = Math.round(event.networkRttMs * 1000);
  if (window.rttCount === 0 || rttUs < window.rttLeastUs) window.rttLeastUs = rttUs;
  window.rttCount++;
  if (window.rttVantageId === null) window.rttVantageId = event.vantageId;
  else if (window.rttVantageId !== event.vantageId) window.rttVantageId = '*';
}

/** Keeps the two lowest of all minima. */
export function foldLeast(target: { samples: number; leastUs: number; secondUs: number }, us: number): void {
  if (target.samples === 0 || us < target.leastUs) {
    target.secondUs = target.samples === 0 ? us : target.leastUs;
    target.leastUs = us;
  } else if (target.samples === 1 || us < target.secondUs) target.secondUs = us;
  target.samples++;
}

function observeConnection(window: OpenWindow, record: ConnectionRecord): void {
  const { event } = record;
  const source = sourceOf(window, record);
  if (source === null) return;
  const { rttMinMs, rttMedianMs, rttP95Ms } = event;
  if (rttMinMs !== null) foldLeast(source, Math.round(rttMinMs * 1000));
  if (rttMinMs === null || rttMedianMs === null || rttP95Ms === null) return;
  source.medianUs += Math.round(rttMedianMs * 1000);
  source.lowerSpreadUs += Math.max(0, Math.round((rttMedianMs - rttMinMs) * 1000));
  source.upperSpreadUs += Math.max(0, Math.round((rttP95Ms - rttMedianMs) * 1000));
  source.spreadSamples++;
}

/**
 * The window's entry for the record's source and vantage, with the latest sighting of each. When there are too many, the
 * smallest keys stay: a key that was pushed out can never return, so what stays is complete in every order of arrival.
 */
function sourceOf(window: OpenWindow, record: ConnectionRecord): SourceRtt | null {
  const { event } = record;
  const { sources } = window;
  let largest = -1;
  for (let i = 0; i < sources.length; i++) {
    const source = sources[i]!;
    const order = compareKeys(source.sighting, event);
    if (order === 0) {
      if (isLater(event.observedAt, event.eventId, source.sighting.at, source.sighting.eventId)) sight(source.sighting, record);
      return source;
    }
    if (largest < 0 || compareKeys(source.sighting, sources[largest]!.sighting) > 0) largest = i;
  }
  if (sources.length >= SOURCES_PER_WINDOW_MAX) {
    if (compareKeys(sources[largest]!.sighting, event) < 0) return null;
    sources.splice(largest, 1);
  }
  const sighting = newSighting(event);
  sight(sighting, record);
  const source: SourceRtt = { sighting, samples: 0, leastUs: 0, secondUs: 0, lowerSpreadUs: 0, upperSpreadUs: 0, medianUs: 0, spreadSamples: 0 };
  if (sources === NO_SOURCES) window.sources = [source];
  else sources.push(source);
  return source;
}

function sight(sighting: Sighting, record: ConnectionRecord): void {
  if (record.type === 'DigestedConnection') sightFacts(sighting, record.event, record.facts, record.databases);
  else sightAgain(sighting, record);
}

interface SourceKey {
  sourceIp: string;
  vantageId: string;
}

function compareKeys(a: SourceKey, b: SourceKey): number {
  if (a.sourceIp !== b.sourceIp) return a.sourceIp < b.sourceIp ? -1 : 1;
  if (a.vantageId !== b.vantageId) return a.vantageId < b.vantageId ? -1 : 1;
  return 0;
}
