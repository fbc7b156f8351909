/** The longest records that ingest lets through, for tests: every field at its bound, in characters of three bytes. */
import type { Connection, EventHead, KeystrokeLatency } from '#schemas/records.ts';
import { HOPS_MAX, IDENTIFIER_LENGTH_MAX, INTERVAL_MS_MAX, LATENCY_MS_MAX, LIST_MAX, SAMPLES_MAX, TEXT_LENGTH_MAX, UINT16_MAX } from './steps/limits.ts';

const identifier = (of: string): string => of.padEnd(IDENTIFIER_LENGTH_MAX, '長');
const TEXT = '長'.repeat(TEXT_LENGTH_MAX);
const address = (n: number): string => `0000:0000:0000:0000:0000:ffff:203.000.113.0`.replace(/203.*/, `203.100.${100 + (n % 100)}.${100 + Math.floor(n / 100)}`);
const many = <T>(count: number, make: (n: number) => T): T[] => Array.from({ length: count }, (_, n) => make(n));

/** One character is left free in userId, as it is the only field that a later stage may make longer. */
const head = (observedAt: number): Omit<EventHead, 'eventId'> => ({
  tenantId: identifier('t'), sessionId: identifier('s'), deviceId: identifier('d'), userId: 'u', vantageId: identifier('v'), observedAt,
});

export function longestConnection(observedAt: number): Connection {
  return {
    type: 'Connection', eventId: identifier('c'), ...head(observedAt), phase: 'SAMPLE', sourceIp: address(0), sourcePort: UINT16_MAX,
    forwardedFor: many(LIST_MAX, address), hops: many(HOPS_MAX, (n) => ({ ttl: n, ip: address(n), rttMs: LATENCY_MS_MAX })),
    rttMinMs: LATENCY_MS_MAX, rttMedianMs: LATENCY_MS_MAX, rttP95Ms: LATENCY_MS_MAX, transport: 'OTHER', mss: UINT16_MAX, receivedTtl: 255,
    tlsFingerprint: TEXT, osTimeZone: TEXT, remoteTools: many(LIST_MAX, (n) => ({ name: TEXT, peerIp: address(n), active: true })),
    inputDevices: many(LIST_MAX, () => TEXT), displayEdid: TEXT,
  };
}

export function longestKeystrokes(observedAt: number): KeystrokeLatency {
  const samples = many(SAMPLES_MAX, () => LATENCY_MS_MAX);
  return {
    type: 'KeystrokeLatency', eventId: identifier('k'), ...head(observedAt), intervalMs: INTERVAL_MS_MAX, sensor: 'ENDPOINT_AGENT', latencyClock: 'TWO_CLOCKS',
    clockErrorMs: LATENCY_MS_MAX, registrationLatencyMs: samples, interKeyMs: samples, holdMs: samples, networkRttMs: LATENCY_MS_MAX, inputOrigin: 'HARDWARE',
  };
}
