/** Signals about places and paths, which share their views. */
import { describe, expect, test } from 'vitest';
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { declaredPlace } from './declared-place.ts';
import { canSight, impossibleTravel, travelBetween } from './impossible-travel.ts';
import { readEgress, type EgressFigures } from '../fleet/egress.ts';
import { isGeolocationRefuted, locationRefuted } from './location-refuted.ts';
import { pathExcess } from './path-excess.ts';
import { relayAddress } from './relay-address.ts';
import { address, config, gapView, parameters, RANK, rankAlone, reading, sighting, START, strengthTold, transportView, view } from './test-view.ts';
import type { SessionView } from './view.ts';
import { utcOffsetHours } from './zones.ts';

const abroad = address('203.0.113.9', 'warsaw');
const policy = (kind: 'CORPORATE_EGRESS' | 'BLOCKED') => ({ kind, cidr: '203.0.113.0/24', latitude: null, longitude: null });

describe('declared place', () => {
  test('home is quiet; another continent is not; a policy, a privacy relay and an unknown device are', () => {
    expect(declaredPlace(view(), parameters)).toBe('quiet');
    const found = reading(declaredPlace(view({ sighting: sighting(abroad), transport: transportView(150) }), parameters));
    expect(rankAlone('declaredPlace', found)).toBe(RANK.LOW);
    expect(found.explanation).toContain('Warsaw');
    for (const change of [{ policy: policy('CORPORATE_EGRESS') }, { categoryReason: 'feed:private-relay' }]) {
      expect(declaredPlace(view({ sighting: sighting({ ...abroad, ...change }), transport: transportView(150) }), parameters)).toBe('quiet');
    }
    expect(declaredPlace(view({ declared: null, sighting: sighting(abroad) }), parameters)).toBeNull();
  });

  test('a VPN exit abroad weighs more than a hosting one, a region of the same country little', () => {
    const strength = (category: 'VPN' | 'HOSTING') => reading(declaredPlace(view({ sighting: sighting({ ...abroad, category }), transport: transportView(150) }), parameters)).strength;
    expect(strength('VPN')).toBeGreaterThan(strength('HOSTING'));
    expect(declaredPlace(view({ sighting: sighting(address('198.51.100.8', 'chicago')) }), parameters)).toBe('quiet');
  });

  test('the physical floor and an unchanged address overrule the database', () => {
    expect(declaredPlace(view({ sighting: sighting(abroad), transport: transportView(12) }), parameters)).toBe('quiet');
    const knownPlace = { ip: abroad.ip, latitude: 39.7, longitude: -105, country: 'US', firstAt: START, lastAt: START };
    expect(declaredPlace(view({ sighting: sighting(abroad), transport: transportView(150), knownPlace }), parameters)).toBe('quiet');
  });

  test('a foreign clock is told, and ubiquitous', () => {
    const found = reading(declaredPlace(view({ sighting: sighting(undefined, { osTimeZone: 'Asia/Seoul' }) }), parameters));
    expect(found).toMatchObject({ ubiquitous: true, observed: 9, expected: -7 });
    for (const osTimeZone of ['Etc/UTC', 'Not/AZone', 'America/Chicago']) expect(declaredPlace(view({ sighting: sighting(undefined, { osTimeZone }) }), parameters)).toBe('quiet');
  });

  test('offsets know daylight saving', () => {
    expect(utcOffsetHours('America/New_York', Date.UTC(2026, 0, 10))).toBe(-5);
    expect(utcOffsetHours('America/New_York', Date.UTC(2026, 6, 10))).toBe(-4);
    expect(utcOffsetHours('Asia/Kolkata', START)).toBe(5.5);
    expect(utcOffsetHours('Nowhere', START)).toBeNull();
  });
});

describe('location refuted', () => {
  test('a round trip that cannot come from the declared place refutes it, by the km that are told', () => {
    const found = reading(locationRefuted(view({ transport: transportView(5) }), parameters));
    const margin = view().declaredDistanceKm! - config.network.geoErrorKm - 6 * KM_PER_RTT_MS;
    expect(found.explanation).toContain(`${Math.round(margin).toLocaleString('en-US')} km too far`);
    expect(found.expected).toBeGreaterThan(found.observed);
    const [, least, km, most] = /the strength is ([\d.]+) and 1 more for each (\d+) km of that, (\d+) at the most/.exec(found.explanation)!.map(Number) as [number, number, number, number];
    const told = Number(/it is ([\d,.]+) km too far/.exec(found.explanation)![1]!.replaceAll(',', ''));
    expect(Math.min(most, least + told / km)).toBeCloseTo(found.strength, 2);
  });

  test('what is possible, what an egress answers, and two samples are quiet', () => {
    expect(locationRefuted(view({ transport: transportView(30) }), parameters)).toBe('quiet');
    expect(locationRefuted(view({ transport: transportView(5), sighting: sighting({ ...address('203.0.113.1', 'denver'), policy: policy('CORPORATE_EGRESS') }) }), parameters)).toBe('quiet');
    expect(locationRefuted(view({ transport: transportView(5, { samples: 2 }) }), parameters)).toBeNull();
  });

  test('hosted desktops and relays are soft', () => {
    const hosted = reading(locationRefuted(view({ transport: transportView(1), sighting: sighting({ ...address('203.0.113.1', 'denver'), category: 'HOSTING' }) }), parameters));
    expect(hosted.ubiquitous).toBe(true);
    expect(strengthTold(hosted)).toBeCloseTo(hosted.strength, 2);
    expect(isGeolocationRefuted(sighting(abroad), transportView(10), 150)).toBe(true);
    expect(isGeolocationRefuted(sighting(abroad), transportView(120), 150)).toBe(false);
  });

  test('so is an address behind which colleagues keep one working day whose devices were sent apart', () => {
    const behind = (change: Partial<EgressFigures>) => {
      const figures = { ...readEgress([1, 7, 7, 0, 5, 6, 3, 0, 6, 300, 18, 15, 0, 0]), ...change };
      return reading(locationRefuted(view({ transport: transportView(5), fleet: { egress: { figures, subject: 's', until: 0 }, shipTo: null, rhythm: null } }), parameters));
    };
    expect(behind({})).toMatchObject({ ubiquitous: true, strength: 1 });
    expect(behind({}).explanation).toContain('7 people of the organisation, whose devices were sent to 6 places, keep one working day');
    for (const change of [{ shipTos: 1 }, { people: 3 }, { together: 14 }, { expected: 7 }]) expect(behind(change).ubiquitous, JSON.stringify(change)).toBe(false);
  });
});

describe('path excess', () => {
  test('a usual way is quiet; a far operator behind a near exit is not', () => {
    for (const ms of [30, 60, 85]) expect(pathExcess(view({ transport: transportView(ms) }), parameters)).toBe('quiet');
    expect(rankAlone('pathExcess', reading(pathExcess(view({ transport: transportView(120) }), parameters)))).toBe(RANK.NONE);
    const found = reading(pathExcess(view({ transport: transportView(260) }), parameters));
    expect(rankAlone('pathExcess', found)).toBe(RANK.MEDIUM);
    expect(found.observed).toBe(260);
    expect(strengthTold(found)).toBeCloseTo(found.strength, 1);
  });

  test('geostationary links, mobile networks, queues and the first minutes stay below LOW', () => {
    const rank = (change: Parameters<typeof view>[0]) => {
      const answer = pathExcess(view(change), parameters);
      return typeof answer === 'object' && answer !== null ? rankAlone('pathExcess', answer) : RANK.NONE;
    };
    expect(rank({ transport: transportView(640) })).toBe(RANK.NONE);
    expect(rank({ transport: transportView(300), sighting: sighting(address('203.0.113.4', 'denver', { category: 'MOBILE' })) })).toBe(RANK.NONE);
    expect(rank({ transport: transportView(300), sighting: sighting(address('203.0.113.4', 'denver', { organisation: 'Hughes Network Systems' })) })).toBe(RANK.NONE);
    expect(rank({ transport: transportView(300, { samples: 5 }) })).toBe(RANK.NONE);
    // The least of many minutes has come between the queues; what is deeper than usual is granted in full.
    const queueing = (wanderMs: number, spreadSamples: number, nearMinutes = 2) => rank({ transport: transportView(220, { wanderMs, spreadSamples, nearMinutes, samples: 60 }) });
    expect(queueing(90, 20)).toBe(RANK.NONE);
    expect(queueing(90, 60)).toBeGreaterThan(RANK.NONE);
    expect(queueing(200, 60)).toBe(RANK.NONE);
    // A line that came back to its least again and again has been empty; not before an hour of minutes, as queues stand for long.
    expect(queueing(500, 60, 9)).toBeGreaterThan(RANK.NONE);
    expect(queueing(500, 60, 8)).toBe(RANK.NONE);
    expect(queueing(500, 59, 59)).toBe(RANK.NONE);
    // A satellite hop is as long as ever behind its queues.
    expect(rank({ transport: transportView(700, { wanderMs: 250, spreadSamples: 60, samples: 60 }) })).toBe(RANK.NONE);
  });

  test('what the ways of other networks of the region take goes in the place of detours, for whoever goes the same way', () => {
    const by = (routeMs: number) => ({ ...parameters, ways: () => ({ networks: 30, routeMs }) });
    const plain = view({ transport: transportView(170) });
    const alone = reading(pathExcess(plain, parameters));
    expect(pathExcess(plain, by(130)), 'everybody there takes so long').toBe('quiet');
    const near = reading(pathExcess(plain, by(10)));
    expect(near.strength).toBeGreaterThan(alone.strength);
    expect(near.expected).toBeLessThan(alone.expected);
    expect(near.explanation).toContain('10.0 ms as the ways of 30 networks of that region show');
    const elsewhere = view({ sighting: sighting(address('203.0.113.9', 'warsaw')), transport: transportView(450) });
    expect(pathExcess(elsewhere, by(900)), 'a way around is not theirs').toEqual(pathExcess(elsewhere, parameters));
  });

  test('a far egress of people at home is on the way', () => {
    const egress = sighting(address('203.0.113.9', 'warsaw', { category: 'BUSINESS' }));
    expect(pathExcess(view({ sighting: egress, transport: transportView(330) }), parameters)).toBe('quiet');
  });
});

describe('relay address', () => {
  const of = (change: Partial<ReturnType<typeof address>>) => relayAddress(view({ sighting: sighting(address('203.0.113.4', 'denver', change)) }), parameters);
  test('hosting and VPN are ubiquitous, Tor and blocked networks are not, homes are quiet', () => {
    expect(reading(of({ category: 'HOSTING' })).ubiquitous).toBe(true);
    expect(reading(of({ category: 'VPN' })).ubiquitous).toBe(true);
    expect(reading(of({ category: 'TOR' }))).toMatchObject({ ubiquitous: false });
    expect(reading(of({ policy: policy('BLOCKED') }))).toMatchObject({ ubiquitous: false });
    expect(of({})).toBe('quiet');
    expect(of({ category: 'VPN', policy: policy('CORPORATE_EGRESS') })).toBe('quiet');
    expect(of({ category: 'VPN', categoryReason: 'feed:apple-private-relay' })).toBe('quiet');
    expect(relayAddress(view({ sighting: null }), parameters)).toBeNull();
  });
  test('at a hosted desktop a hosting network says little, whether anybody types in the window or not', () => {
    const hosting = sighting(address('203.0.113.4', 'denver', { category: 'HOSTING' }));
    const at = (sensor: SessionView['sensor'], gap: SessionView['gap']): number => reading(relayAddress(view({ sighting: hosting, sensor, gap }), parameters)).strength;
    expect(at('VDI_GATEWAY', gapView(4, { sensor: 'VDI_GATEWAY' }))).toBeLessThan(0.5);
    expect(at('VDI_GATEWAY', null)).toBe(at('VDI_GATEWAY', gapView(4, { sensor: 'VDI_GATEWAY' })));
    expect(at(null, null), 'before the first keystroke it may be one').toBe(at('VDI_GATEWAY', null));
    expect(at('ENDPOINT_AGENT', null)).toBe(at('ENDPOINT_AGENT', gapView(4)));
    expect(at('ENDPOINT_AGENT', null)).toBeGreaterThan(1.5);
    const far = view({ sighting: sighting({ ...abroad, category: 'HOSTING' }), sensor: 'VDI_GATEWAY', gap: null, transport: transportView(400) });
    expect(reading(declaredPlace(far, parameters)).strength).toBe(1);
  });
  test('an exit with a way that is too long for it is counted once, with the path', () => {
    const far = view({ sighting: sighting(address('203.0.113.4', 'denver', { category: 'VPN' })), transport: transportView(250) });
    expect(relayAddress(far, parameters)).toBe('quiet');
    const home = view({ transport: transportView(250) });
    expect(reading(pathExcess(far, parameters)).strength).toBeGreaterThan(reading(pathExcess(home, parameters)).strength + 1);
    expect(reading(pathExcess(far, parameters)).explanation).toContain('VPN exit');
  });
});

describe('impossible travel', () => {
  const home = sighting();
  const there = (minutes: number) => sighting(abroad, { at: home.at + minutes * 60_000 });
  test('an ocean in half an hour is impossible, in half a day it is not', () => {
    const travel = travelBetween(home, home.at, there(30), false, parameters)!;
    expect(travel.soft).toBe(false);
    const found = reading(impossibleTravel(view({ travel: { ...travel, at: START } }), parameters));
    expect(found.observed).toBeCloseTo(travel.distanceKm / 0.5, 0);
    expect(strengthTold(found)).toBeCloseTo(found.strength, 2);
    expect(found.explanation).toContain('Denver');
    expect(travelBetween(home, home.at, there(12 * 60), false, parameters)).toBeNull();
  });
  test('the same address, near places and egresses are no travel; moving networks and an unchanged round trip are soft', () => {
    expect(travelBetween(home, home.at, { ...home, latitude: 52, longitude: 21, at: home.at + 1000 }, false, parameters)).toBeNull();
    expect(travelBetween(home, home.at, sighting(address('203.0.113.7', 'denver')), false, parameters)).toBeNull();
    expect(canSight(sighting({ ...abroad, policy: policy('CORPORATE_EGRESS') }))).toBe(false);
    expect(travelBetween(home, home.at, sighting({ ...abroad, category: 'MOBILE' }), false, parameters)!.soft).toBe(true);
    expect(travelBetween(home, home.at, there(5), true, parameters)!.soft).toBe(true);
  });
  test('it is held for its time only', () => {
    const travel = { ...travelBetween(home, home.at, there(30), false, parameters)!, at: START - config.network.travelHoldMs - 60_001 };
    expect(impossibleTravel(view({ travel }), parameters)).toBe('quiet');
    expect(impossibleTravel(view(), parameters)).toBeNull();
  });
});
