/**
 * The steps of the reference job of the engines that the bench compares with, on Farhand's parts: rejects, and repeats within ten minutes
 * dropped; addresses looked up; windows of a minute by event time; a JSON finding the first time that a window's CUSUM passes its threshold.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import type { Connection, KeystrokeLatency, TelemetryEvent } from '#schemas/records.ts';
import type { AddressBook } from '../../services/enrich/address-book.ts';
import { EventMemory } from '../../services/ingest/dedupe/memory-of-events.ts';
import { isIpLiteral } from '../../services/ingest/steps/addresses.ts';
import { connectedCodec, distanceOf, readPath, writePath, type Connected, type Place } from './place.ts';
import { Window, windowsCodec } from './window.ts';

const WINDOW_MS = 60_000;
const GRACE_MS = 30_000;
const REPEAT_MS = 600_000;
/** Buckets of ten minutes that ids are remembered in, and ids at most: beyond what arrives in that time. */
const REPEATS = { duplicateBucketMs: REPEAT_MS, duplicateBucketsMax: 4, duplicateEntriesMax: 4_000_000 };
const SLACK_MS = 10;
const ALPHA_RTT = 0.2;

export const REFERENCE_OUTPUTS = { findings: 'findings', rejects: 'rejects' } as const;

const isTime = (value: number): boolean => value >= 0;

function isValid(event: TelemetryEvent): boolean {
  if (event.sessionId === '') return false;
  if (event.type === 'KeystrokeLatency') return event.registrationLatencyMs.every(isTime) && (event.networkRttMs === null || isTime(event.networkRttMs));
  return isIpLiteral(event.sourceIp) && event.forwardedFor.every(isIpLiteral) && event.hops.every(({ ip }) => ip === null || isIpLiteral(ip));
}

/** What lets events in: valid ones, each once. */
export class Gate {
  readonly #decoder: RecordDecoder<TelemetryEvent>;
  readonly #seen: EventMemory;

  constructor(state: TaskState, decoder: RecordDecoder<TelemetryEvent>) {
    this.#decoder = decoder;
    this.#seen = new EventMemory(state, REPEATS);
  }

  /** Null where it is not valid: then it has gone to the rejects. */
  read(record: RawRecord, emitter: Emitter): TelemetryEvent | null {
    const decoded = this.#decoder.decode(record);
    if (decoded.ok && isValid(decoded.event)) return decoded.event;
    emitter.emit(REFERENCE_OUTPUTS.rejects, record.key, record.value ?? new Uint8Array(0), record.arrivedAt ?? 0);
    return null;
  }

  isFirst({ tenantId, eventId, observedAt }: TelemetryEvent): boolean {
    return this.#seen.isFirst(tenantId, eventId, observedAt);
  }

  endPart(): void {
    this.#seen.endBatch();
  }
}

/** What a connection says, without what came before it: its round trip is its own. */
export function locate({ sourceIp, forwardedFor, hops, rttMinMs }: Connection, addresses: AddressBook): Connected {
  const source = addresses.describe(sourceIp);
  const path = forwardedFor.map((ip) => addresses.describe(ip));
  for (const { ip } of hops) if (ip !== null) path.push(addresses.describe(ip));
  return { path: writePath(source, path), rttMs: rttMinMs ?? NaN, distanceKm: distanceOf(source) };
}

/** The windows of the sessions of a task. */
export class Fold {
  readonly #connected: KeyedStore<Connected>;
  readonly #windows: KeyedStore<Window[]>;
  readonly #times: KeyedStore<number>;
  /** Event time of the task, as the peers count it: the latest of its records. */
  #streamTime = -Infinity;

  constructor(state: TaskState) {
    this.#connected = state.keyed('connected', connectedCodec);
    this.#windows = state.keyed('windows', windowsCodec);
    this.#times = state.keyed('time', jsonCodec<number>());
  }

  beginBatch(): void {
    if (this.#streamTime === -Infinity) this.#streamTime = this.#times.get('') ?? -Infinity;
  }

  endBatch(): void {
    if (this.#streamTime !== -Infinity) this.#times.set('', this.#streamTime);
  }

  reach(observedAt: number): void {
    this.#streamTime = Math.max(this.#streamTime, observedAt);
  }

  connection(sessionId: string, located: Connected): void {
    const last = this.#connected.get(sessionId)?.rttMs ?? NaN;
    const rtt = located.rttMs;
    const rttMs = Number.isNaN(rtt) ? last : Number.isNaN(last) ? rtt : last + ALPHA_RTT * (rtt - last);
    this.#connected.set(sessionId, { path: located.path.slice(), distanceKm: located.distanceKm, rttMs });
  }

  keystrokes(event: KeystrokeLatency, key: Uint8Array | null, emitter: Emitter): void {
    const start = event.observedAt - (event.observedAt % WINDOW_MS);
    if (start + WINDOW_MS + GRACE_MS <= this.#streamTime) return;
    const connected = this.#connected.get(event.sessionId);
    const windows = (this.#windows.get(event.sessionId) ?? []).filter((kept) => kept.start + WINDOW_MS + GRACE_MS > this.#streamTime);
    let window = windows.find((kept) => kept.start === start);
    if (window === undefined) windows.push((window = new Window(start)));
    const rtt = event.networkRttMs ?? 0;
    const expected = connected === undefined ? NaN : 20 + 0.015 * connected.distanceKm;
    let fires = false;
    for (const latency of event.registrationLatencyMs) {
      const value = latency - rtt;
      window.add(value);
      if (!Number.isNaN(expected) && window.passes(value - expected - SLACK_MS)) fires = true;
    }
    this.#windows.set(event.sessionId, windows);
    if (fires) emitter.emit(REFERENCE_OUTPUTS.findings, key, Buffer.from(JSON.stringify(findingOf(event, connected!, window, expected))), event.observedAt);
  }
}

function findingOf(event: KeystrokeLatency, { path: bytes, rttMs, distanceKm }: Connected, window: Window, expectedMs: number): unknown {
  const { source, path } = readPath(bytes);
  const { tenantId, sessionId, deviceId, userId, observedAt } = event;
  const network = ({ ip, country, city, organisation, asn }: Place) => ({ ip, country, city, organisation, asn });
  return {
    findingId: `${sessionId}:${window.start}`,
    tenantId,
    sessionId,
    deviceId,
    userId,
    windowStart: window.start,
    windowEnd: window.start + WINDOW_MS,
    detectedAt: observedAt,
    cusumMs: Math.fround(window.cusumMs),
    samples: window.samples,
    ewmaMs: Math.fround(window.ewmaMs),
    p50Ms: Math.fround(window.quantileMs(0.5)),
    p95Ms: Math.fround(window.quantileMs(0.95)),
    expectedMs: Math.fround(expectedMs),
    rttMinMs: Math.fround(rttMs),
    distanceKm: Math.fround(distanceKm),
    network: network(source),
    path: path.map(network),
  };
}
