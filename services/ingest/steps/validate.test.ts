import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TelemetryEvent } from '#schemas/records.ts';
import { AT, connection, item, keystrokes } from '../test-records.ts';
import { createValidateStep, validateRecord } from './validate.ts';

const FIVE_MINUTES_MS = 300_000;
const verdict = (event: TelemetryEvent, arrivedAt: number | null = null) => validateRecord(item(event, arrivedAt), FIVE_MINUTES_MS);
const wild = <T>(value: unknown) => value as T;

describe('validation of telemetry', () => {
  it('lets valid records pass', () => {
    expect(verdict(keystrokes())).toBeNull();
    expect(verdict(connection())).toBeNull();
    expect(verdict(keystrokes({ registrationLatencyMs: [], interKeyMs: [], holdMs: [], networkRttMs: null }))).toBeNull();
    expect(verdict(keystrokes({ registrationLatencyMs: [0, 60_000] }))).toBeNull();
    expect(verdict(keystrokes({ eventId: 'x'.repeat(256), registrationLatencyMs: Array(512).fill(1) }))).toBeNull();
    expect(verdict(connection({ sourceIp: '::ffff:192.0.2.1', sourcePort: null, rttMinMs: null, mss: null, displayEdid: null }))).toBeNull();
  });

  it.each([
    ['LATENCY_RANGE', 'registrationLatencyMs[1]', keystrokes({ registrationLatencyMs: [1, 60_000.5] })],
    ['LATENCY_RANGE', 'registrationLatencyMs[0]', keystrokes({ registrationLatencyMs: [Number.NaN] })],
    ['LATENCY_RANGE', 'interKeyMs[0]', keystrokes({ interKeyMs: [-0.1] })],
    ['LATENCY_RANGE', 'holdMs[0]', keystrokes({ holdMs: [Number.POSITIVE_INFINITY] })],
    ['LATENCY_RANGE', 'networkRttMs', keystrokes({ networkRttMs: 60_001 })],
    ['LATENCY_RANGE', 'clockErrorMs', keystrokes({ clockErrorMs: -1 })],
    ['LATENCY_RANGE', 'rttP95Ms', connection({ rttP95Ms: Number.NaN })],
    ['LATENCY_RANGE', 'hops[0].rttMs', connection({ hops: [{ ttl: 1, ip: null, rttMs: -3 }] })],
    ['ARRAY_TOO_LONG', 'holdMs', keystrokes({ holdMs: Array(513).fill(1) })],
    ['ARRAY_TOO_LONG', 'hops', connection({ hops: Array(256).fill({ ttl: 1, ip: null, rttMs: null }) })],
    ['ARRAY_TOO_LONG', 'forwardedFor', connection({ forwardedFor: Array(65).fill('192.0.2.1') })],
    ['ARRAY_TOO_LONG', 'inputDevices', connection({ inputDevices: Array(65).fill('046d:c31c') })],
    ['OUT_OF_RANGE', 'tenantId', keystrokes({ tenantId: 'acme|eu' })],
    ['OUT_OF_RANGE', 'tenantId', connection({ tenantId: 'acme\u001f1' })],
    ['IDENTIFIER_LENGTH', 'eventId', keystrokes({ eventId: '' })],
    ['IDENTIFIER_LENGTH', 'userId', keystrokes({ userId: 'u'.repeat(257) })],
    ['IDENTIFIER_LENGTH', 'vantageId', connection({ vantageId: wild(null) })],
    ['INVALID_ADDRESS', 'sourceIp', connection({ sourceIp: '203.0.113.256' })],
    ['INVALID_ADDRESS', 'forwardedFor[1]', connection({ forwardedFor: ['192.0.2.1', 'unknown'] })],
    ['INVALID_ADDRESS', 'hops[0].ip', connection({ hops: [{ ttl: 1, ip: 'fe80::1%eth0', rttMs: 1 }] })],
    ['INVALID_ADDRESS', 'remoteTools[0].peerIp', connection({ remoteTools: [{ name: 'x', peerIp: '1.2.3.4:80', active: true }] })],
    ['OUT_OF_RANGE', 'observedAt', keystrokes({ observedAt: 0 })],
    ['OUT_OF_RANGE', 'observedAt', keystrokes({ observedAt: AT + 0.5 })],
    ['OUT_OF_RANGE', 'observedAt', keystrokes({ observedAt: 8.64e15 + 2 })],
    ['OUT_OF_RANGE', 'intervalMs', keystrokes({ intervalMs: 0 })],
    ['OUT_OF_RANGE', 'intervalMs', keystrokes({ intervalMs: 60_001 })],
    ['OUT_OF_RANGE', 'sensor', keystrokes({ sensor: wild('PHONE') })],
    ['OUT_OF_RANGE', 'latencyClock', keystrokes({ latencyClock: wild('NONE') })],
    ['OUT_OF_RANGE', 'inputOrigin', keystrokes({ inputOrigin: wild('') })],
    ['OUT_OF_RANGE', 'phase', connection({ phase: wild('MIDDLE') })],
    ['OUT_OF_RANGE', 'transport', connection({ transport: wild('SCTP') })],
    ['OUT_OF_RANGE', 'sourcePort', connection({ sourcePort: 65_536 })],
    ['OUT_OF_RANGE', 'mss', connection({ mss: -1 })],
    ['OUT_OF_RANGE', 'receivedTtl', connection({ receivedTtl: 256 })],
    ['OUT_OF_RANGE', 'hops[0].ttl', connection({ hops: [{ ttl: 1.5, ip: null, rttMs: null }] })],
    ['OUT_OF_RANGE', 'osTimeZone', connection({ osTimeZone: 'z'.repeat(257) })],
    ['WRONG_TYPE', 'holdMs', keystrokes({ holdMs: wild('no list') })],
    ['WRONG_TYPE', 'remoteTools[0].active', connection({ remoteTools: [{ name: 'x', peerIp: null, active: wild('yes') }] })],
  ] as const)('rejects with %s and names %s', (reason, field, event) => {
    const found = verdict(event);
    expect(found?.reason).toBe(reason);
    expect(found?.detail.startsWith(`${field} `)).toBe(true);
  });

  it.each([1, 999, 30_001, 60_000])('takes an interval of %i ms, outside of the usual 1 to 30 s', (intervalMs) => {
    expect(verdict(keystrokes({ intervalMs }))).toBeNull();
  });

  it('rejects a time that is more than five minutes ahead of the arrival, and only where the arrival is known', () => {
    expect(verdict(keystrokes({ observedAt: AT + FIVE_MINUTES_MS }), AT)).toBeNull();
    expect(verdict(keystrokes({ observedAt: AT + FIVE_MINUTES_MS + 1 }), AT)?.reason).toBe('CLOCK_AHEAD');
    expect(verdict(keystrokes({ observedAt: AT + 1e12 }), null)).toBeNull();
    expect(verdict(keystrokes({ observedAt: AT - 1e10 }), AT)).toBeNull();
  });

  it('never quotes long values in the detail', () => {
    const detail = verdict(connection({ sourceIp: `secret-${'s'.repeat(300)}` }))!.detail;
    expect(detail).not.toContain('secret');
    expect(detail).toContain('307 characters');
  });

  it('answers something for any shape of garbage and never throws', () => {
    const field = fc.constantFrom(...Object.keys(keystrokes()), ...Object.keys(connection()));
    fc.assert(
      fc.property(fc.boolean(), field, fc.anything(), (typed, name, value) => {
        if (name === 'type') return;
        const event = { ...(typed ? keystrokes() : connection()), [name]: value } as TelemetryEvent;
        const found = verdict(event);
        expect(found === null || found.kind === 'deadLetter').toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('answers one outcome per record, in order, and nothing where all pass', () => {
    const step = createValidateStep({ clockAheadMsMax: FIVE_MINUTES_MS });
    const kinds = step([item(keystrokes()), item(keystrokes({ intervalMs: -1 })), item(connection())])!.map((outcome) => outcome.kind);
    expect(kinds).toEqual(['ok', 'deadLetter', 'ok']);
    expect(step([item(keystrokes()), item(connection())])).toBeNull();
  });
});
