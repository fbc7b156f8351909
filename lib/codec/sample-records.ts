/** One small hand-made record of each type, for tests and golden bytes. All floats are exact in 32 bits. */
import type { AddressFacts, DeclaredPlace } from '#schemas/records.ts';
import type { RecordTypes } from './decoder.ts';

const HEAD = { eventId: 'e-1', tenantId: 'acme', sessionId: 's-1', deviceId: 'ws-7', userId: 'älice', vantageId: 'vdi-1' };
const T0 = 1_795_414_000_000;

const SEATTLE: DeclaredPlace = {
  country: 'US',
  region: 'Washington',
  city: 'Seattle',
  latitude: 47.6,
  longitude: -122.33,
  timeZone: 'America/Los_Angeles',
};

const keystrokes: RecordTypes['KeystrokeLatency'] = {
  type: 'KeystrokeLatency',
  eventId: HEAD.eventId,
  tenantId: HEAD.tenantId,
  sessionId: HEAD.sessionId,
  deviceId: HEAD.deviceId,
  userId: HEAD.userId,
  observedAt: T0,
  intervalMs: 10_000,
  vantageId: HEAD.vantageId,
  sensor: 'VDI_GATEWAY',
  latencyClock: 'TWO_CLOCKS',
  clockErrorMs: 1.5,
  registrationLatencyMs: [41.5, 42.25, 40],
  interKeyMs: [140.25, 161.5],
  holdMs: [80.5, 91, 77.75],
  networkRttMs: 38.25,
  inputOrigin: 'HARDWARE',
};

const connection: RecordTypes['Connection'] = {
  type: 'Connection',
  ...HEAD,
  eventId: 'e-2',
  observedAt: T0 + 1,
  phase: 'OPEN',
  sourceIp: '203.0.113.7',
  sourcePort: 51_234,
  forwardedFor: ['2001:db8::1', '198.51.100.9'],
  hops: [
    { ttl: 1, ip: '192.0.2.1', rttMs: 0.5 },
    { ttl: 2, ip: null, rttMs: null },
  ],
  rttMinMs: 36.5,
  rttMedianMs: 38.25,
  rttP95Ms: null,
  transport: 'QUIC',
  mss: 1_380,
  receivedTtl: null,
  tlsFingerprint: 't13d1516h2_8daaf6152771_b186095e22b6',
  osTimeZone: 'America/Los_Angeles',
  remoteTools: [{ name: 'AnyDesk', peerIp: null, active: true }],
  inputDevices: ['046d:c31c'],
  displayEdid: null,
};

const assignment: RecordTypes['DeviceAssignment'] = {
  type: 'DeviceAssignment',
  tenantId: 'acme',
  deviceId: 'ws-7',
  userId: 'älice',
  employment: 'CONTRACTOR',
  declared: SEATTLE,
  shippedTo: { ...SEATTLE, city: null, timeZone: null },
  validFrom: T0 - 86_400_000,
  validTo: null,
};

const vantage: RecordTypes['Vantage'] = { type: 'Vantage', vantageId: 'vdi-1', latitude: 33.45, longitude: -112.07, name: 'Phoenix' };

const feedback: RecordTypes['Feedback'] = {
  type: 'Feedback',
  tenantId: 'acme',
  sessionId: 's-1',
  findingId: null,
  verdict: 'BENIGN',
  reason: 'business trip',
  by: 'analyst-3',
  at: T0 + 5,
};

const address: AddressFacts = {
  ip: '203.0.113.7',
  scope: 'PUBLIC',
  country: 'US',
  region: null,
  city: 'Seattle',
  latitude: 47.5,
  longitude: -122.25,
  asn: 4_200_000_000,
  organisation: 'Example Net',
  category: 'RESIDENTIAL',
  categoryReason: 'name:isp',
  policy: { kind: 'TRUSTED_PARTNER', cidr: '203.0.113.0/24', latitude: null, longitude: null },
};
const databases = [{ name: 'city', version: '2026-06', builtAt: T0 - 1 }];

const network: RecordTypes['EnrichedConnection']['network'] = {
  source: address,
  forwardedFor: [{ ...address, policy: null, ip: '2001:db8::1' }, address],
  hops: [address, null],
  remotePeers: [null],
  route: [{ distanceKm: 1_790.5, floorRttMs: 17.92, rttStepMs: -0.25, toIp: '203.0.113.7' }],
  sourceDistanceKm: 1_790.5,
  sourceFloorRttMs: 17.92,
  declaredDistanceKm: 1_800,
  sourceToDeclaredKm: 11.5,
  databases,
};

const finding: RecordTypes['SuspiciousSession'] = {
  type: 'SuspiciousSession',
  findingId: 'f-1',
  revision: 2,
  status: 'ESCALATED',
  tenantId: 'acme',
  sessionId: 's-1',
  deviceId: 'ws-7',
  userId: 'älice',
  severity: 'HIGH',
  riskScore: 87.5,
  evidenceStrength: 6.25,
  firstSuspiciousAt: T0,
  windowStart: T0,
  windowEnd: T0 + 600_000,
  detectedAt: T0 + 600_000,
  closedAs: null,
  hypotheses: [
    { hypothesis: 'REMOTE_OPERATOR', share: 0.75 },
    { hypothesis: 'VPN_OR_PROXY', share: 0.25 },
  ],
  evidence: [
    {
      signal: 'hidden-leg',
      family: 'latency',
      strength: 4.5,
      observed: 112.5,
      expected: 6.25,
      unit: 'ms',
      samples: 420,
      windowStart: T0,
      windowEnd: T0 + 600_000,
      explanation: 'Keystrokes registered 112.5 ms after they should have; peers need 6.25 ms.',
    },
  ],
  operatorDistanceKm: { lower: 4_000, likely: 8_500, upper: 11_242.1 },
  network: {
    sourceIp: '203.0.113.7',
    country: 'US',
    city: null,
    asn: 64_500,
    organisation: null,
    category: 'HOSTING',
    categoryReason: 'asn:hosting',
    hiddenHops: 3,
    databases,
  },
  declared: SEATTLE,
  rules: { name: 'default', version: '1', hash: 'abc123' },
  recommendation: 'ISOLATE',
};

export const SAMPLE_RECORDS: { readonly [N in keyof RecordTypes]: RecordTypes[N] } = {
  KeystrokeLatency: keystrokes,
  Connection: connection,
  DeviceAssignment: assignment,
  Vantage: vantage,
  NetworkPolicy: {
    type: 'NetworkPolicy',
    tenantId: 'acme',
    cidr: '203.0.113.0/24',
    kind: 'TRUSTED_PARTNER',
    latitude: 47.5,
    longitude: null,
    note: null,
    validTo: 1_780_000_000_000,
  },
  Feedback: feedback,
  SuspiciousSession: finding,
  EnrichedKeystrokes: { type: 'EnrichedKeystrokes', event: keystrokes, context: { assignment, vantage, feedback: null } },
  EnrichedConnection: { type: 'EnrichedConnection', event: connection, context: { assignment: null, vantage, feedback }, network },
  DeadLetter: {
    type: 'DeadLetter',
    reason: 'UNDECODABLE',
    detail: 'Connection.hops: cut off',
    topic: 'telemetry.connection.v1',
    partition: 3,
    offset: 4_503_599_627_370_495,
    arrivedAt: null,
    key: Buffer.from('acme|älice'),
    value: Buffer.from([0, 0, 0, 0, 2, 255]),
  },
  FleetReport: {
    type: 'FleetReport',
    subject: 'EGRESS|acme|198.51.100.7',
    kind: 'EGRESS',
    tenantId: 'acme',
    userId: 'älice',
    deviceId: 'd-1',
    windowStart: 1_772_442_000_000,
    minutes: [1_073_741_823, 5],
    values: [0, 397, -1049, 123_456],
  },
  FleetFact: {
    type: 'FleetFact',
    subject: 'EGRESS|acme|198.51.100.7',
    kind: 'EGRESS',
    tenantId: 'acme',
    userId: 'älice',
    windowEnd: 1_772_445_600_000,
    effectiveAt: 1_772_449_200_000,
    values: [5, 5, 3, -412],
  },
  FleetProgress: { type: 'FleetProgress', from: 3, of: 12, throughAt: 1_772_445_600_000, frontAt: 1_772_447_400_000 },
};
