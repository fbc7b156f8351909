/** Findings for the tests of the forms: one that is plain, and arbitrary ones at the edges of what a finding may be. */
import fc from 'fast-check';
import type { Evidence, SuspiciousSession } from '#schemas/records.ts';
import { SAME_SEVERITY } from './severity.ts';
import type { FormatOptions } from './format.ts';

export const T0 = Date.UTC(2026, 2, 9, 9);
export const OPTIONS: FormatOptions = { severities: SAME_SEVERITY, thresholds: { LOW: 1.3, MEDIUM: 2.6, HIGH: 4.2, CRITICAL: 6 } };

const EVIDENCE: Evidence = {
  signal: 'hiddenLeg',
  family: 'latency',
  strength: 3.3,
  observed: 164.2,
  expected: 3.5,
  unit: 'ms',
  samples: 1180,
  windowStart: T0,
  windowEnd: T0 + 600_000,
  explanation: 'Keystrokes take 164.2 ms longer than the transport explains.',
};

export function findingWith(changes: Partial<SuspiciousSession> = {}): SuspiciousSession {
  return {
    type: 'SuspiciousSession',
    findingId: `f-${'0123456789abcdef'.repeat(2)}`,
    revision: 1,
    status: 'OPENED',
    tenantId: 'acme',
    sessionId: 's-1',
    deviceId: 'ws-1',
    userId: 'u-1',
    severity: 'MEDIUM',
    riskScore: 55,
    evidenceStrength: 3.3,
    firstSuspiciousAt: T0,
    windowStart: T0,
    windowEnd: T0 + 600_000,
    detectedAt: T0 + 660_000,
    closedAs: null,
    hypotheses: [{ hypothesis: 'REMOTE_OPERATOR', share: 1 }],
    evidence: [EVIDENCE],
    operatorDistanceKm: { lower: 4000, likely: 8000, upper: 16_057 },
    network: {
      sourceIp: '203.0.113.7', country: 'US', city: 'Reno', asn: 64_500, organisation: 'Example Cable',
      category: 'RESIDENTIAL', categoryReason: 'name:cable', hiddenHops: 0, databases: [{ name: 'asn', version: '1', builtAt: T0 }],
    },
    declared: { country: 'US', region: null, city: 'Reno', latitude: 39.5, longitude: -119.8, timeZone: null },
    rules: { name: 'farhand-default', version: '1', hash: 'abc' },
    recommendation: 'STEP_UP',
    ...changes,
  };
}

/** Text with what breaks formats: separators, line breaks, controls, lone surrogates, emoji. */
const nasty = (minLength = 0) =>
  fc.oneof(
    fc.string({ unit: 'binary', minLength, maxLength: 40 }),
    fc.constantFrom('a|b=c\\d', 'x\r\ny\nz', '\\', 'cs1=fake', '\u2028tail', '\ud800', '😀'.repeat(9), 'CEF:0|x|'),
  );
const time = fc.integer({ min: T0, max: T0 + 86_400_000 });
const number = fc.oneof(fc.double({ min: -1e6, max: 1e6, noNaN: true }), fc.constantFrom(0, 1e-9, 5e-324));
const orNull = <T>(of: fc.Arbitrary<T>) => fc.option(of, { nil: null, freq: 3 });

const evidence: fc.Arbitrary<Evidence> = fc.record({
  signal: nasty(1),
  family: fc.constantFrom('latency', 'rhythm', 'network', 'endpoint', 'time', 'fleet'),
  strength: number, observed: number, expected: number,
  unit: fc.constantFrom('ms', 'km/h', 'share', ''),
  samples: fc.nat(), windowStart: time, windowEnd: time, explanation: nasty(),
});

const network: fc.Arbitrary<NonNullable<SuspiciousSession['network']>> = fc.record({
  sourceIp: fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom('::1', '::ffff:192.0.2.1', 'fe80::1%eth0', '2001:db8::', '0000:0000:0000:0000:0000:ffff:192.168.100.228')),
  country: orNull(fc.constantFrom('US', 'DE')), city: orNull(nasty()), asn: orNull(fc.nat()), organisation: orNull(nasty()),
  category: fc.constantFrom('RESIDENTIAL', 'HOSTING', 'UNKNOWN'), categoryReason: nasty(), hiddenHops: fc.nat(30),
  databases: fc.array(fc.record({ name: nasty(), version: nasty(), builtAt: time }), { maxLength: 2 }),
});

const declared: fc.Arbitrary<NonNullable<SuspiciousSession['declared']>> = fc.record({
  country: fc.constant('US'), region: orNull(nasty()), city: orNull(nasty()),
  latitude: fc.double({ min: -90, max: 90, noNaN: true }), longitude: fc.double({ min: -180, max: 180, noNaN: true }), timeZone: orNull(fc.constant('Europe/Berlin')),
});

/** Shapes that detect may write; identifiers are never empty (ingest refuses those). */
export const anyFinding: fc.Arbitrary<SuspiciousSession> = fc
  .record({
    findingId: fc.stringMatching(/^f-[0-9a-f]{32}$/), revision: fc.integer({ min: 1, max: 200 }),
    status: fc.constantFrom('OPENED', 'ESCALATED', 'UPDATED', 'CLOSED'), closedAs: fc.constantFrom(null, 'EXPIRED', 'BENIGN', 'CONFIRMED'),
    tenantId: nasty(1), sessionId: nasty(1), deviceId: nasty(1), userId: nasty(1),
    severity: fc.constantFrom('LOW', 'MEDIUM', 'HIGH', 'CRITICAL'), recommendation: fc.constantFrom('OBSERVE', 'STEP_UP', 'ISOLATE'),
    riskScore: fc.double({ min: 0, max: 100, noNaN: true }), evidenceStrength: number,
    firstSuspiciousAt: time, windowStart: time, windowEnd: time, detectedAt: time,
    hypotheses: fc.array(fc.record({ hypothesis: fc.constantFrom('REMOTE_OPERATOR', 'VPN_OR_PROXY', 'DEVICE_ELSEWHERE', 'LAPTOP_FARM', 'SHARED_OPERATOR', 'ACCOUNT_HANDOVER'), share: fc.double({ min: 0, max: 1, noNaN: true }) }), { maxLength: 6 }),
    evidence: fc.array(evidence, { maxLength: 5 }),
    operatorDistanceKm: orNull(fc.record({ lower: number, likely: number, upper: number })),
    network: orNull(network), declared: orNull(declared),
  })
  .map((changes) => findingWith(changes as Partial<SuspiciousSession>));
