/** Records for the tests of this service. */
import type { RawRecord } from '#lib/runner/task.ts';
import type { Connection, KeystrokeLatency, TelemetryEvent } from '#schemas/records.ts';
import type { TelemetryDecoder } from './steps/decode.ts';
import type { Item } from './steps/outcome.ts';

export const AT = Date.UTC(2026, 2, 2, 9);

export function keystrokes(change: Partial<KeystrokeLatency> = {}): KeystrokeLatency {
  return {
    type: 'KeystrokeLatency',
    eventId: 'e-1',
    tenantId: 'acme',
    sessionId: 's-1',
    deviceId: 'd-1',
    userId: 'ada',
    observedAt: AT,
    vantageId: 'v-1',
    intervalMs: 10_000,
    sensor: 'ENDPOINT_AGENT',
    latencyClock: 'ROUND_TRIP',
    clockErrorMs: 0,
    registrationLatencyMs: [30.5, 31, 29.25],
    interKeyMs: [180, 210.5],
    holdMs: [90, 95, 88],
    networkRttMs: 28,
    inputOrigin: 'HARDWARE',
    ...change,
  };
}

export function connection(change: Partial<Connection> = {}): Connection {
  return {
    type: 'Connection',
    eventId: 'c-1',
    tenantId: 'acme',
    sessionId: 's-1',
    deviceId: 'd-1',
    userId: 'ada',
    observedAt: AT,
    vantageId: 'v-1',
    phase: 'SAMPLE',
    sourceIp: '203.0.113.7',
    sourcePort: 50_123,
    forwardedFor: ['198.51.100.4', '2001:db8::1'],
    hops: [
      { ttl: 1, ip: '192.0.2.1', rttMs: 0.5 },
      { ttl: 2, ip: null, rttMs: null },
    ],
    rttMinMs: 27,
    rttMedianMs: 28,
    rttP95Ms: 35,
    transport: 'TCP',
    mss: 1460,
    receivedTtl: 52,
    tlsFingerprint: 't13d1516h2_8daaf6152771_b0da82dd1658',
    osTimeZone: 'America/New_York',
    remoteTools: [{ name: 'AnyDesk', peerIp: '198.51.100.9', active: false }],
    inputDevices: ['046d:c31c'],
    displayEdid: 'DEL41A8',
    ...change,
  };
}

export function item(event: TelemetryEvent, arrivedAt: number | null = null): Item {
  return { event, arrivedAt, raw: raw(new Uint8Array([1]), 1, arrivedAt), asItCame: true };
}

export function raw(value: Uint8Array | null, offset = 1, arrivedAt: number | null = null): RawRecord {
  return { topic: 'telemetry', partition: 0, offset, arrivedAt, key: null, value };
}

/** Hands out records that are decoded already; `offset` is the position in `events`. */
export function decoderOf(events: readonly TelemetryEvent[]): TelemetryDecoder {
  return {
    prepare: () => undefined,
    decode: (record) => ({ ok: true, event: events[record.offset]!, arrivedAt: record.arrivedAt }),
  };
}
