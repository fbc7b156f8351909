/**
 * What the report shows, gathered while the history runs past. Everything is bounded: findings, series and buckets;
 * what is beyond a bound is counted and said on the page.
 */
import type { Severity, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { sessionKey, type SessionLabel } from '../labels.ts';

/** Findings of the table; the first ones stay. */
const FINDINGS_MAX = 2000;
/** Sessions whose latency is drawn: labelled remote, or with a finding. */
const SERIES_MAX = 400;
const SERIES_POINTS_MAX = 600;
const TIMELINE_BUCKETS_MAX = 5000;
const TIMELINE_BUCKET_MS = 15 * 60_000;
const SERIES_BUCKET_MS = 10 * 60_000;
/** Latencies above are counted as this, ms. */
const LATENCY_MS_MAX = 2000;

export interface ReportFinding {
  readonly first: SuspiciousSession;
  latest: SuspiciousSession;
  highest: Severity;
  readonly label: SessionLabel | null;
}

/** Per 10 min of one session, ms: least 20% quantile of a record, mean of the records' medians, least round trip (NaN for none). */
export interface LatencySeries {
  readonly session: string;
  readonly label: SessionLabel | null;
  readonly points: Map<number, { lowMs: number; medianMs: number; rttMs: number; count: number }>;
}

export interface TimelineBucket {
  events: number;
  opened: Record<Severity, number>;
}

/** What has been gathered, as plain data that can be sent between threads. */
export interface ReportState {
  readonly findingsById: ReadonlyMap<string, ReportFinding>;
  readonly series: ReadonlyMap<string, LatencySeries>;
  readonly timeline: ReadonlyMap<number, TimelineBucket>;
  readonly fleet: ReadonlyMap<number, FleetBucket>;
  readonly findingsLeftOut: number;
}

export interface FleetBucket {
  /** Gap (registration latency − round trip) by whole ms. */
  readonly counts: Uint32Array;
  samples: number;
}

const FLEET_BUCKETS_MAX = 2000;

export class ReportData {
  readonly labels: ReadonlyMap<string, SessionLabel>;
  readonly findingsById = new Map<string, ReportFinding>();
  readonly series = new Map<string, LatencySeries>();
  readonly timeline = new Map<number, TimelineBucket>();
  readonly fleet = new Map<number, FleetBucket>();
  findingsLeftOut = 0;

  constructor(labels: ReadonlyMap<string, SessionLabel>) {
    this.labels = labels;
  }

  events(batch: readonly TelemetryEvent[]): void {
    for (const event of batch) {
      const bucket = this.#timelineBucket(event.observedAt);
      if (bucket !== null) bucket.events++;
      if (event.type !== 'KeystrokeLatency' || event.registrationLatencyMs.length === 0) continue;
      const sorted = Float64Array.from(event.registrationLatencyMs).sort();
      const low = sorted[Math.floor(sorted.length * 0.2)]!;
      if (event.networkRttMs !== null) this.#addGap(event.observedAt, low - event.networkRttMs);
      const key = sessionKey(event);
      const series = this.series.get(key) ?? (this.labels.get(key)?.remote ? this.#openSeries(key) : null);
      if (series !== null) addPoint(series, event.observedAt, low, sorted[sorted.length >> 1]!, event.networkRttMs ?? Number.NaN);
    }
  }

  findings(batch: readonly SuspiciousSession[]): void {
    for (const finding of batch) {
      const id = `${finding.tenantId}\u001f${finding.findingId}`;
      const known = this.findingsById.get(id);
      if (known !== undefined) {
        known.latest = finding;
        if (rank(finding.severity) > rank(known.highest)) known.highest = finding.severity;
        continue;
      }
      if (finding.status === 'OPENED') {
        const bucket = this.#timelineBucket(finding.detectedAt);
        if (bucket !== null) bucket.opened[finding.severity]++;
      }
      if (this.findingsById.size >= FINDINGS_MAX) {
        if (finding.status === 'OPENED') this.findingsLeftOut++;
        continue;
      }
      const key = sessionKey(finding);
      this.findingsById.set(id, { first: finding, latest: finding, highest: finding.severity, label: this.labels.get(key) ?? null });
      if (!this.series.has(key)) this.#openSeries(key);
    }
  }

  state(): ReportState {
    return { findingsById: this.findingsById, series: this.series, timeline: this.timeline, fleet: this.fleet, findingsLeftOut: this.findingsLeftOut };
  }

  /** Adds what the events of other lanes came to; findings are taken from `findings` alone. */
  absorb(other: ReportState): void {
    for (const [start, { events }] of other.timeline) {
      const bucket = this.#timelineBucket(start);
      if (bucket !== null) bucket.events += events;
    }
    for (const [start, { counts, samples }] of other.fleet) {
      const bucket = this.#fleetBucket(start);
      if (bucket === null) continue;
      for (let i = 0; i < counts.length; i++) bucket.counts[i]! += counts[i]!;
      bucket.samples += samples;
    }
    for (const [session, series] of other.series) if (!this.series.has(session) && this.series.size < SERIES_MAX) this.series.set(session, series);
  }

  #openSeries(session: string): LatencySeries | null {
    if (this.series.size >= SERIES_MAX) return null;
    const series: LatencySeries = { session, label: this.labels.get(session) ?? null, points: new Map() };
    this.series.set(session, series);
    return series;
  }

  #timelineBucket(at: number): TimelineBucket | null {
    const start = at - (at % TIMELINE_BUCKET_MS);
    let bucket = this.timeline.get(start);
    if (bucket === undefined) {
      if (this.timeline.size >= TIMELINE_BUCKETS_MAX) return null;
      bucket = { events: 0, opened: { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 } };
      this.timeline.set(start, bucket);
    }
    return bucket;
  }

  #fleetBucket(at: number): FleetBucket | null {
    const start = at - (at % TIMELINE_BUCKET_MS);
    let bucket = this.fleet.get(start);
    if (bucket === undefined) {
      if (this.fleet.size >= FLEET_BUCKETS_MAX) return null;
      bucket = { counts: new Uint32Array(LATENCY_MS_MAX + 1), samples: 0 };
      this.fleet.set(start, bucket);
    }
    return bucket;
  }

  #addGap(at: number, gapMs: number): void {
    const bucket = this.#fleetBucket(at);
    if (bucket === null) return;
    const slot = Math.min(LATENCY_MS_MAX, Math.max(0, Math.round(gapMs)));
    bucket.counts[slot] = bucket.counts[slot]! + 1;
    bucket.samples++;
  }
}

export function rank(severity: Severity): number {
  return ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'].indexOf(severity);
}

function addPoint(series: LatencySeries, at: number, low: number, median: number, rtt: number): void {
  const start = at - (at % SERIES_BUCKET_MS);
  const point = series.points.get(start);
  if (point === undefined) {
    if (series.points.size < SERIES_POINTS_MAX) series.points.set(start, { lowMs: low, medianMs: median, rttMs: rtt, count: 1 });
    return;
  }
  point.lowMs = Math.min(point.lowMs, low);
  point.medianMs += (median - point.medianMs) / ++point.count;
  if (!(point.rttMs <= rtt)) point.rttMs = Number.isNaN(rtt) ? point.rttMs : rtt;
}

/** The value below which `share` of a bucket's gaps lie, ms. */
export function gapQuantile(bucket: FleetBucket, share: number): number {
  let left = share * bucket.samples;
  for (let ms = 0; ms < bucket.counts.length; ms++) {
    left -= bucket.counts[ms]!;
    if (left <= 0) return ms;
  }
  return LATENCY_MS_MAX;
}
