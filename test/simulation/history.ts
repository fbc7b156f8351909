/**
 * What the sensors send in a simulation: half an hour of a small simulated fleet, everybody's working day moved to the
 * same morning, with repeats, late and disordered records, wrong clocks and garbage. It ends with quiet colleagues on
 * every partition whose clocks go on for a day, so that what is left open by others closes in every run.
 */
import { personKey } from '#lib/kernel/identity.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { Prng } from '#lib/kernel/prng.ts';
import type { OutgoingRecord } from '#lib/log/log.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import type { Connection, KeystrokeLatency, ReferenceRecord, TelemetryEvent } from '#schemas/records.ts';
import { simulateFleet } from '../../tools/simulate/fleet.ts';
import { spoiled, spoiledBytes } from '../../tools/simulate/garbage.ts';
import type { FaultCounts } from './faults.ts';
import { PARTITIONS, TOPICS } from './topics.ts';

export interface History {
  readonly name: string;
  readonly reference: readonly ReferenceRecord[];
  /** In order of arrival; no two arrive at the same time. */
  readonly records: readonly OutgoingRecord[];
  readonly arrivals: readonly number[];
  readonly faults: FaultCounts;
}

interface Arrived {
  readonly event: TelemetryEvent;
  readonly at: number;
  /** Bytes instead of the event's own. */
  readonly value?: Buffer;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LENGTH_MS = 22 * MINUTE_MS;
/** Everybody starts this long after the one before. */
const STAGGER_MS = 70_000;
/** Late beyond any window, as the fleet's own late records are: what lies between would be late in one order only. */
const LATE_MS = { least: 4 * MINUTE_MS, most: 12 * MINUTE_MS };
const QUIET_PER_PARTITION = 3;
const HOUSEMATES = 5;
/** Of a cable provider. */
const HOME_ADDRESS = '73.162.10.20';


export function makeHistory(seed: number): History {
  const prng = new Prng(seed, 'history');
  const fleet = simulateFleet({ seed, workstations: 7, piloted: 4, repeatShare: 0 });
  const reference: ReferenceRecord[] = [];
  const first = new Map<string, number>();
  const shift = new Map<string, number>();
  const arrived: Arrived[] = [];
  for (const batch of fleet) {
    for (const { record, arrivedAt } of batch) {
      if (record.type !== 'KeystrokeLatency' && record.type !== 'Connection') {
        reference.push(record);
        continue;
      }
      const { userId } = record;
      if (!first.has(userId)) {
        shift.set(userId, fleet.options.startAt + 9 * HOUR_MS + first.size * STAGGER_MS - record.observedAt);
        first.set(userId, arrivedAt);
      }
      if (arrivedAt - first.get(userId)! > LENGTH_MS) continue;
      const by = shift.get(userId)!;
      arrived.push({ event: { ...record, observedAt: record.observedAt + by }, at: arrivedAt + by });
    }
  }
  const counts: FaultCounts = new Map();
  const disturbed = arrived.flatMap((one) => disturb(one, prng, counts));
  const last = Math.max(...disturbed.map(({ at }) => at));
  const { tenantId } = fleet.workstations[0]!.tenant;
  disturbed.push(...quietPeople(last, tenantId), ...housemates(last, tenantId));
  return { name: `fleet ${seed}`, reference, faults: counts, ...inOrder(disturbed) };
}

function disturb(one: Arrived, prng: Prng, counts: FaultCounts): Arrived[] {
  const count = (kind: string) => counts.set(kind, (counts.get(kind) ?? 0) + 1);
  const { event, at } = one;
  if (prng.chance(0.03)) {
    count('duplicate delivery');
    return [one, { event, at: at + Math.ceil(prng.uniform(1, 5 * MINUTE_MS)) }];
  }
  if (prng.chance(0.01)) {
    count('late event');
    return [{ event, at: at + Math.ceil(prng.uniform(LATE_MS.least, LATE_MS.most)) }];
  }
  if (prng.chance(0.05)) {
    count('out of order');
    return [{ event, at: at + Math.ceil(prng.uniform(10, 9_000)) }];
  }
  if (prng.chance(0.005)) {
    count('clock ahead');
    return [one, { event: { ...event, eventId: `${event.eventId}-ahead`, observedAt: at + HOUR_MS }, at: at + 5 }];
  }
  if (prng.chance(0.01)) {
    count('garbage');
    const bad = prng.chance(0.5) ? { event: spoiled(event, prng), at: at + 7 } : { event, at: at + 7, value: spoiledBytes(encodeFramed(event.type, event as never), prng) };
    return [one, bad];
  }
  return [one];
}

/** Three devices on each partition, as the watermark asks for three; they type like anybody and are no finding. */
function quietPeople(from: number, tenantId: string): Arrived[] {
  const quiet: Arrived[] = [];
  const found = Array.from({ length: PARTITIONS }, () => 0);
  for (let n = 0; found.some((count) => count < QUIET_PER_PARTITION); n++) {
    const userId = `quiet-${n}`;
    const partition = partitionOf(Buffer.from(`${tenantId}|${userId}`), PARTITIONS);
    if (found[partition]! >= QUIET_PER_PARTITION) continue;
    found[partition]!++;
    // The last time lies idleCloseMs and the exchange's grace beyond the hour of the one before: its reports are out in every run.
    const minutes = [...Array.from({ length: 20 }, (_, i) => i), 14 * 60, 15 * 60, 16 * 60 + 12];
    for (const minute of minutes) {
      const observedAt = from + minute * MINUTE_MS + n * 100;
      quiet.push({ event: keystroke(tenantId, userId, observedAt), at: observedAt + 50 });
    }
  }
  return quiet;
}

/**
 * Five people of several partitions who type in turn behind one home's address, through the day and once more at its end:
 * what the exchange tells about the day is part of what is found at the end.
 */
function housemates(from: number, tenantId: string): Arrived[] {
  const events: Arrived[] = [];
  for (let n = 0; n < HOUSEMATES; n++) {
    const userId = `mate-${n}`;
    for (const begin of [(2 + 1.5 * n) * 60, 14 * 60 + 5 + 15 * n]) {
      for (let minute = 0; minute < 12; minute++) {
        const observedAt = from + (begin + minute) * MINUTE_MS + n * 100 + 50;
        events.push({ event: keystroke(tenantId, userId, observedAt), at: observedAt + 50 });
        if (minute === 0) events.push({ event: seenAt(tenantId, userId, observedAt - 10), at: observedAt + 45 });
      }
    }
  }
  return events;
}

function seenAt(tenantId: string, userId: string, observedAt: number): Connection {
  return {
    type: 'Connection',
    eventId: `${userId}-c-${observedAt}`,
    tenantId,
    sessionId: `s-${userId}`,
    deviceId: `d-${userId}`,
    userId,
    observedAt,
    vantageId: 'v-quiet',
    phase: 'SAMPLE',
    sourceIp: HOME_ADDRESS,
    sourcePort: null,
    forwardedFor: [],
    hops: [],
    rttMinMs: 19,
    rttMedianMs: 20,
    rttP95Ms: 22,
    transport: 'TCP',
    mss: null,
    receivedTtl: null,
    tlsFingerprint: null,
    osTimeZone: null,
    remoteTools: [],
    inputDevices: [],
    displayEdid: null,
  };
}

function keystroke(tenantId: string, userId: string, observedAt: number): KeystrokeLatency {
  return {
    type: 'KeystrokeLatency',
    eventId: `${userId}-${observedAt}`,
    tenantId,
    sessionId: `s-${userId}`,
    deviceId: `d-${userId}`,
    userId,
    observedAt,
    vantageId: 'v-quiet',
    intervalMs: 10_000,
    sensor: 'ENDPOINT_AGENT',
    latencyClock: 'ROUND_TRIP',
    clockErrorMs: 0,
    registrationLatencyMs: [24, 25.5, 24.5],
    interKeyMs: [140, 160],
    holdMs: [80, 85, 90],
    networkRttMs: 20,
    inputOrigin: 'HARDWARE',
  };
}

function inOrder(arrived: readonly Arrived[]): Pick<History, 'records' | 'arrivals'> {
  const records: OutgoingRecord[] = [];
  const arrivals: number[] = [];
  let last = -Infinity;
  for (const { event, at, value } of arrived.toSorted((a, b) => a.at - b.at)) {
    last = Math.max(at, last + 1);
    arrivals.push(last);
    const topic = event.type === 'KeystrokeLatency' ? TOPICS.keystrokeLatency : TOPICS.connection;
    records.push({ topic, partition: null, key: personKey(event), value: value ?? encodeFramed(event.type, event as never), timestampMs: event.observedAt });
  }
  return { records, arrivals };
}
