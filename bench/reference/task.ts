/**
 * The reference job of the engines that the bench compares with, on Farhand's runner: what the runner, the log and the decoders
 * cost without Farhand's own detection. Telemetry in; rejects to dead letters; repeats within ten minutes dropped; addresses looked
 * up; windows of a minute by event time; a JSON finding the first time that a window's CUSUM passes its threshold.
 */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Emitter, RawRecord, Task } from '#lib/runner/task.ts';
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import type { Connection, KeystrokeLatency, TelemetryEvent } from '#schemas/records.ts';
import { partsOf } from '#lib/runner/parts.ts';
import type { AddressBook } from '../../services/enrich/address-book.ts';
import { jsonCodec } from '../../services/detect/fleet/exchange.ts';
import { EventMemory } from '../../services/ingest/dedupe/memory-of-events.ts';
import { isIpLiteral } from '../../services/ingest/steps/addresses.ts';
import { connectedCodec, distanceOf, placeOf, type Connected, type Place } from './place.ts';
import { Window, windowsCodec } from './window.ts';

const WINDOW_MS = 60_000;
const GRACE_MS = 30_000;
const REPEAT_MS = 600_000;
/** Buckets of ten minutes that ids are remembered in, and ids at most: beyond what arrives in that time. */
const REPEATS = { duplicateBucketMs: REPEAT_MS, duplicateBucketsMax: 4, duplicateEntriesMax: 4_000_000 };
const SLACK_MS = 10;
const ALPHA_RTT = 0.2;

export const REFERENCE_OUTPUTS = { findings: 'findings', rejects: 'rejects' } as const;

export interface ReferenceTaskParts {
  readonly state: TaskState;
  readonly decoder: RecordDecoder<TelemetryEvent>;
  readonly addresses: AddressBook;
  /** Called as a batch begins. */
  readonly onBatch?: () => void;
}

const isTime = (value: number): boolean => value >= 0;

function isValid(event: TelemetryEvent): boolean {
  if (event.sessionId === '') return false;
  if (event.type === 'KeystrokeLatency') return event.registrationLatencyMs.every(isTime) && (event.networkRttMs === null || isTime(event.networkRttMs));
  return isIpLiteral(event.sourceIp) && event.forwardedFor.every(isIpLiteral) && event.hops.every(({ ip }) => ip === null || isIpLiteral(ip));
}

class ReferenceJob {
  readonly #decoder: RecordDecoder<TelemetryEvent>;
  readonly #addresses: AddressBook;
  readonly #seen: EventMemory;
  readonly #connected: KeyedStore<Connected>;
  readonly #windows: KeyedStore<Window[]>;
  readonly #times: KeyedStore<number>;
  /** Event time of the task, as the peers count it: the latest of its records. */
  #streamTime = -Infinity;

  constructor({ state, decoder, addresses }: ReferenceTaskParts) {
    this.#decoder = decoder;
    this.#addresses = addresses;
    this.#seen = new EventMemory(state, REPEATS);
    this.#connected = state.keyed('connected', connectedCodec);
    this.#windows = state.keyed('windows', windowsCodec);
    this.#times = state.keyed('time', jsonCodec<number>());
  }

  process(batch: readonly RawRecord[], emitter: Emitter): void {
    if (this.#streamTime === -Infinity) this.#streamTime = this.#times.get('') ?? -Infinity;
    for (const part of partsOf(batch)) {
      for (const record of part) this.#take(record, emitter);
      this.#seen.endBatch();
    }
    if (this.#streamTime !== -Infinity) this.#times.set('', this.#streamTime);
  }

  #take(record: RawRecord, emitter: Emitter): void {
    const decoded = this.#decoder.decode(record);
    if (!decoded.ok || !isValid(decoded.event)) {
      emitter.emit(REFERENCE_OUTPUTS.rejects, record.key, record.value ?? new Uint8Array(0), record.arrivedAt ?? 0);
      return;
    }
    const { event } = decoded;
    this.#streamTime = Math.max(this.#streamTime, event.observedAt);
    if (!this.#seen.isFirst(event.tenantId, event.eventId, event.observedAt)) return;
    if (event.type === 'Connection') this.#connection(event);
    else this.#keystrokes(event, record.key, emitter);
  }

  #connection(event: Connection): void {
    const last = this.#connected.get(event.sessionId)?.rttMs ?? NaN;
    const place = (ip: string): Place => placeOf(this.#addresses.describe(ip));
    const source = place(event.sourceIp);
    const path = event.forwardedFor.map(place);
    for (const { ip } of event.hops) if (ip !== null) path.push(place(ip));
    const { rttMinMs: rtt } = event;
    const rttMs = rtt === null ? last : Number.isNaN(last) ? rtt : last + ALPHA_RTT * (rtt - last);
    this.#connected.set(event.sessionId, { source, path, rttMs, distanceKm: distanceOf(source) });
  }

  #keystrokes(event: KeystrokeLatency, key: Uint8Array | null, emitter: Emitter): void {
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

function findingOf(event: KeystrokeLatency, { source, path, rttMs, distanceKm }: Connected, window: Window, expectedMs: number): unknown {
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

export function createReferenceTask(parts: ReferenceTaskParts): Task {
  const job = new ReferenceJob(parts);
  return {
    process(batch, emitter) {
      parts.onBatch?.();
      const waiting = parts.decoder.prepare(batch);
      if (waiting === undefined) return job.process(batch, emitter);
      return waiting.then(() => job.process(batch, emitter));
    },
    flush() {
      // Findings leave at the first crossing: nothing waits for the end.
    },
  };
}
