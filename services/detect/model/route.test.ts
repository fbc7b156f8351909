import { expect, test } from 'vitest';
import type { EnrichedConnection, Hop } from '#schemas/records.ts';
import { session } from '../test-events.ts';
import { route } from './route.ts';
import { routeFacts } from './route-facts.ts';
import { address, parameters, reading, sighting, strengthTold, view } from './test-view.ts';

type Facts = ReturnType<typeof address>;

function record(path: readonly { facts: Facts | null; rttMs: number | null }[], chain: readonly Facts[] = []): EnrichedConnection {
  const [first] = session({ minutes: 1 });
  const base = first as EnrichedConnection;
  const hops: Hop[] = path.map(({ facts, rttMs }, i) => ({ ttl: i + 1, ip: facts?.ip ?? null, rttMs }));
  return { ...base, event: { ...base.event, hops, forwardedFor: chain.map(({ ip }) => ip) }, network: { ...base.network, hops: path.map(({ facts }) => facts), forwardedFor: [...chain] } };
}
const seen = (connection: EnrichedConnection) => view({ sighting: sighting(undefined, { route: routeFacts(connection) }) });

test('no path, and an ordinary one, have nothing to tell', () => {
  expect(routeFacts(record([]))).toBeNull();
  expect(routeFacts(record([{ facts: null, rttMs: null }, { facts: address('192.0.2.1', 'chicago'), rttMs: 20 }, { facts: address('192.0.2.2', 'denver'), rttMs: 38 }]))).toBeNull();
  expect(route(seen(record([])), parameters)).toBe('quiet');
});

test('a detour counts only where the round trip of the hop allows its place', () => {
  const hop = address('192.0.2.9', 'warsaw', { category: 'HOSTING' });
  const found = reading(route(seen(record([{ facts: hop, rttMs: 110 }])), parameters));
  expect(found.unit).toBe('km');
  expect(found.explanation).toContain('192.0.2.9');
  expect(strengthTold(found)).toBeCloseTo(found.strength, 2);
  expect(route(seen(record([{ facts: hop, rttMs: 20 }])), parameters)).not.toMatchObject({ unit: 'km' });
});

test('a client abroad behind a proxy carries a finding', () => {
  const client = address('203.0.113.99', 'warsaw');
  const found = reading(route(seen(record([], [client])), parameters));
  expect(found.ubiquitous).toBe(false);
  expect(strengthTold(found)).toBeCloseTo(found.strength, 2);
  expect(route(seen(record([], [address('203.0.113.98', 'chicago')])), parameters)).toBe('quiet');
});

test('a step that the distance of two hops cannot explain', () => {
  const path = (stepMs: number) => record([{ facts: address('192.0.2.1', 'chicago'), rttMs: 15 }, { facts: address('192.0.2.2', 'denver'), rttMs: 15 + stepMs }]);
  expect(reading(route(seen(path(160)), parameters))).toMatchObject({ unit: 'ms', observed: 160, ubiquitous: true });
  expect(route(seen(path(60)), parameters)).toBe('quiet');
});

test('a hosting hop next to a home', () => {
  expect(reading(route(seen(record([{ facts: address('192.0.2.3', 'denver', { category: 'HOSTING' }), rttMs: 30 }])), parameters)).ubiquitous).toBe(true);
});
