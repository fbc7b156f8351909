import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { jsonCodec } from '#lib/state/json-codec.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { AddressFacts, EnrichedEvent, FleetFact, FleetReport, SuspiciousSession } from '#schemas/records.ts';
import { address, config, session, START } from '../test-events.ts';
import { buildDetect } from '../topology.ts';
import { gapValue } from './cohort.ts';
import { Everybody } from './everybody.ts';
import { Exchange } from './exchange.ts';
import { createGateways, gatewayValues, type GatewayMember } from './gateway.ts';
import { createFleetHost } from './in-process.ts';
import { HOUR_MS } from './minutes.ts';
import { categoryCode, subjectOf, TRUSTED_EGRESS } from './subjects.ts';

const TOGETHER = { people: 5, minutes: 200, together: 40, expected: 30, runs: 8, log10Apart: 0 };
const BUSINESS = categoryCode('BUSINESS');
const person = (name: string, ...gapsMs: number[]): GatewayMember => ({ devices: [`d-${name}`], gaps: gapsMs.map(gapValue) });
const three = [person('a', 60, 62, 64), person('b', 90, 91), person('c', 200, 190, 210)];

describe('a network counts as a gateway', () => {
  test('where three people and devices show a gap; each has one vote', () => {
    expect(gatewayValues(three, BUSINESS, TOGETHER)).toEqual([3, gapValue(62), gapValue(91), gapValue(200)]);
    expect(gatewayValues(three.slice(1), BUSINESS, TOGETHER)).toEqual([0]);
    expect(gatewayValues(three.map(({ gaps }) => ({ gaps, devices: ['one'] })), BUSINESS, TOGETHER), 'one device').toEqual([0]);
    expect(gatewayValues([...three.slice(1), person('new', 60)], BUSINESS, TOGETHER), 'one hour is no vote').toEqual([0]);
  });

  test('not among many who show none: a few of an office may be piloted', () => {
    const office = Array.from({ length: 10 }, (_, i) => person(`o${i}`, 4, 5, 3));
    expect(gatewayValues([...three, ...office], BUSINESS, TOGETHER)).toEqual([0]);
    expect(gatewayValues([...three, ...office.slice(0, 9)], BUSINESS, TOGETHER)[0]).toBe(12);
  });

  test('not where people type in turn, at homes, on mobile networks, VPN exits and Tor; a rented server needs more people', () => {
    expect(gatewayValues(three, BUSINESS, { ...TOGETHER, together: 0, log10Apart: -180 })).toEqual([0]);
    const twenty = Array.from({ length: 20 }, (_, i) => person(`p${i}`, 60, 61));
    for (const category of ['RESIDENTIAL', 'MOBILE', 'VPN', 'TOR'] as const) expect(gatewayValues(twenty, categoryCode(category), TOGETHER), category).toEqual([0]);
    expect(gatewayValues(three, categoryCode('HOSTING'), TOGETHER)).toEqual([0]);
    expect(gatewayValues(twenty, categoryCode('HOSTING'), TOGETHER)[0]).toBe(20);
  });

  test('two people are enough where the organisation has declared it', () => {
    expect(gatewayValues(three.slice(1), TRUSTED_EGRESS, TOGETHER)[0]).toBe(2);
    expect(gatewayValues(three.slice(0, 1), TRUSTED_EGRESS, TOGETHER)).toEqual([0]);
    const near = [person('n1', 3, 4), person('n2', 5, 5), person('n3', 4, 3)];
    expect(gatewayValues(near, TRUSTED_EGRESS, TOGETHER), 'it carries the transport on').toEqual([3]);
    expect(gatewayValues(near, BUSINESS, TOGETHER)).toEqual([0]);
  });

  test('of a declared one the way is granted until it is known to carry the transport on', () => {
    const subject = subjectOf('EGRESS', 't', '203.0.113.99');
    const everybody = new Everybody(createMemoryState().keyed('e', jsonCodec<FleetFact[]>()));
    const gateways = createGateways(everybody, config.fleet);
    const at = (hour: number, trusted: boolean) => gateways('t', '203.0.113.99', trusted, START + hour * HOUR_MS);
    const tell = (hour: number, values: number[]): void => everybody.add({ type: 'FleetFact', subject, kind: 'EGRESS', tenantId: '', userId: '', windowEnd: START + hour * HOUR_MS, effectiveAt: START + hour * HOUR_MS, values });
    expect(at(0, true)).toEqual({ people: 0, shown: 0, gapsMs: [] });
    expect(at(0, false)).toBeNull();
    tell(2, [3]);
    expect(at(3, true)).toBeNull();
    tell(5, [5, gapValue(60), gapValue(90)]);
    expect(at(4, true)).toBeNull();
    expect(at(6, true)).toMatchObject({ people: 5, shown: 2 });
    expect(at(6 + 24 * 8, false)).toBeNull();
    everybody.forget(START + 6 * HOUR_MS);
    expect(at(6, true), 'nobody has said it again').toMatchObject({ people: 0 });
    expect(gateways('other', '203.0.113.99', false, START + 6 * HOUR_MS)).toBeNull();
  });
});

test('facts about a gateway do not depend on the order of reports, and an erased person is out of them', () => {
  const reports: FleetReport[] = [];
  for (let hour = 0; hour < 6; hour++) {
    for (let n = 0; n < 5; n++) {
      reports.push({ type: 'FleetReport', subject: subjectOf('EGRESS', 't', 'gw'), kind: 'EGRESS', tenantId: 't', userId: `u${n}`, deviceId: `d${n}`, windowStart: START + hour * HOUR_MS, minutes: [0x3fffffff, 0], values: [BUSINESS, 397, -1050, 0, gapValue(50 + 20 * n + hour)] });
    }
  }
  const facts = (order: readonly FleetReport[], erased?: string): FleetFact[] => {
    const exchange = new Exchange({ config, state: createMemoryState() });
    exchange.take(order);
    const before = exchange.complete(START + 4 * HOUR_MS);
    if (erased !== undefined) exchange.erase('t', erased);
    return [...before, ...exchange.complete(START + 30 * HOUR_MS)].filter(({ userId }) => userId === '');
  };
  const reference = facts(reports);
  expect(reference.at(-1)!.values).toHaveLength(6);
  expect(facts(reports, 'u4').at(-1)!.values).toHaveLength(5);
  fc.assert(fc.property(fc.shuffledSubarray(reports, { minLength: reports.length }), (order) => {
    expect(facts(order)).toEqual(reference);
  }), { numRuns: 20 });
});

describe('in one process', () => {
  const HOURS = 7;
  const gateway = address('203.0.113.99', 'chicago', { category: 'BUSINESS', organisation: 'Example Secure Gateway' });
  const people = ['a', 'b', 'c', 'd'].map((name, i) => ({ userId: name, gapMs: 85 + 15 * i }));
  const day = (source: AddressFacts, late: string): EnrichedEvent[] =>
    people
      .flatMap(({ userId, gapMs }) => session({ userId, gapMs, source, rttMs: 60, minutes: userId === late ? 40 : 240, startAt: START + (userId === late ? HOURS * HOUR_MS : 0) }))
      .toSorted((a, b) => a.event.observedAt - b.event.observedAt || (a.event.eventId < b.event.eventId ? -1 : 1));

  function run(events: readonly EnrichedEvent[], partitions = 1, salt = 0): SuspiciousSession[] {
    const detects = Array.from({ length: partitions }, () => buildDetect({ config, state: createMemoryState() }));
    const of = new Map(people.map(({ userId }) => [userId, new Prng(salt, userId).below(partitions)]));
    const host = createFleetHost(config, detects, (some) => detects.map((_, i) => some.filter(({ event }) => of.get(event.userId) === i)));
    return [...host.process(events, true), ...host.flush()];
  }
  const text = (findings: readonly SuspiciousSession[]): string => findings.map((finding) => JSON.stringify(finding)).toSorted().join('\n');
  const about = (findings: readonly SuspiciousSession[], userId: string): string[] => findings.filter((finding) => finding.userId === userId).map(({ severity }) => severity);

  test('who comes last to a gateway is judged by the others, from the first minute; at a home the same gap is found', () => {
    expect(about(run(day(gateway, 'd')), 'd')).toEqual([]);
    expect(about(run(day(address('203.0.113.99', 'denver'), 'd')), 'd')).toContain('MEDIUM');
  });

  test('whatever the partitions', () => {
    const events = day(gateway, 'd');
    const reference = text(run(events));
    for (const salt of [1, 2]) expect(text(run(events, 3, salt))).toBe(reference);
  });
});
