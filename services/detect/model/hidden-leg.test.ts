import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readEgress, type EgressFigures } from '../fleet/egress.ts';
import { hiddenLeg } from './hidden-leg.ts';
import type { Coupling } from './coupling.ts';
import type { SessionView } from './view.ts';
import { RANK, address, gapView, parameters, rankAlone, reading, sighting, transportView, view } from './test-view.ts';

const at = (gapMs: number, change: Parameters<typeof gapView>[1] = {}) => hiddenLeg(view({ gap: gapView(gapMs, change) }), parameters);
/** 1,000 keystrokes whose latencies and intervals grow together: their number, the sum of products, and of their squares. */
const coupled: Coupling = Float64Array.of(1000, 400_000, 800_000_000);
const rank = (answer: unknown): number => (typeof answer === 'object' && answer !== null ? rankAlone('hiddenLeg', reading(answer)) : RANK.NONE);

describe('hidden leg', () => {
  test('direct connections are quiet, and nothing is said without keystrokes', () => {
    for (const gapMs of [0.3, 2, 5, 7.5]) expect(at(gapMs)).toBe('quiet');
    expect(hiddenLeg(view({ gap: null }), parameters)).toBeNull();
    expect(at(200, { keys: 20 })).toBeNull();
  });

  test('a gap that has not been there for long may be a burst of load, for longer where it spreads as load does', () => {
    const held = (count: number, spreadMs: number) => reading(at(95, { minutes: Array.from({ length: count }, (_, i) => ({ end: i * 60_000, samples: 60, low: 95, middle: 95 + spreadMs })), jitterMs: spreadMs })).strength;
    expect(held(4, 2)).toBeCloseTo(held(6, 2), 1);
    expect(held(3, 2)).toBeLessThan(held(4, 2) - 1);
    expect(held(5, 40)).toBeLessThan(held(6, 40) - 1);
    expect(reading(at(84, { minutes: [1, 2, 3].map((i) => ({ end: i * 60_000, samples: 60, low: 84, middle: 86 })) })).explanation).toContain('70% of this gap');
  });

  test('strength never falls with the gap', () => {
    fc.assert(
      fc.property(fc.double({ min: 9, max: 300, noNaN: true }), fc.double({ min: 0, max: 200, noNaN: true }), (gapMs, more) => {
        const [less, greater] = [at(gapMs), at(gapMs + more)].map((answer) => (typeof answer === 'object' && answer !== null ? answer.strength : 0));
        expect(greater!).toBeGreaterThanOrEqual(less! - 0.12);
      }),
    );
  });

  test('more than 94 ms is MEDIUM by itself, a calm +60 ms LOW and never more', () => {
    expect(rank(at(94))).toBe(RANK.MEDIUM);
    for (const gapMs of [57, 60, 66, 84, 90]) expect(rank(at(gapMs))).toBe(RANK.LOW);
    for (const gapMs of [12, 25, 42]) expect(rank(at(gapMs))).toBe(RANK.NONE);
  });

  test('in a business network, which may have a gateway of its own, a gap alone stays LOW', () => {
    const from = (category: 'BUSINESS' | 'RESIDENTIAL') => hiddenLeg(view({ gap: gapView(240), sighting: sighting(address('203.0.113.4', 'denver', { category })) }), parameters);
    expect(rank(from('RESIDENTIAL'))).toBe(RANK.MEDIUM);
    expect(rank(from('BUSINESS'))).toBe(RANK.LOW);
    expect(reading(from('BUSINESS')).explanation).toContain('a gateway of its own');
    expect(reading(from('RESIDENTIAL')).explanation).not.toContain('a gateway of its own');
  });

  test('behind an address where colleagues keep one working day, a gap alone stays LOW, unless it is coupled to the intervals; few people, or people in turn, are none', () => {
    const behind = (change: Partial<EgressFigures>, coupling: SessionView['coupling'] = null) => {
      const figures = { ...readEgress([1, 7, 7, 0, 5, 5, 3, 0, 6, 300, 18, 15, 0, 0]), ...change };
      return hiddenLeg(view({ gap: gapView(240), coupling, fleet: { egress: { figures, subject: 's', until: 0 }, shipTo: null, rhythm: null } }), parameters);
    };
    expect(rank(behind({}))).toBe(RANK.LOW);
    expect(reading(behind({})).explanation).toContain('7 people of the organisation keep one working day behind this address');
    for (const change of [{ people: 3 }, { together: 14 }, { together: 0 }, { together: 13, expected: 7 }]) expect(rank(behind(change)), JSON.stringify(change)).toBe(RANK.MEDIUM);
    expect(rank(behind({}, coupled))).toBe(RANK.MEDIUM);
  });

  test('drift of its own over half an hour raises 60 ms to MEDIUM; a machine that stays where it is does not', () => {
    const minutes = (driftMs: number) => Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 60 + (driftMs * i) / 20, middle: 64 + (driftMs * i) / 20 }));
    expect(rank(at(65, { minutes: minutes(28) }))).toBe(RANK.MEDIUM);
    expect(rank(at(65, { minutes: minutes(0.5) }))).toBe(RANK.LOW);
    const moving = hiddenLeg(view({ gap: gapView(65, { minutes: minutes(28).map((minute) => ({ ...minute, low: minute.low + 2, middle: minute.middle + 2 })) }), transport: transportView(45, { lowerSpreadMs: 12 }) }), parameters);
    expect(rank(moving)).toBe(RANK.LOW);
  });

  test('a small drift counts for less where the keys are as regular as ever: a load that lasts does that', () => {
    const minutes = (spread: number) => Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 45 + (9 * i) / 20, middle: 45 + (9 * i) / 20 + spread }));
    const strength = (spread: number): number => reading(at(50, { minutes: minutes(spread) })).strength;
    expect(rank(at(50, { minutes: minutes(2) }))).toBeLessThan(RANK.MEDIUM);
    expect(strength(9)).toBeGreaterThan(strength(2));
  });

  test('a floor that drifts says nothing where the transport spreads keys so much that load could not be seen in them', () => {
    const minutes = Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 45 + i, middle: 51 + i }));
    const over = (lowerSpreadMs: number): unknown => hiddenLeg(view({ gap: gapView(50, { minutes }), transport: transportView(45, { lowerSpreadMs }) }), parameters);
    expect(reading(over(2.9)).explanation).toContain('drifts by');
    expect(reading(over(3.1)).explanation).not.toContain('drifts by');
    expect(reading(over(3.1)).strength).toBeLessThan(reading(over(2.9)).strength - 1);
  });

  test('a floor that drifts with regular keys says nothing at a bastion, where nothing tells a machine from a leg; with jitter it does', () => {
    const minutes = (spreadMs: number) => Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 60 + i, middle: 60 + spreadMs + i }));
    const drifting = (sensor: 'BASTION' | 'ENDPOINT_AGENT', spreadMs: number) => reading(at(65, { sensor, minutes: minutes(spreadMs) }));
    expect(drifting('ENDPOINT_AGENT', 4).explanation).toContain('drifts by');
    expect(drifting('BASTION', 4).explanation).not.toContain('drifts by');
    expect(rank(drifting('BASTION', 4))).toBe(RANK.LOW);
    expect(drifting('BASTION', 16).explanation).toContain('drifts by');
  });

  test('jitter of its own, which the transport does not show, raises 60 ms to MEDIUM; that of the transport does not', () => {
    const minutes = Array.from({ length: 6 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 60 + (i % 3), middle: 80 }));
    expect(rank(at(60, { jitterMs: 35, minutes }))).toBe(RANK.MEDIUM);
    expect(rank(at(60, { jitterMs: 35 }))).toBe(RANK.LOW);
    const shown = hiddenLeg(view({ gap: gapView(60, { jitterMs: 35, minutes }), transport: transportView(45, { lowerSpreadMs: 30 }) }), parameters);
    expect(rank(shown)).toBe(RANK.LOW);
  });

  test('a device with the same calm gap on earlier days is taken for a slow machine', () => {
    const own = { days: 5, minutes: 600, lowMs: 61, typicalMs: 61, oftenMs: 62, highMs: 63, spreadMs: 0 };
    expect(rank(at(60, { own }))).toBe(RANK.NONE);
    expect(rank(at(60, { own: { ...own, typicalMs: 8, oftenMs: 9, highMs: 9, spreadMs: 0 } }))).toBe(RANK.LOW);
    const beyond = { own: { ...own, typicalMs: Infinity, oftenMs: Infinity, highMs: Infinity } };
    expect(at(400, beyond), 'days beyond the grid of the history are no calm ones').toEqual(at(400));
  });

  test('load that comes and goes is no leg: all but one of the last minutes must have the gap', () => {
    const minute = (low: number, i: number) => ({ end: i * 60_000, samples: 60, low, middle: low + 1 });
    expect(at(50, { minutes: [5, 52, 6, 51, 50, 7].map(minute) })).toBe('quiet');
    expect(rank(at(58, { minutes: [58, 60, 6, 59, 58, 60].map(minute) }))).toBe(RANK.LOW);
  });

  test('keystrokes of somebody near among those over a leg do not hide it; a wide honest spread is none', () => {
    const minutes = (middle: number) => Array.from({ length: 12 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 4, middle }));
    const chaff = at(4, { minutes: minutes(160) });
    expect(rank(chaff)).toBe(RANK.MEDIUM);
    expect(reading(chaff).explanation).toContain('somebody near typed among them');
    expect(at(4, { minutes: minutes(30) })).toBe('quiet');
    const jittery = hiddenLeg(view({ gap: gapView(4, { minutes: minutes(70) }), transport: transportView(45, { lowerSpreadMs: 25 }) }), parameters);
    expect(jittery).toBe('quiet');
  });

  test('a steady 600 ms may be a satellite hop behind a proxy on the ground; one that drifts is a circuit of relays', () => {
    const minutes = (driftMs: number) => Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 600 + (driftMs * i) / 20, middle: 610 }));
    expect(rank(at(600, { minutes: minutes(10) }))).toBeLessThanOrEqual(RANK.LOW);
    expect(reading(at(600, { minutes: minutes(10) })).explanation).toContain('geostationary hop');
    expect(rank(at(600, { minutes: minutes(250) }))).toBe(RANK.MEDIUM);
    const short = Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 458 + (i % 4), middle: 480 }));
    expect(rank(at(460, { minutes: short })), 'less the jitter of the smoothed round trip').toBeLessThanOrEqual(RANK.LOW);
    expect(rank(at(430, { minutes: short.map((minute) => ({ ...minute, low: minute.low - 30 })) }))).toBe(RANK.MEDIUM);
    const queueing = Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: i % 5 < 2 ? 620 : 700 + 20 * (i % 5), middle: 800 }));
    expect(rank(at(700, { minutes: queueing })), 'a hop that queues and comes back to its floor').toBeLessThanOrEqual(RANK.LOW);
    const deep = (count: number) => Array.from({ length: count }, (_, i) => ({ end: i * 60_000, samples: 60, low: 1200 + 40 * (i % 3), middle: 1300 }));
    expect(rank(at(1200, { minutes: deep(8) })), 'a hop that has only been seen in a queue').toBeLessThanOrEqual(RANK.LOW);
    expect(rank(at(1200, { minutes: deep(20) }))).toBe(RANK.MEDIUM);
  });

  test('where nothing tells on which side of it the keys were typed, a gap as long as a satellite hop is LOW alone, however it drifts', () => {
    const drifting = Array.from({ length: 20 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 600 + 12 * i, middle: 620 + 12 * i }));
    for (const sensor of ['BASTION', 'VDI_GATEWAY'] as const) {
      const found = at(600, { minutes: drifting, sensor });
      expect(rank(found), sensor).toBe(RANK.LOW);
      expect(reading(found).explanation).toContain('nothing tells who sits before it');
      expect(rank(at(420, { sensor })), `${sensor}, shorter`).toBe(RANK.MEDIUM);
    }
    expect(rank(at(600, { minutes: drifting }))).toBe(RANK.MEDIUM);
  });

  test('two clocks: the clock error is taken off and named', () => {
    expect(at(25, { twoClocks: true, clockErrorMs: 20 })).toBe('quiet');
    const found = reading(at(110, { twoClocks: true, clockErrorMs: 20 }));
    expect(Math.abs(found.observed - 90)).toBeLessThan(1.5);
    expect(found.explanation).toContain('clock error of 20.0 ms');
  });

  test('a hosted desktop may have the leg to its region', () => {
    expect(rank(at(50, { sensor: 'VDI_GATEWAY' }))).toBe(RANK.NONE);
    expect(rank(at(350, { sensor: 'VDI_GATEWAY' }))).toBe(RANK.MEDIUM);
  });

  test('a route that changes behind a hosted desktop is no level of it; at one beside its gateway, and at any other sensor, the rise is a leg', () => {
    const minutes = (before: number, count = 8) => Array.from({ length: 24 }, (_, i) => ({ end: i * 60_000, samples: 60, low: i < count ? before : 400, middle: (i < count ? before : 400) + 5 }));
    const hosted = at(400, { sensor: 'VDI_GATEWAY', minutes: minutes(107) });
    expect(rank(hosted)).toBeLessThan(RANK.LOW + 1);
    expect(reading(hosted).explanation).toContain('only the 107 ms that the gap comes back to count');
    expect(rank(at(400, { sensor: 'VDI_GATEWAY', minutes: minutes(8) }))).toBe(RANK.MEDIUM);
    expect(rank(at(400, { sensor: 'BASTION', minutes: minutes(107) }))).toBe(RANK.MEDIUM);
    const own = { days: 1, minutes: 600, lowMs: 107, typicalMs: 107, oftenMs: 112, highMs: 115, spreadMs: 0 };
    expect(rank(at(400, { sensor: 'VDI_GATEWAY', minutes: minutes(400), own })), 'on an earlier day').toBeLessThan(RANK.LOW + 1);
    expect(rank(at(400, { sensor: 'VDI_GATEWAY', minutes: minutes(400) }))).toBe(RANK.MEDIUM);
  });

  test('the explanation carries the numbers of the evidence', () => {
    const found = reading(at(84));
    for (const value of [found.observed.toFixed(1), found.expected.toFixed(1), '400']) expect(found.explanation).toContain(value);
  });
});
