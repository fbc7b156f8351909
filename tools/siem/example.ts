/** A finding as the workers publish it, for `farhand siem --example` and the documentation. The person is invented. */
import type { SuspiciousSession } from '#schemas/records.ts';

const OPENED_AT = Date.UTC(2026, 2, 9, 15, 4);
const MINUTE_MS = 60_000;

export const EXAMPLE: SuspiciousSession = {
  type: 'SuspiciousSession',
  findingId: 'f-5a1f0c3be29d47c88a6e0b7d91c2f4e3',
  revision: 2,
  status: 'ESCALATED',
  tenantId: 'acme',
  sessionId: 's-2026-03-09-0117',
  deviceId: 'ws-0117',
  userId: 'j.doe',
  severity: 'HIGH',
  riskScore: 84,
  evidenceStrength: 4.907,
  firstSuspiciousAt: OPENED_AT,
  windowStart: OPENED_AT,
  windowEnd: OPENED_AT + 21 * MINUTE_MS,
  detectedAt: OPENED_AT + 21 * MINUTE_MS,
  closedAs: null,
  hypotheses: [
    { hypothesis: 'REMOTE_OPERATOR', share: 0.928 },
    { hypothesis: 'VPN_OR_PROXY', share: 0.072 },
  ],
  evidence: [
    {
      signal: 'hiddenLeg',
      family: 'latency',
      strength: 3.3,
      observed: 164.2,
      expected: 8.5,
      unit: 'ms',
      samples: 1180,
      windowStart: OPENED_AT,
      windowEnd: OPENED_AT + 21 * MINUTE_MS,
      explanation: 'In all but one of the last 6 minutes of typing (1,180 keystrokes) 80% of the keystrokes were registered at least 164 ms later than the network round trip explains; 90% of honest machines stay below 8.5 ms and a share of 4.0e-5 reaches this gap (configured prior), which is consistent with a further leg behind the workstation.',
    },
    {
      signal: 'remoteControl',
      family: 'endpoint',
      strength: 3.523,
      observed: 1,
      expected: 0,
      unit: 'devices',
      samples: 1,
      windowStart: OPENED_AT + 4 * MINUTE_MS,
      windowEnd: OPENED_AT + 21 * MINUTE_MS,
      explanation: 'An input device identifies itself as Linux composite gadget (PiKVM, TinyPilot, JetKVM), which can drive a computer from outside; about 0.3 of 1,000 honest session-days show as much.',
    },
  ],
  operatorDistanceKm: { lower: 5200, likely: 9400, upper: 16_057 },
  network: {
    sourceIp: '203.0.113.24',
    country: 'US',
    city: 'Phoenix',
    asn: 64_500,
    organisation: 'Example Cable',
    category: 'RESIDENTIAL',
    categoryReason: 'name:cable',
    hiddenHops: 2,
    databases: [{ name: 'dbip-city', version: '2026-06', builtAt: Date.UTC(2026, 5, 5) }],
  },
  declared: { country: 'US', region: 'Arizona', city: 'Tempe', latitude: 33.42, longitude: -111.94, timeZone: 'America/Phoenix' },
  rules: { name: 'farhand-default', version: '1', hash: '7d0c9e1f4a52' },
  recommendation: 'ISOLATE',
};
