import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { AT, keystrokes } from '../test-history.ts';
import { TimeBuckets } from './buckets.ts';
import { ReportData } from './data.ts';
import { mapSvg, ringOf, worldPath } from './map.ts';
import { DARK, LIGHT } from './style.ts';

const latitude = fc.double({ min: -85, max: 85, noNaN: true });
const longitude = fc.double({ min: -180, max: 180, noNaN: true });

describe('map', () => {
  it('draws the ring at its distance, cut where it leaves the map', () => {
    fc.assert(
      fc.property(latitude, longitude, fc.double({ min: 10, max: 19_000, noNaN: true }), (lat, lon, km) => {
        const lines = ringOf({ latitude: lat, longitude: lon }, km);
        for (const line of lines) {
          for (const point of line) expect(greatCircleKm(lat, lon, point.latitude, point.longitude)).toBeCloseTo(km, 3);
          for (let i = 1; i < line.length; i++) expect(Math.abs(line[i]!.longitude - line[i - 1]!.longitude)).toBeLessThanOrEqual(180);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('has an outline of bounded size without lines across the map', () => {
    const world = worldPath();
    expect(world.length).toBeGreaterThan(20_000);
    expect(world.length).toBeLessThan(60_000);
    // Relative steps: a line across the map would be one of more than 180 degrees.
    for (const [, dx] of world.matchAll(/l(-?[\d.]+)/g)) expect(Math.abs(Number(dx))).toBeLessThan(60);
  });

  it('says in words what it shows, as text and not as markup', () => {
    const place = { latitude: 40, longitude: -74, name: '<New York>' };
    const svg = mapSvg({ declared: place, source: null, vantage: null, distance: null })!;
    expect(svg).toContain('declared at &lt;New York&gt;');
    expect(svg).not.toContain('<New');
    expect(mapSvg({ declared: null, source: null, vantage: place, distance: null })).toBeNull();
  });
});

describe('time buckets', () => {
  const kind = { create: () => ({ sum: 0 }), join: (into: { sum: number }, from: { sum: number }) => void (into.sum += from.sum) };
  const fill = (times: readonly number[]) => {
    const buckets = new TimeBuckets(kind, 10, 8);
    for (const time of times) buckets.at(time).sum++;
    return buckets;
  };

  it('stay within their number, lose nothing and do not depend on the order or on who saw what', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 80 }), fc.array(fc.boolean(), { minLength: 80, maxLength: 80 }), (times, first) => {
        const whole = fill(times);
        expect(whole.entries().length).toBeLessThanOrEqual(8);
        expect(whole.entries().reduce((sum, [, bucket]) => sum + bucket.sum, 0)).toBe(times.length);
        expect(fill(times.toReversed()).entries()).toEqual(whole.entries());
        const merged = fill(times.filter((_, i) => first[i]));
        merged.absorb(fill(times.filter((_, i) => !first[i])).state());
        expect([merged.sizeMs, merged.entries()]).toEqual([whole.sizeMs, whole.entries()]);
      }),
    );
  });
});

describe('report data', () => {
  const event = (sessionId: string, at: number): EnrichedEvent => ({ type: 'EnrichedKeystrokes', event: keystrokes({ sessionId, observedAt: at }), context: { assignment: null, vantage: null, feedback: null } });
  const opened = (sessionId: string, at: number) =>
    ({ tenantId: 'acme', sessionId, findingId: `f-${sessionId}-${at}`, status: 'OPENED', severity: 'LOW', riskScore: 30, evidenceStrength: 2, detectedAt: at, windowEnd: at, evidence: [] }) as unknown as SuspiciousSession;

  it('follows sessions before anything is found about them, and lets the others go', () => {
    const data = new ReportData(new Map());
    const day = 24 * 3_600_000;
    data.events([event('found', AT), event('quiet', AT)]);
    data.findings([opened('found', AT + 60_000)]);
    data.events([event('other', AT + 2 * day)]);
    expect(data.tracks.get('acme\u001ffound')?.points.size).toBe(1);
    expect(data.tracks.get('acme\u001fquiet')).toBeNull();
    expect([...data.state().tracks.keys()]).toEqual(['acme\u001ffound']);
  });

  it('keeps the findings that opened first, whoever saw them', () => {
    const findings = Array.from({ length: 1200 }, (_, i) => opened(`s${i % 700}`, AT + ((i * 7919) % 1200) * 1000));
    const whole = new ReportData(new Map());
    whole.findings(findings);
    const halves = [0, 1].map((half) => {
      const data = new ReportData(new Map());
      data.findings(findings.filter((_, i) => i % 2 === half));
      return structuredClone(data.state());
    });
    const merged = new ReportData(new Map());
    for (const half of halves) merged.absorb(half);
    const kept = (data: ReportData) => [...data.findingsById.keys()].toSorted();
    expect(kept(merged)).toEqual(kept(whole));
    expect([whole.findingsById.size, whole.leftOut, merged.leftOut]).toEqual([1000, 200, 200]);
    expect(Math.max(...[...whole.findingsById.values()].map(({ first }) => first.detectedAt))).toBe(AT + 999_000);
  });
});

/** WCAG 2.2: relative luminance, and contrast of two colours. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => Number.parseInt(hex.slice(i, i + 2), 16) / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
const contrast = (a: string, b: string): number => {
  const [high, low] = [luminance(a), luminance(b)].toSorted((x, y) => y - x);
  return (high! + 0.05) / (low! + 0.05);
};

it.each([['light', LIGHT], ['dark', DARK]])('text of the %s theme stands out from its ground', (_name, theme) => {
  for (const text of ['ink', 'soft', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL', 'good', 'bad']) {
    for (const ground of ['ground', 'card']) expect([text, ground, contrast(theme[text]!, theme[ground]!) >= 4.5]).toEqual([text, ground, true]);
  }
  // What is drawn needs 3 : 1 (1.4.11).
  for (const line of ['a', 'b', 'c', 's1', 's2', 's3', 's4', 's5', 's6', 's7', 'focus']) expect([line, contrast(theme[line]!, theme['card']!) >= 3]).toEqual([line, true]);
});
