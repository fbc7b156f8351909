import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { EnrichedEvent, FleetFact, FleetReport, SuspiciousSession } from '#schemas/records.ts';
import { address, config, session, START } from '../test-events.ts';
import { sighting } from '../model/test-view.ts';
import { buildDetect } from '../topology.ts';
import { createCouplings, couplingSubjects, couplingValue } from './cohort-coupling.ts';
import { createWays, waySubject, wayValue, type WayQuery } from './cohort-path.ts';
import { peersKind, readPeers } from './cohort-peers.ts';
import { Everybody } from './everybody.ts';
import { Exchange } from './exchange.ts';
import { createFleetHost } from './in-process.ts';
import { DAY_MS, HOUR_MS } from './minutes.ts';

const HOUR0 = START - (START % HOUR_MS);

interface Vote {
  peer: number;
  value: number;
  hour: number;
}

/** What is told about one subject, in order. */
function told(subject: string, votes: readonly Vote[], hours: number): FleetFact[] {
  const exchange = new Exchange({ config, state: createMemoryState() });
  const reports = votes.map(({ peer, value, hour }): FleetReport => ({ type: 'FleetReport', subject, kind: 'PEERS', tenantId: 't', userId: 'u', deviceId: '', windowStart: HOUR0 + hour * HOUR_MS, minutes: [], values: [peer, value] }));
  exchange.take(reports);
  return exchange.complete(HOUR0 + hours * HOUR_MS);
}

const known = (facts: readonly FleetFact[]): Everybody => {
  const everybody = new Everybody(createMemoryState().keyed('e', jsonCodec<FleetFact[]>()));
  for (const fact of facts) everybody.add(fact);
  return everybody;
};

const votesOf = (count: number, value: (n: number) => number, hour = 0): Vote[] => Array.from({ length: count }, (_, n) => ({ peer: 1000 + n, value: value(n), hour }));

describe('peers', () => {
  test('have one vote each, the last hour\'s and the highest of it; fewer than eight say nothing', () => {
    expect(told('s', votesOf(7, () => 500), 1)).toEqual([]);
    const [fact] = told('s', [...votesOf(20, () => 500), ...Array.from({ length: 200 }, (_, i) => ({ peer: 1000, value: 9000 + i, hour: 0 }))], 1);
    expect(fact!.values.slice(0, 5)).toEqual([20, 500, 500, 500, 500]);
    expect(fact!.values.at(-1)).toBe(9199);
    const again = told('s', [...votesOf(20, () => 500), ...votesOf(20, () => 900, 2)], 4);
    expect(again.map(({ values }) => readPeers(values, 10).quantiles[0])).toEqual([50, 90]);
  });

  test('go after a week, and many are as good as all of them', () => {
    const late = 9 * 24;
    const facts = told('s', [...votesOf(40, () => 100), ...votesOf(13, () => 700, late)].map((vote, i) => (vote.hour === late ? { ...vote, peer: 9000 + i } : vote)), late + 1);
    expect(facts.at(-1)!.values[0]).toBe(13);
    const prng = new Prng(3, 'many');
    const many = told('s', Array.from({ length: 5000 }, (_, n) => ({ peer: prng.below(2 ** 31), value: n % 1000, hour: 0 })), 1);
    expect(many[0]!.values[0]).toBe(256);
    expect(Math.abs(many[0]!.values[2]! - 500)).toBeLessThan(100);
  });

  test('are the same in every order, and merged in parts', () => {
    const prng = new Prng(4, 'order');
    const votes = Array.from({ length: 900 }, () => ({ peer: prng.below(500), value: prng.below(1000), hour: 0 }));
    const hourOf = (of: readonly Vote[]) => {
      const hour = peersKind.newHour();
      for (const { peer, value } of of) peersKind.merge(hour, { type: 'FleetReport', subject: 's', kind: 'PEERS', tenantId: 't', userId: 'u', deviceId: '', windowStart: 0, minutes: [], values: [peer, value] }, config.fleet);
      return [...hour].toSorted((a, b) => a[0] - b[0]);
    };
    expect(hourOf(votes.toReversed())).toEqual(hourOf(votes));
    expect(hourOf(votes)).toHaveLength(256);
  });
});

describe('ways', () => {
  const query: WayQuery = { tenantId: 't', vantageId: 'v', region: 'Colorado', sighting: sighting() };
  const AT = HOUR0 + 10 * HOUR_MS;

  test('are known from eight networks of the same vantage, region and kind of access, for a while', () => {
    const ways = createWays(known(told(waySubject(query)!, votesOf(20, (n) => wayValue(30 + n, 1000)), 1)), config.fleet);
    const floor = wayValue(0, 1000) / -10;
    expect(ways(query, AT)!.networks).toBe(20);
    expect(ways(query, AT)!.routeMs).toBeCloseTo(34 - floor, 0);
    expect(ways({ ...query, region: 'Utah' }, AT)).toBeNull();
    expect(ways({ ...query, tenantId: 'other' }, AT)).toBeNull();
    expect(ways({ ...query, sighting: sighting(address('203.0.113.9', 'denver', { category: 'MOBILE' })) }, AT)).toBeNull();
    expect(ways(query, AT + config.fleet.memoryMs + DAY_MS)).toBeNull();
  });

  test('exits ask and have no vote', () => {
    for (const category of ['VPN', 'HOSTING', 'TOR'] as const) {
      const exit = { ...query, sighting: sighting(address('203.0.113.9', 'denver', { category })) };
      expect(waySubject(exit), category).toBeNull();
      expect(createWays(known(told(waySubject(query)!, votesOf(20, () => 100), 1)), config.fleet)(exit, AT), category).not.toBeNull();
    }
  });
});

describe('coupling of devices without a gap', () => {
  const query = { tenantId: 't', sensor: 'ENDPOINT_AGENT' } as const;
  const AT = HOUR0 + 10 * HOUR_MS;
  const excessOf = (devices: number, log10E: (n: number) => number, subject = couplingSubjects(query)[0]!) => createCouplings(known(told(subject, votesOf(devices, (n) => couplingValue(log10E(n))), 1)), config.fleet)(query, AT);

  test('takes nothing off where as few couple as may by chance, and nearly everything where all do', () => {
    // An e-value under its null: 1/U.
    expect(excessOf(200, (n) => -Math.log10((n + 1) / 201)).excess).toBeLessThan(0.05);
    expect(excessOf(100, () => -0.3)).toEqual({ excess: 0, devices: 100 });
    expect(excessOf(100, () => 40).excess).toBeCloseTo(20 + Math.log10(0.75), 6);
    // One in ten, each as sure as a thousand to one.
    expect(excessOf(100, (n) => (n < 11 ? 3 : -0.3)).excess).toBeCloseTo(2, 6);
  });

  test('two of many may be piloted over a short leg; of fewer than twenty nothing is taken, and the fleet stands in', () => {
    expect(excessOf(100, (n) => (n < 2 ? 10 : -0.3)).excess).toBe(0);
    expect(excessOf(19, () => 5)).toEqual({ excess: 0, devices: 0 });
    expect(excessOf(60, () => 5, couplingSubjects(query)[1]).devices).toBe(60);
  });
});

describe('in one process', () => {
  /** Fourteen people of one region type for five hours, then another one comes whose round trip is much longer than theirs, or as long. */
  function run(peersMs: number, lateMs: number, partitions = 1, salt = 0): SuspiciousSession[] {
    const names = Array.from({ length: 14 }, (_, i) => `peer${i}`);
    const day = (userId: string, rttMs: number, from: number, minutes: number): EnrichedEvent[] =>
      session({ userId, rttMs, minutes, startAt: START + from * HOUR_MS, source: address(userId === 'late' ? '203.0.113.200' : `198.51.100.${names.indexOf(userId)}`, 'denver') });
    const events = [...names.flatMap((userId) => day(userId, peersMs, 0, 300)), ...day('late', lateMs, 7, 60)].toSorted((a, b) => a.event.observedAt - b.event.observedAt || (a.event.eventId < b.event.eventId ? -1 : 1));
    const detects = Array.from({ length: partitions }, () => buildDetect({ config, state: createMemoryState() }));
    const of = new Map([...names, 'late'].map((userId) => [userId, new Prng(salt, userId).below(partitions)]));
    const host = createFleetHost(config, detects, (some) => detects.map((_, i) => some.filter(({ event }) => of.get(event.userId) === i)));
    return [...host.process(events, true), ...host.flush()];
  }
  const late = (findings: readonly SuspiciousSession[]): SuspiciousSession[] => findings.filter(({ userId }) => userId === 'late');
  const NEAR_MS = 40;

  test('who comes last is judged by the ways of the others: a detour that all of them take is none of one', () => {
    const detour = run(NEAR_MS + 150, NEAR_MS + 155);
    expect(detour.filter(({ userId }) => userId !== 'late').length, 'until they know of each other').toBeGreaterThan(0);
    expect(late(detour)).toEqual([]);
    const strange = late(run(NEAR_MS, NEAR_MS + 85));
    expect(strange.at(0)?.severity).toBeDefined();
    expect(strange.at(-1)!.evidence[0]!.explanation).toContain('as the ways of 14 networks of that region show');
  });

  test('whatever the partitions', () => {
    const text = (findings: readonly SuspiciousSession[]): string => findings.map((finding) => JSON.stringify(finding)).toSorted().join('\n');
    expect(text(run(NEAR_MS, NEAR_MS + 85, 3, 1))).toBe(text(run(NEAR_MS, NEAR_MS + 85)));
  });
});
