/** What the events of a session have in common, written once a block: the event itself, without what is its own or is not looked at any more. */
import type { Connection, KeystrokeLatency } from '#schemas/records.ts';

/** The last head by session, of either kind. */
export type Heads = Map<string, { keystrokes: KeystrokeLatency | null; connection: Connection | null }>;

function known(heads: Heads, sessionId: string) {
  let head = heads.get(sessionId);
  if (head === undefined) heads.set(sessionId, (head = { keystrokes: null, connection: null }));
  return head;
}

type Names = Pick<KeystrokeLatency, 'tenantId' | 'deviceId' | 'userId' | 'vantageId'>;

const sameNames = (a: Names, b: Names): boolean => a.userId === b.userId && a.deviceId === b.deviceId && a.vantageId === b.vantageId && a.tenantId === b.tenantId;

/** The same object for as long as it stays the same. */
export function headOfKeystrokes(event: KeystrokeLatency, heads: Heads): KeystrokeLatency {
  const last = known(heads, event.sessionId);
  const head = last.keystrokes;
  if (head !== null && sameNames(head, event) && head.sensor === event.sensor && head.latencyClock === event.latencyClock && head.inputOrigin === event.inputOrigin) return head;
  return (last.keystrokes = { ...event, eventId: '', observedAt: 0, intervalMs: 0, clockErrorMs: 0, networkRttMs: null, registrationLatencyMs: [], interKeyMs: [], holdMs: [] });
}

export function headOfConnection(event: Connection, heads: Heads): Connection {
  const last = known(heads, event.sessionId);
  const head = last.connection;
  if (head !== null && sameNames(head, event) && head.sourceIp === event.sourceIp) return head;
  const lists = { forwardedFor: [], hops: [], remoteTools: [], inputDevices: [] };
  const hints = { phase: 'SAMPLE', sourcePort: null, transport: 'OTHER', mss: null, receivedTtl: null, tlsFingerprint: null, osTimeZone: null, displayEdid: null } as const;
  return (last.connection = { ...event, eventId: '', observedAt: 0, rttMinMs: null, rttMedianMs: null, rttP95Ms: null, ...hints, ...lists });
}
