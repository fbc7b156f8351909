import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPriorBaseline } from './baseline.ts';
import { behindGateway, gatewayLegMostMs } from './gateway-reference.ts';
import { declaredPlace } from './declared-place.ts';
import { hiddenLeg } from './hidden-leg.ts';
import { pathExcess } from './path-excess.ts';
import { QUIET } from './reading.ts';
import { address, config, gapView, parameters, RANK, rankAlone, reading, sighting, transportView, view } from './test-view.ts';

const prior = createPriorBaseline(config).reference({ tenantId: 't', vantageId: null, sensor: 'ENDPOINT_AGENT', twoClocks: false, country: null });
const gateway = { people: 8, shown: 6, gapsMs: [45, 60, 62, 80, 95, 110] };

describe('gaps behind a gateway', () => {
  test('the share of its people with at least such a gap is a p-value: uniform at the least', () => {
    const reference = behindGateway(prior, gateway, 0, 1);
    for (const [rank, gapMs] of gateway.gapsMs.entries()) expect(10 ** reference.log10Tail(gapMs)).toBeGreaterThanOrEqual((6 - rank) / 6 - 1e-9);
    fc.assert(fc.property(fc.double({ min: 0, max: 2000, noNaN: true }), fc.double({ min: 0, max: 500, noNaN: true }), (gapMs, most) => {
      const share = 10 ** behindGateway(prior, gateway, most, 1).log10Tail(gapMs);
      expect(share).toBeGreaterThanOrEqual(1 / 6 - 1e-9);
      expect(share).toBeLessThanOrEqual(1);
    }));
  });

  test('many people allow a small share, but only beyond the longest way to the declared place', () => {
    const many = { people: 400, shown: 400, gapsMs: Array.from({ length: 400 }, (_, i) => 40 + i / 10) };
    expect(behindGateway(prior, many, 100, 1).log10Tail(95)).toBeGreaterThan(-0.4);
    expect(behindGateway(prior, many, 100, 1).log10Tail(300)).toBeCloseTo(Math.log10(1 / 400), 6);
  });

  test('of one that the organisation has declared and nobody knows yet, the way alone is granted', () => {
    const unknown = behindGateway(prior, { people: 0, shown: 0, gapsMs: [] }, 100, 1);
    expect(unknown.log10Tail(190)).toBeCloseTo(prior.log10Tail(90), 9);
    expect(unknown.atShare(0.1)).toBeCloseTo(prior.atShare(0.1) + 100, 9);
    expect(unknown.origin).toContain('beyond the 100 ms');
  });

  test('one way is half of a round trip', () => {
    expect(behindGateway(prior, gateway, 90, 0.5).log10Tail(30)).toBe(behindGateway(prior, gateway, 90, 1).log10Tail(60));
  });

  test('the way is bounded by the one to the vantage and on', () => {
    expect(gatewayLegMostMs(view({ transport: null }), parameters)).toBe(0);
    expect(gatewayLegMostMs(view({ transport: transportView(50) }), parameters)).toBeGreaterThan(50 + config.network.lastMileMs);
  });
});

describe('a session behind a gateway', () => {
  const source = address('203.0.113.99', 'warsaw', { category: 'BUSINESS' });
  const seen = view({ gap: gapView(96), sighting: sighting(source), transport: transportView(150), gateway });

  test('the gap of the others is no finding, and neither is the way to it', () => {
    expect(rankAlone('hiddenLeg', reading(hiddenLeg({ ...seen, gateway: null, sighting: sighting() }, parameters)))).toBe(RANK.MEDIUM);
    expect(hiddenLeg(seen, parameters)).toBe(QUIET);
    expect(pathExcess({ ...seen, transport: transportView(400) }, parameters)).toBe(QUIET);
  });

  test('of one whose people are not known a gap alone stays LOW, however large: the person\'s own line is behind it', () => {
    const nobody = { ...seen, gap: gapView(400), gateway: { people: 0, shown: 0, gapsMs: [] } };
    const found = reading(hiddenLeg(nobody, parameters));
    expect(rankAlone('hiddenLeg', found)).toBe(RANK.LOW);
    expect(found.explanation).toContain('too few people are known behind the gateway');
    const many = { people: 4000, shown: 4000, gapsMs: Array.from({ length: 4000 }, (_, i) => 40 + i / 100) };
    expect(reading(hiddenLeg({ ...nobody, gateway: many }, parameters)).explanation).not.toContain('too few people');
  });

  test('that it stands abroad opens nothing alone, and the sentence says how many it serves', () => {
    const found = reading(declaredPlace(seen, parameters));
    expect(found.ubiquitous).toBe(true);
    expect(found.explanation).toContain('it ends the transport of 6 people');
    expect(reading(declaredPlace({ ...seen, gateway: null }, parameters)).ubiquitous).toBe(false);
  });
});
