/** Records and reference data for the tests of this service. */
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import type { Connection, KeystrokeLatency, ReferenceRecord } from '#schemas/records.ts';

export const AT = Date.UTC(2026, 2, 2, 9);
export const FRANKFURT = { latitude: 50.11, longitude: 8.68 };
export const NEW_YORK = { latitude: 40.71, longitude: -74.01 };

const head = { tenantId: 'acme', sessionId: 's-1', deviceId: 'd-1', userId: 'ada', observedAt: AT, vantageId: 'fra' };

export function keystrokes(change: Partial<KeystrokeLatency> = {}): KeystrokeLatency {
  return {
    type: 'KeystrokeLatency',
    eventId: 'k-1',
    ...head,
    intervalMs: 10_000,
    sensor: 'VDI_GATEWAY',
    latencyClock: 'ROUND_TRIP',
    clockErrorMs: 0,
    registrationLatencyMs: [30.5, 31],
    interKeyMs: [180],
    holdMs: [90, 95],
    networkRttMs: 28,
    inputOrigin: 'HARDWARE',
    ...change,
  };
}

export function connection(change: Partial<Connection> = {}): Connection {
  return {
    type: 'Connection',
    eventId: 'c-1',
    ...head,
    phase: 'SAMPLE',
    sourceIp: '134.93.178.2',
    sourcePort: 50_123,
    forwardedFor: [],
    hops: [],
    rttMinMs: 27,
    rttMedianMs: 28,
    rttP95Ms: 35,
    transport: 'TCP',
    mss: 1460,
    receivedTtl: 52,
    tlsFingerprint: null,
    osTimeZone: null,
    remoteTools: [],
    inputDevices: [],
    displayEdid: null,
    ...change,
  };
}

const REFERENCE: ReferenceRecord[] = [
  { type: 'Vantage', vantageId: 'fra', name: 'Frankfurt', ...FRANKFURT },
  {
    type: 'DeviceAssignment',
    tenantId: 'acme',
    deviceId: 'd-1',
    userId: 'ada',
    employment: 'CONTRACTOR',
    declared: { country: 'US', region: 'New York', city: 'New York', ...NEW_YORK, timeZone: 'America/New_York' },
    shippedTo: null,
    validFrom: 0,
    validTo: null,
  },
];

export function referenceWith(...records: ReferenceRecord[]): MemoryReference {
  const reference = createMemoryReference();
  reference.apply([...REFERENCE, ...records]);
  return reference;
}
