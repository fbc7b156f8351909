import { expect, test } from 'vitest';
import { floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { AddressFacts, Hop } from '#schemas/records.ts';
import { buildRoute, distanceKm, placeOf } from './route.ts';

const NOWHERE: AddressFacts = {
  ip: '0.0.0.0',
  scope: 'PUBLIC',
  country: null,
  region: null,
  city: null,
  latitude: null,
  longitude: null,
  asn: null,
  organisation: null,
  category: 'UNKNOWN',
  categoryReason: 'none',
  policy: null,
};
const at = (ip: string, latitude: number | null, longitude: number | null): AddressFacts => ({ ...NOWHERE, ip, latitude, longitude });
/** One degree on the equator. */
const DEGREE_KM = greatCircleKm(0, 0, 0, 1);
const vantage = { latitude: 0, longitude: 0 };

function route(hops: [ttl: number, facts: AddressFacts | null, rttMs: number | null][], source: AddressFacts, sourceRttMs: number | null, forwardedFor: AddressFacts[] = []) {
  return buildRoute({
    vantage,
    hops: hops.map(([ttl, facts, rttMs]): Hop => ({ ttl, ip: facts?.ip ?? null, rttMs })),
    hopFacts: hops.map(([, facts]) => facts),
    source,
    sourceRttMs,
    forwardedFor,
  }).map(({ toIp, distanceKm: km, floorRttMs: floor, rttStepMs }) => {
    expect(floor).toBe(km === null ? null : floorRttMs(km));
    return [toIp, km === null ? null : Math.round(km / DEGREE_KM), rttStepMs];
  });
}

test('from the vantage over the hops to the source, then the forwarded addresses from the nearest', () => {
  const legs = route([[1, at('a', 0, 10), 12], [2, at('b', 0, 30), 31.5]], at('s', 0, 40), 40, [at('client', 0, 70), at('proxy', 0, 60)]);
  expect(legs).toEqual([
    ['a', 10, 12],
    ['b', 20, 19.5],
    ['s', 10, 8.5],
    ['proxy', 20, null],
    ['client', 10, null],
  ]);
});

test('a hop without a place is passed over: the next leg begins at the last place that is known', () => {
  expect(route([[1, at('a', 0, 10), 12], [2, at('private', null, null), 15], [3, null, null], [4, at('c', 0, 50), 60]], at('s', 0, 50), 61)).toEqual([
    ['a', 10, 12],
    ['private', null, 3],
    ['c', 40, 48],
    ['s', 0, 1],
  ]);
});

test('steps may be negative, and are null where an end was not measured', () => {
  expect(route([[1, at('a', 0, 10), 30], [2, at('b', 0, 20), 25], [3, at('c', 0, 30), null], [4, at('d', 0, 40), 50]], at('s', 0, 50), null)).toEqual([
    ['a', 10, 30],
    ['b', 10, -5],
    ['c', 10, null],
    ['d', 10, null],
    ['s', 10, null],
  ]);
});

test('hops out of order are walked by ttl', () => {
  expect(route([[3, at('c', 0, 30), 30], [1, at('a', 0, 10), 10], [2, at('b', 0, 20), 20]], at('s', 0, 40), 40).map(([ip]) => ip)).toEqual(['a', 'b', 'c', 's']);
});

test('without a vantage the first place begins the route', () => {
  const legs = buildRoute({ vantage: null, hops: [{ ttl: 1, ip: 'a', rttMs: 10 }], hopFacts: [at('a', 0, 10)], source: at('s', 0, 20), sourceRttMs: 20, forwardedFor: [] });
  expect(legs.map(({ distanceKm: km }) => (km === null ? null : Math.round(km / DEGREE_KM)))).toEqual([null, 10]);
});

test('the place of a policy outranks that of the databases, but only where it has both coordinates', () => {
  const facts = at('x', 1, 2);
  const policy = { kind: 'CORPORATE_EGRESS' as const, cidr: 'x', latitude: 50, longitude: 8 };
  expect(placeOf({ ...facts, policy })).toMatchObject({ latitude: 50, longitude: 8 });
  expect(placeOf({ ...facts, policy: { ...policy, longitude: null } })).toMatchObject({ latitude: 1, longitude: 2 });
  expect(placeOf(at('x', null, null))).toBeNull();
  expect(distanceKm(null, vantage)).toBeNull();
});
