/**
 * What the report draws of a session: its latency over time, and where it came from. A session is followed from its first
 * event, because nobody knows yet whether something will be found about it, and is let go when it has been silent for a
 * day without a reason to keep it; so memory is bounded by the sessions of two days and those that are kept.
 */
import { isConnection, latencyFigures, type ConnectionRecord, type DetectEvent } from '../../../services/detect/steps/digest.ts';
import { sessionKey } from '../labels.ts';

const POINT_MS = 10 * 60_000;
const POINTS_MAX = 600;
/** Source addresses of one session that are told apart. */
const PLACES_MAX = 8;
const SILENT_MS = 24 * 3_600_000;
const SWEEP_EVERY_MS = 6 * 3_600_000;

/** Of 10 minutes, ms: least low quantile of a record, sum of the records' medians, least round trip (NaN for none). */
export interface LatencyPoint {
  lowMs: number;
  medianSumMs: number;
  rttMs: number;
  records: number;
}

export interface TrackedPlace {
  readonly ip: string;
  readonly latitude: number;
  readonly longitude: number;
  readonly name: string;
  firstAt: number;
}

export interface Track {
  lastAt: number;
  readonly points: Map<number, LatencyPoint>;
  /** Places of source addresses, and of the last vantage. */
  places: TrackedPlace[];
  vantage: { readonly latitude: number; readonly longitude: number; readonly name: string } | null;
}

export class Tracks {
  readonly #tracks = new Map<string, Track>();
  readonly #isKept: (key: string) => boolean;
  #highestAt = -Infinity;
  #sweptAt = -Infinity;

  constructor(isKept: (key: string) => boolean) {
    this.#isKept = isKept;
  }

  get(key: string): Track | null {
    return this.#tracks.get(key) ?? null;
  }

  /** @param gapOf is told the gap of each keystroke record that has one: low latency − round trip, ms */
  take(batch: readonly DetectEvent[], gapOf: (at: number, gapMs: number) => void): void {
    for (const record of batch) {
      const { observedAt } = record.event;
      if (observedAt > this.#highestAt) this.#highestAt = observedAt;
      const track = this.#of(sessionKey(record.event));
      if (observedAt > track.lastAt) track.lastAt = observedAt;
      if (isConnection(record)) addPlace(track, record);
      else {
        const { networkRttMs } = record.event;
        const figures = latencyFigures(record);
        if (figures === null) continue;
        if (networkRttMs !== null) gapOf(observedAt, figures.lowMs - networkRttMs);
        addPoint(track, observedAt, figures.lowMs, figures.medianMs, networkRttMs ?? Number.NaN);
      }
      if (record.context.vantage !== null) track.vantage = record.context.vantage;
    }
    if (this.#highestAt - this.#sweptAt >= SWEEP_EVERY_MS) this.#sweep();
  }

  /** Of the sessions that are kept. */
  state(): ReadonlyMap<string, Track> {
    return new Map([...this.#tracks].filter(([key]) => this.#isKept(key)));
  }

  /** All events of a session are seen by one worker; should two have seen some, the one that saw more points stays. */
  absorb(other: ReadonlyMap<string, Track>): void {
    for (const [key, track] of other) if (track.points.size >= (this.#tracks.get(key)?.points.size ?? 0)) this.#tracks.set(key, track);
  }

  #of(key: string): Track {
    let track = this.#tracks.get(key);
    if (track === undefined) this.#tracks.set(key, (track = { lastAt: -Infinity, points: new Map(), places: [], vantage: null }));
    return track;
  }

  #sweep(): void {
    this.#sweptAt = this.#highestAt;
    for (const [key, track] of this.#tracks) if (track.lastAt < this.#highestAt - SILENT_MS && !this.#isKept(key)) this.#tracks.delete(key);
  }
}

function addPoint(track: Track, at: number, low: number, median: number, rtt: number): void {
  const start = Math.floor(at / POINT_MS) * POINT_MS;
  const point = track.points.get(start);
  if (point === undefined) {
    if (track.points.size < POINTS_MAX) track.points.set(start, { lowMs: low, medianSumMs: median, rttMs: rtt, records: 1 });
    return;
  }
  point.lowMs = Math.min(point.lowMs, low);
  point.medianSumMs += median;
  point.records++;
  if (!(point.rttMs <= rtt) && !Number.isNaN(rtt)) point.rttMs = rtt;
}

function addPlace(track: Track, record: ConnectionRecord): void {
  const { event } = record;
  const { latitude, longitude, city, country } = record.type === 'DigestedConnection' ? record.facts : record.network.source;
  if (latitude === null || longitude === null) return;
  const known = track.places.find(({ ip }) => ip === event.sourceIp);
  if (known !== undefined) known.firstAt = Math.min(known.firstAt, event.observedAt);
  else if (track.places.length < PLACES_MAX) track.places.push({ ip: event.sourceIp, latitude, longitude, name: [city, country].filter((part) => part !== null).join(', '), firstAt: event.observedAt });
}
