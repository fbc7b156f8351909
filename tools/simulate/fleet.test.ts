import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { toNdjson } from '#lib/codec/ndjson.ts';
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { Connection, KeystrokeLatency } from '#schemas/records.ts';
import { distanceKm } from './addresses.ts';
import { type Arrival, type Fleet, type FleetOptions, simulateFleet } from './fleet.ts';
import { HONEST_KINDS, PILOTED_KINDS } from './kinds.ts';

const arrivalsOf = (fleet: Fleet): Arrival[] => [...fleet].flat();
const digest = (fleet: Fleet): string => {
  const hash = createHash('sha256');
  for (const batch of fleet) for (const { record, arrivedAt } of batch) hash.update(toNdjson(record, arrivedAt));
  return hash.digest('hex');
};
const isTelemetry = ({ record }: Arrival): boolean => record.type === 'KeystrokeLatency' || record.type === 'Connection';
const events = (arrivals: readonly Arrival[]): { event: KeystrokeLatency | Connection; arrivedAt: number }[] =>
  arrivals.filter(isTelemetry).map(({ record, arrivedAt }) => ({ event: record as KeystrokeLatency | Connection, arrivedAt }));

describe('simulateFleet', () => {
  // Large enough that every honest and every piloted kind is there.
  const options: FleetOptions = { seed: 5, workstations: 70, piloted: 14, tenants: 2 };
  let fleet: Fleet;
  let arrivals: Arrival[];

  beforeAll(() => {
    fleet = simulateFleet(options);
    arrivals = arrivalsOf(fleet);
  });

  it('gives the same bytes for the same seed, on every pass, and others for another seed', () => {
    const small = { ...options, workstations: 12, piloted: 6 };
    const one = simulateFleet(small);
    const first = digest(one);
    expect(digest(one)).toBe(first);
    expect(digest(simulateFleet(small))).toBe(first);
    expect(digest(simulateFleet({ ...small, seed: 6 }))).not.toBe(first);
  });

  it('leaves every workstation as it was when others are added', () => {
    const bySession = (of: readonly Arrival[]): Map<string, string> => {
      const text = new Map<string, string>();
      for (const { event, arrivedAt } of events(of)) text.set(event.sessionId, (text.get(event.sessionId) ?? '') + toNdjson(event, arrivedAt));
      return text;
    };
    const few = bySession(arrivalsOf(simulateFleet({ ...options, workstations: 10, piloted: 2 })));
    const more = bySession(arrivalsOf(simulateFleet({ ...options, workstations: 20, piloted: 4 })));
    expect(few.size).toBeGreaterThanOrEqual(10);
    for (const [session, text] of few) expect(more.get(session) === text, session).toBe(true);
  });

  it('delivers in order of arrival, reference data first', () => {
    const times = arrivals.map(({ arrivedAt }) => arrivedAt);
    expect(times.every((at, i) => i === 0 || at >= times[i - 1]!)).toBe(true);
    const first = arrivals.findIndex(isTelemetry);
    expect(first).toBe(fleet.reference.length);
    expect(arrivals.slice(first).every(isTelemetry)).toBe(true);
  });

  it('delays most records by less than 1.5 s, a few percent by up to 20 s, hardly any for longer, none before it was seen', () => {
    const delays = events(arrivals).map(({ event, arrivedAt }) => arrivedAt - event.observedAt);
    const share = (test: (delay: number) => boolean): number => delays.filter(test).length / delays.length;
    expect(Math.min(...delays.slice(0, 50_000))).toBeGreaterThan(0);
    expect(share((d) => d <= 1500)).toBeGreaterThan(0.95);
    expect(share((d) => d > 1500 && d <= 25_000)).toBeGreaterThan(0.01);
    expect(share((d) => d > 60_000)).toBeLessThan(0.001);
    expect(share((d) => d > 60_000)).toBeGreaterThan(0);
  });

  it('repeats about one record in two hundred, otherwise every eventId is its own', () => {
    const seen = new Map<string, string>();
    let repeats = 0;
    for (const { event } of events(arrivals)) {
      const text = JSON.stringify(event);
      const before = seen.get(event.eventId);
      if (before !== undefined) {
        expect(before).toBe(text);
        repeats++;
      }
      seen.set(event.eventId, text);
    }
    expect(repeats / seen.size).toBeGreaterThan(0.003);
    expect(repeats / seen.size).toBeLessThan(0.008);
  });

  it('shows every kind, labels every session once, and only piloted ones as remote', () => {
    const kinds = new Set(fleet.labels.map((label) => label.kind));
    expect([...kinds].toSorted()).toEqual([...Object.keys(HONEST_KINDS), ...Object.keys(PILOTED_KINDS)].toSorted());
    const sessions = new Set(events(arrivals).map(({ event }) => `${event.tenantId}|${event.sessionId}`));
    expect(new Set(fleet.labels.map((label) => `${label.tenantId}|${label.sessionId}`))).toEqual(sessions);
    expect(fleet.labels.length).toBe(sessions.size);
    for (const label of fleet.labels) {
      expect(label.remote).toBe(label.kind in PILOTED_KINDS);
      expect(label.startsAt !== null).toBe(label.remote);
    }
  });

  it('starts a piloting within its session', () => {
    const spans = new Map<string, [number, number]>();
    for (const { event } of events(arrivals)) {
      const span = spans.get(event.sessionId) ?? [Infinity, -Infinity];
      spans.set(event.sessionId, [Math.min(span[0], event.observedAt), Math.max(span[1], event.observedAt)]);
    }
    for (const { sessionId, startsAt, kind } of fleet.labels) {
      if (startsAt === null) continue;
      const [from, to] = spans.get(sessionId)!;
      expect(startsAt, kind).toBeGreaterThanOrEqual(from);
      expect(startsAt, kind).toBeLessThan(to);
    }
  });

  it('knows every device, vantage and assignment that the telemetry names', () => {
    const devices = new Set(fleet.reference.filter((r) => r.type === 'DeviceAssignment').map((r) => `${r.tenantId}|${r.deviceId}|${r.userId}`));
    const vantages = new Set(fleet.reference.filter((r) => r.type === 'Vantage').map((r) => r.vantageId));
    for (const { event } of events(arrivals)) {
      expect(devices.has(`${event.tenantId}|${event.deviceId}|${event.userId}`)).toBe(true);
      expect(vantages.has(event.vantageId)).toBe(true);
    }
  });

  it('stays within the ranges of the contract', () => {
    for (const { event } of events(arrivals)) {
      if (event.type !== 'KeystrokeLatency') continue;
      for (const list of [event.registrationLatencyMs, event.interKeyMs, event.holdMs]) {
        expect(list.length).toBeLessThanOrEqual(512);
        expect(list.every((ms) => ms >= 0 && ms <= 60_000)).toBe(true);
      }
    }
  });
});

describe('honest physics', () => {
  it('is never faster than ⅔c over the true way from the laptop to the vantage', () => {
    const fleet = simulateFleet({ seed: 9, workstations: 80, piloted: 0 });
    const floors = new Map<string, number>();
    for (const person of fleet.workstations) {
      if (person.kind === 'business-trip') continue; // elsewhere on the day; the trip's own link is built by the same function
      floors.set(person.deviceId, floorRttMs(distanceKm(person.laptop, person.vantage)));
    }
    let checked = 0;
    for (const { event } of events(arrivalsOf(fleet))) {
      const floor = floors.get(event.deviceId);
      const least = event.type === 'Connection' ? event.rttMinMs : event.networkRttMs;
      if (floor === undefined || least === null) continue;
      checked++;
      expect(least).toBeGreaterThanOrEqual(floor);
    }
    expect(checked).toBeGreaterThan(10_000);
  });
});

describe('piloted kinds', () => {
  const oneOf = (kind: keyof typeof PILOTED_KINDS, workstations = 3): Fleet =>
    simulateFleet({ seed: 3, workstations, piloted: workstations, kinds: [kind] });
  const gapMedian = (list: readonly KeystrokeLatency[]): number => {
    const gaps = list.map((event) => Math.min(...event.registrationLatencyMs) - event.networkRttMs!).sort((a, b) => a - b);
    return gaps[Math.floor(gaps.length / 2)]!;
  };
  const keystrokes = (fleet: Fleet): KeystrokeLatency[] =>
    events(arrivalsOf(fleet))
      .map(({ event }) => event)
      .filter((event) => event.type === 'KeystrokeLatency' && event.registrationLatencyMs.length >= 20) as KeystrokeLatency[];

  it('shows the hidden leg of a proxy as a gap of its length', () => {
    const fleet = oneOf('proxy');
    const all = keystrokes(fleet);
    for (const { sessionId, hiddenLegMs } of fleet.labels) {
      const gap = gapMedian(all.filter((event) => event.sessionId === sessionId));
      expect(Math.abs(gap - hiddenLegMs)).toBeLessThan(0.25 * hiddenLegMs + 12);
    }
  });

  it('shows no gap behind a packet-level VPN, but a round trip no shorter than the way to the operator', () => {
    const fleet = oneOf('packet-vpn', 4);
    const all = keystrokes(fleet);
    for (const person of fleet.workstations) {
      const own = all.filter((event) => event.deviceId === person.deviceId);
      expect(gapMedian(own)).toBeLessThan(12);
      const least = Math.min(...own.map((event) => event.networkRttMs!));
      expect(least).toBeGreaterThan(floorRttMs(distanceKm(person.laptop, person.vantage)));
    }
  });

  it('begins a handover in mid-session', () => {
    const fleet = oneOf('handover');
    const all = keystrokes(fleet);
    for (const { sessionId, startsAt, hiddenLegMs } of fleet.labels.filter((_, i) => i === 0)) {
      const own = all.filter((event) => event.sessionId === sessionId);
      expect(gapMedian(own.filter((event) => event.observedAt <= startsAt!))).toBeLessThan(12);
      expect(gapMedian(own.filter((event) => event.observedAt > startsAt! + 20_000))).toBeGreaterThan(hiddenLegMs * 0.6);
    }
  });

  it('puts the laptops of a farm behind one address, active in turn', () => {
    const fleet = oneOf('laptop-farm');
    const spans = new Map<string, [number, number]>();
    const addresses = new Set<string>();
    for (const { event } of events(arrivalsOf(fleet))) {
      if (event.type === 'Connection') addresses.add(event.sourceIp);
      const span = spans.get(event.sessionId) ?? [Infinity, -Infinity];
      spans.set(event.sessionId, [Math.min(span[0], event.observedAt), Math.max(span[1], event.observedAt)]);
    }
    expect(addresses.size).toBe(1);
    const ordered = [...spans.values()].sort((a, b) => a[0] - b[0]);
    for (let i = 1; i < ordered.length; i++) expect(ordered[i]![0]).toBeGreaterThan(ordered[i - 1]![1]);
  });
});
