/** Enriched events for the tests of this service: small scripts of one person's session, without simulator or databases. */
import { Prng } from '#lib/kernel/prng.ts';
import { floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { AddressFacts, Connection, DeviceAssignment, EnrichedConnection, EnrichedEvent, EnrichedKeystrokes, EventContext, KeystrokeLatency, Vantage } from '#schemas/records.ts';
import { detectConfigSchema } from './config.ts';
import { createPriorBaseline } from './model/baseline.ts';
import type { SignalParameters } from './model/view.ts';

export const START = Date.UTC(2026, 2, 2, 9);
export const config = detectConfigSchema.parse({});
export const parameters: SignalParameters = { config, baseline: createPriorBaseline(config), gateways: null, ways: null, couplings: null };

export const PLACES = {
  denver: { country: 'US', region: 'Colorado', city: 'Denver', latitude: 39.74, longitude: -104.99, timeZone: 'America/Denver' },
  chicago: { country: 'US', region: 'Illinois', city: 'Chicago', latitude: 41.88, longitude: -87.63, timeZone: 'America/Chicago' },
  warsaw: { country: 'PL', region: 'Mazovia', city: 'Warsaw', latitude: 52.23, longitude: 21.01, timeZone: 'Europe/Warsaw' },
} as const;
export type PlaceName = keyof typeof PLACES;

export const vantage: Vantage = { type: 'Vantage', vantageId: 'v-ashburn', latitude: 39.04, longitude: -77.49, name: 'Ashburn' };

function assignmentAt(place: PlaceName, deviceId: string, validFrom = START - 86_400_000): DeviceAssignment {
  return { type: 'DeviceAssignment', tenantId: 't', deviceId, userId: 'u', employment: 'CONTRACTOR', declared: { ...PLACES[place] }, shippedTo: null, validFrom, validTo: null };
}

export function address(ip: string, place: PlaceName | null, change: Partial<AddressFacts> = {}): AddressFacts {
  const at = place === null ? null : PLACES[place];
  return {
    ip,
    scope: 'PUBLIC',
    country: at?.country ?? null,
    region: at?.region ?? null,
    city: at?.city ?? null,
    latitude: at?.latitude ?? null,
    longitude: at?.longitude ?? null,
    asn: 64500,
    organisation: 'Example Cable',
    category: 'RESIDENTIAL',
    categoryReason: 'name:isp',
    policy: null,
    ...change,
  };
}

export interface Script {
  userId?: string;
  sessionId?: string;
  minutes?: number;
  seed?: number;
  startAt?: number;
  /** Gap before `handoverMinute` and after it, ms. */
  gapMs?: number;
  laterGapMs?: number;
  handoverMinute?: number;
  jitterMs?: number;
  rttMs?: number;
  /** Median interval between presses, ms, with a rhythm; without it the records tell no rhythm. From `strangerMinute` on, another. */
  paceMs?: number;
  strangerPaceMs?: number;
  strangerMinute?: number;
  source?: AddressFacts;
  declared?: PlaceName;
  keystrokes?: Partial<KeystrokeLatency>;
  connection?: Partial<Connection>;
  context?: Partial<EventContext>;
}

/** A session of steady typing: a keystroke record every 10 s, a connection record every minute. */
export function session(script: Script = {}): EnrichedEvent[] {
  const { userId = 'u', sessionId = `s-${userId}`, minutes = 12, seed = 1, startAt = START, gapMs = 4, jitterMs = 1.5, rttMs = 40, declared = 'denver' } = script;
  const prng = new Prng(seed, `${userId}/${sessionId}`);
  const deviceId = `d-${userId}`;
  const fingers = new Prng(seed, `${userId}/${sessionId}/fingers`);
  const context: EventContext = { assignment: assignmentAt(declared, deviceId), vantage, feedback: null, ...script.context };
  const source = script.source ?? address('198.51.100.7', declared);
  const events: EnrichedEvent[] = [];
  const head = (at: number, id: string) => ({ eventId: `${sessionId}-${id}`, tenantId: 't', sessionId, deviceId, userId, observedAt: at, vantageId: vantage.vantageId });
  for (let minute = 0; minute < minutes; minute++) {
    const gap = minute >= (script.handoverMinute ?? Infinity) ? (script.laterGapMs ?? gapMs) : gapMs;
    const at = startAt + minute * 60_000;
    const paceMs = minute >= (script.strangerMinute ?? Infinity) ? script.strangerPaceMs : script.paceMs;
    events.push(connection(head(at + 500, `c${minute}`), source, context, rttMs, script.connection, declared));
    for (let i = 0; i < 6; i++) {
      const latency = Array.from({ length: 20 }, () => Math.round((rttMs + gap + prng.exponential(jitterMs)) * 100) / 100);
      const event: KeystrokeLatency = {
        type: 'KeystrokeLatency',
        ...head(at + 1000 + i * 9800, `k${minute}-${i}`),
        intervalMs: 10_000,
        sensor: 'ENDPOINT_AGENT',
        latencyClock: 'ROUND_TRIP',
        clockErrorMs: 0,
        registrationLatencyMs: latency,
        ...rhythmOf(fingers, paceMs, latency.length),
        networkRttMs: rttMs,
        inputOrigin: 'HARDWARE',
        ...script.keystrokes,
      };
      events.push({ type: 'EnrichedKeystrokes', event, context } satisfies EnrichedKeystrokes);
    }
  }
  return events;
}

function rhythmOf(prng: Prng, paceMs: number | undefined, keys: number): Pick<KeystrokeLatency, 'interKeyMs' | 'holdMs'> {
  if (paceMs === undefined) return { interKeyMs: [], holdMs: [] };
  const interKeyMs = Array.from({ length: keys - 1 }, () => Math.round(prng.logNormal(paceMs, 0.45)));
  return { interKeyMs, holdMs: Array.from({ length: keys }, () => Math.round(prng.logNormal(paceMs * 0.55, 0.25))) };
}

type Head = Pick<Connection, 'eventId' | 'tenantId' | 'sessionId' | 'deviceId' | 'userId' | 'observedAt' | 'vantageId'>;

function connection(head: Head, source: AddressFacts, context: EventContext, rttMs: number, change: Partial<Connection> | undefined, declared: PlaceName): EnrichedConnection {
  const event: Connection = {
    type: 'Connection',
    ...head,
    phase: 'SAMPLE',
    sourceIp: source.ip,
    sourcePort: null,
    forwardedFor: [],
    hops: [],
    rttMinMs: rttMs - 0.5,
    rttMedianMs: rttMs,
    rttP95Ms: rttMs + 3,
    transport: 'TCP',
    mss: 1460,
    receivedTtl: 60,
    tlsFingerprint: null,
    osTimeZone: PLACES[declared].timeZone,
    remoteTools: [],
    inputDevices: [],
    displayEdid: null,
    ...change,
  };
  const place = PLACES[declared];
  const located = source.latitude !== null && source.longitude !== null;
  const sourceKm = located ? greatCircleKm(vantage.latitude, vantage.longitude, source.latitude!, source.longitude!) : null;
  return {
    type: 'EnrichedConnection',
    event,
    context,
    network: {
      source,
      forwardedFor: [],
      hops: event.hops.map(() => null),
      remotePeers: event.remoteTools.map(() => null),
      route: [],
      sourceDistanceKm: sourceKm,
      sourceFloorRttMs: sourceKm === null ? null : floorRttMs(sourceKm),
      declaredDistanceKm: greatCircleKm(vantage.latitude, vantage.longitude, place.latitude, place.longitude),
      sourceToDeclaredKm: located ? greatCircleKm(source.latitude!, source.longitude!, place.latitude, place.longitude) : null,
      databases: [],
    },
  };
}
