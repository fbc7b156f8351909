/**
 * The records of the contract as TypeScript sees them. The Avro files beside this one are the source of truth for
 * names and types; `records.test.ts` holds both together. Times are UTC epoch milliseconds, durations milliseconds,
 * distances kilometres, coordinates WGS-84 degrees.
 *
 * `type` is not an Avro field: it is the record's name, set by the decoder and by the NDJSON form, and discriminates.
 */

export type Sensor = 'ENDPOINT_AGENT' | 'VDI_GATEWAY' | 'WEB_APP' | 'BASTION';
export type LatencyClock = 'ROUND_TRIP' | 'TWO_CLOCKS';
export type InputOrigin = 'HARDWARE' | 'VIRTUAL' | 'INJECTED' | 'UNKNOWN';
export type Phase = 'OPEN' | 'SAMPLE' | 'CLOSE';
export type Transport = 'TCP' | 'QUIC' | 'UDP' | 'OTHER';

export interface EventHead {
  eventId: string;
  tenantId: string;
  sessionId: string;
  deviceId: string;
  userId: string;
  /** End of the interval on the sensor's clock: the event time. */
  observedAt: number;
  vantageId: string;
}

export interface KeystrokeLatency extends EventHead {
  type: 'KeystrokeLatency';
  intervalMs: number;
  sensor: Sensor;
  latencyClock: LatencyClock;
  /** Upper bound of the clock error, ms; 0 for ROUND_TRIP. */
  clockErrorMs: number;
  registrationLatencyMs: number[];
  interKeyMs: number[];
  holdMs: number[];
  networkRttMs: number | null;
  inputOrigin: InputOrigin;
}

export interface Hop {
  ttl: number;
  ip: string | null;
  rttMs: number | null;
}

export interface RemoteTool {
  name: string;
  peerIp: string | null;
  active: boolean;
}

export interface Connection extends EventHead {
  type: 'Connection';
  phase: Phase;
  sourceIp: string;
  sourcePort: number | null;
  forwardedFor: string[];
  hops: Hop[];
  rttMinMs: number | null;
  rttMedianMs: number | null;
  rttP95Ms: number | null;
  transport: Transport;
  mss: number | null;
  receivedTtl: number | null;
  tlsFingerprint: string | null;
  osTimeZone: string | null;
  remoteTools: RemoteTool[];
  inputDevices: string[];
  displayEdid: string | null;
}

export type TelemetryEvent = KeystrokeLatency | Connection;

export type Employment = 'EMPLOYEE' | 'CONTRACTOR' | 'SUBCONTRACTOR';

export interface DeclaredPlace {
  country: string;
  region: string | null;
  city: string | null;
  latitude: number;
  longitude: number;
  timeZone: string | null;
}

export interface DeviceAssignment {
  type: 'DeviceAssignment';
  tenantId: string;
  deviceId: string;
  userId: string;
  employment: Employment;
  declared: DeclaredPlace;
  shippedTo: DeclaredPlace | null;
  validFrom: number;
  validTo: number | null;
}

export interface Vantage {
  type: 'Vantage';
  vantageId: string;
  latitude: number;
  longitude: number;
  name: string;
}

export type PolicyKind = 'CORPORATE_EGRESS' | 'TRUSTED_PARTNER' | 'BLOCKED';

export interface NetworkPolicy {
  type: 'NetworkPolicy';
  tenantId: string;
  cidr: string;
  kind: PolicyKind;
  latitude: number | null;
  longitude: number | null;
  note: string | null;
  /** When it ends, exclusive, by event time; null: never. */
  validTo: number | null;
}

export type Verdict = 'CONFIRMED' | 'BENIGN';

export interface Feedback {
  type: 'Feedback';
  tenantId: string;
  sessionId: string | null;
  findingId: string | null;
  verdict: Verdict;
  reason: string | null;
  by: string;
  at: number;
}

export type ReferenceRecord = DeviceAssignment | Vantage | NetworkPolicy | Feedback;
export type HistoryRecord = TelemetryEvent | ReferenceRecord;

export type NetworkCategory =
  | 'RESIDENTIAL'
  | 'HOSTING'
  | 'VPN'
  | 'TOR'
  | 'MOBILE'
  | 'BUSINESS'
  | 'EDUCATION'
  | 'UNKNOWN';

/** What an address is before any database is asked (RFC 6890 and its registries). */
export type AddressScope =
  | 'PUBLIC'
  | 'PRIVATE'
  | 'CGNAT'
  | 'LOOPBACK'
  | 'LINK_LOCAL'
  | 'BOGON';

/** One address, enriched. Every field but `ip` and `scope` is empty where nothing is known. */
export interface AddressFacts {
  ip: string;
  scope: AddressScope;
  country: string | null;
  region: string | null;
  city: string | null;
  latitude: number | null;
  longitude: number | null;
  asn: number | null;
  organisation: string | null;
  category: NetworkCategory;
  /** Why this category won, for example `feed:vpn`, `asn:hosting`, `name:university`, `override`. */
  categoryReason: string;
  policy: { kind: PolicyKind; cidr: string; latitude: number | null; longitude: number | null } | null;
}

/** One leg of the route from the vantage towards the client: vantage → hops → source → forwardedFor (nearest first). */
export interface RouteLeg {
  /** Great-circle distance between the two located ends, km; null where an end has no place. */
  distanceKm: number | null;
  /** Least round trip that ⅔c allows over that distance (distance / 99.93 km per ms), ms. */
  floorRttMs: number | null;
  /** Measured RTT step between the two ends, ms; null where it was not measured. May be negative. */
  rttStepMs: number | null;
  toIp: string;
}

export interface DatabaseVersion {
  name: string;
  version: string;
  /** When the database was built, epoch ms. */
  builtAt: number;
}

/** Reference data as it stood at the event's time; null where the reference data does not know it. */
export interface EventContext {
  assignment: DeviceAssignment | null;
  vantage: Vantage | null;
  feedback: Feedback | null;
}

export interface NetworkFacts {
  source: AddressFacts;
  /** In the order of `forwardedFor`: client side first. */
  forwardedFor: AddressFacts[];
  /** In the order of `hops`; null where the hop did not answer. */
  hops: (AddressFacts | null)[];
  /** Peers of the remote tools, in the order of `remoteTools`; null where there is no peer. */
  remotePeers: (AddressFacts | null)[];
  route: RouteLeg[];
  /** Vantage → source, km. */
  sourceDistanceKm: number | null;
  /** ⅔c floor of the round trip vantage ↔ source, ms. */
  sourceFloorRttMs: number | null;
  /** Vantage → declared place, km. */
  declaredDistanceKm: number | null;
  /** Source → declared place, km. */
  sourceToDeclaredKm: number | null;
  databases: DatabaseVersion[];
}

export interface EnrichedKeystrokes {
  type: 'EnrichedKeystrokes';
  event: KeystrokeLatency;
  context: EventContext;
}

export interface EnrichedConnection {
  type: 'EnrichedConnection';
  event: Connection;
  context: EventContext;
  network: NetworkFacts;
}

export type EnrichedEvent = EnrichedKeystrokes | EnrichedConnection;

export type FindingStatus = 'OPENED' | 'ESCALATED' | 'UPDATED' | 'CLOSED';
export type Severity = 'LOW' | 'MEDIUM' | 'HIGH' | 'CRITICAL';
export type Hypothesis =
  | 'REMOTE_OPERATOR'
  | 'VPN_OR_PROXY'
  | 'DEVICE_ELSEWHERE'
  | 'LAPTOP_FARM'
  | 'SHARED_OPERATOR'
  | 'ACCOUNT_HANDOVER';
export type Recommendation = 'OBSERVE' | 'STEP_UP' | 'ISOLATE';
export type SignalFamily = 'latency' | 'rhythm' | 'network' | 'endpoint' | 'time' | 'fleet';

export interface Evidence {
  signal: string;
  family: SignalFamily;
  /** log10 of the evidence against "the session is what was declared". */
  strength: number;
  observed: number;
  expected: number;
  unit: string;
  samples: number;
  windowStart: number;
  windowEnd: number;
  /** One English sentence with the numbers. */
  explanation: string;
}

export interface FindingNetwork {
  sourceIp: string;
  country: string | null;
  city: string | null;
  asn: number | null;
  organisation: string | null;
  category: NetworkCategory;
  categoryReason: string;
  /** Hops of the measured path that gave no answer or no public address. */
  hiddenHops: number;
  databases: DatabaseVersion[];
}

export interface SuspiciousSession {
  type: 'SuspiciousSession';
  findingId: string;
  revision: number;
  status: FindingStatus;
  tenantId: string;
  sessionId: string;
  deviceId: string;
  userId: string;
  severity: Severity;
  riskScore: number;
  evidenceStrength: number;
  firstSuspiciousAt: number;
  windowStart: number;
  windowEnd: number;
  detectedAt: number;
  closedAs: 'EXPIRED' | 'BENIGN' | 'CONFIRMED' | null;
  hypotheses: { hypothesis: Hypothesis; share: number }[];
  evidence: Evidence[];
  operatorDistanceKm: { lower: number; likely: number; upper: number } | null;
  network: FindingNetwork | null;
  declared: DeclaredPlace | null;
  rules: { name: string; version: string; hash: string };
  recommendation: Recommendation;
}

/** Reasons are stable: SIEM rules and dashboards are built on them. Documented in docs/errors.md. */
export type DeadLetterReason =
  | 'UNDECODABLE'
  | 'UNKNOWN_SCHEMA'
  | 'UNKNOWN_TYPE'
  | 'NOT_JSON'
  | 'MISSING_FIELD'
  | 'WRONG_TYPE'
  | 'IDENTIFIER_LENGTH'
  | 'LATENCY_RANGE'
  | 'ARRAY_TOO_LONG'
  | 'INVALID_ADDRESS'
  | 'OUT_OF_RANGE'
  | 'CLOCK_AHEAD'
  | 'TOO_LARGE'
  | 'EMPTY'
  /** An operator took a record that stopped a worker out of its way: farhand dead-letter set-aside. */
  | 'SET_ASIDE';

export interface DeadLetter {
  type: 'DeadLetter';
  reason: DeadLetterReason;
  /** Which field and what was allowed; never the content of a value longer than 64 characters. */
  detail: string;
  /** Kafka topic, or the file's path in a replay. */
  topic: string;
  partition: number;
  /** Kafka offset; in a text file the line number, in a container the record's number, both counted from 1. */
  offset: number;
  /** Arrival, epoch ms; null where unknown. */
  arrivedAt: number | null;
  key: Uint8Array | null;
  /** The original bytes, unchanged. */
  value: Uint8Array;
}

/** What one person's hour contributes to a subject that several people share (internal). */
export interface FleetReport {
  type: 'FleetReport';
  subject: string;
  /** One of FLEET_KINDS of services/detect/fleet/subjects.ts. */
  kind: string;
  tenantId: string;
  userId: string;
  /** The workstation; of COHORT and EVIDENCE the session. */
  deviceId: string;
  /** Start of the hour. */
  windowStart: number;
  /** Minutes with typing, two words of 30 bits; may be empty. */
  minutes: number[];
  values: number[];
}

/** What the exchange answers (internal). */
export interface FleetFact {
  type: 'FleetFact';
  subject: string;
  kind: string;
  /** Both are empty where the fact is for everybody. */
  tenantId: string;
  userId: string;
  windowEnd: number;
  effectiveAt: number;
  values: number[];
}

/** A watermark that travels with the records (internal). */
export interface FleetProgress {
  type: 'FleetProgress';
  from: number;
  of: number;
  throughAt: number;
  frontAt: number;
}
