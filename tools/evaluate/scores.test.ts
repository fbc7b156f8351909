import { describe, expect, it } from 'vitest';
import type { EnrichedEvent, KeystrokeLatency } from '#schemas/records.ts';
import type { Label } from '../simulate/options.ts';
import { Scores } from './scores.ts';
import { simpleRules } from './simple-rules.ts';
import { inPart } from './split.ts';
import { tableOf } from './table.ts';

const label = (sessionId: string, kind: string, remote: boolean, startsAt: number | null = null): Label => ({
  tenantId: 't',
  sessionId,
  remote,
  kind,
  startsAt,
  hiddenLegMs: 0,
  foreignSource: false,
});
const HOUR = 3_600_000;

describe('Scores', () => {
  const scores = new Scores([label('a', 'proxy', true, HOUR), label('b', 'proxy', true, HOUR), label('c', 'home', false), label('d', 'home', false)]);
  for (const sessionId of ['a', 'b', 'c', 'd']) for (const observedAt of [HOUR, 2 * HOUR]) scores.active({ tenantId: 't', sessionId, observedAt });
  scores.active({ tenantId: 't', sessionId: 'd', observedAt: 25 * HOUR });
  const seen = (sessionId: string, id: string, severity: 'LOW' | 'MEDIUM' | 'HIGH', at: number): void =>
    scores.seen({ tenantId: 't', sessionId, id, severity, at });
  seen('a', 'f1', 'LOW', HOUR + 5 * 60_000);
  seen('a', 'f1', 'HIGH', HOUR + 30 * 60_000);
  seen('c', 'f2', 'MEDIUM', 2 * HOUR);
  seen('c', 'f2', 'LOW', 3 * HOUR);
  const [proxy, home] = scores.rows();

  it('counts piloted sessions by the highest level reached, and the minutes to the first', () => {
    expect(proxy).toMatchObject({ kind: 'proxy', remote: true, sessions: 2, found: { any: 1, MEDIUM: 1, HIGH: 1 }, medianMinutes: 5, falsePer1000: null });
  });

  it('counts a false finding once, by its highest level, over the session-days', () => {
    expect(home).toMatchObject({ kind: 'home', sessions: 2, sessionDays: 3, medianMinutes: null });
    expect(home!.falsePer1000!.any).toBeCloseTo(1000 / 3);
    expect(home!.falsePer1000!.MEDIUM).toBeCloseTo(1000 / 3);
    expect(home!.falsePer1000!.HIGH).toBe(0);
  });

  it('prints one row per kind, and sums', () => {
    const rows = scores.rows();
    const text = tableOf({ scores: [{ detector: 'farhand', rows }, { detector: 'rule', rows }] });
    expect(text).toMatch(/proxy +2 +1 +1 +1 +5 +1/);
    expect(text).toMatch(/all honest +3 +333\.3 +333\.3 +0\.0 +333\.3/);
  });
});

describe('simple rules', () => {
  const keystrokes = (sessionId: string, latency: number, networkRttMs: number): EnrichedEvent => {
    const event = { type: 'KeystrokeLatency', tenantId: 't', userId: 'u', sessionId, observedAt: 5, latencyClock: 'ROUND_TRIP', networkRttMs, registrationLatencyMs: Array.from({ length: 100 }, (_, i) => latency + i / 100) } as KeystrokeLatency;
    return { type: 'EnrichedKeystrokes', event, context: { assignment: null, vantage: null, feedback: null } };
  };
  const flagged = (name: string, records: readonly EnrichedEvent[]): number => {
    const rule = simpleRules().find((r) => r.name === name)!;
    return records.filter((record) => rule.take(record) !== null).length;
  };

  it('cuts at 110 ms of median latency over 200 keystrokes, once per session', () => {
    expect(flagged('latency > 110 ms', [keystrokes('s', 120, 100), keystrokes('s', 120, 100), keystrokes('s', 120, 100)])).toBe(1);
    expect(flagged('latency > 110 ms', [keystrokes('s', 100, 20), keystrokes('s', 100, 20)])).toBe(0);
    expect(flagged('latency > 110 ms', [keystrokes('s', 120, 100)])).toBe(0);
  });

  it('cuts at a gap of 25 ms', () => {
    expect(flagged('gap > 25 ms', [keystrokes('s', 70, 40)])).toBe(1);
    expect(flagged('gap > 25 ms', [keystrokes('s', 120, 100)])).toBe(0);
  });
});

describe('inPart', () => {
  it('gives each name to exactly one half, about evenly', () => {
    const names = Array.from({ length: 2000 }, (_, i) => `person ${i}`);
    const dev = names.filter((name) => inPart(name, 'dev'));
    expect(dev.length).toBeGreaterThan(900);
    expect(dev.length).toBeLessThan(1100);
    expect(names.every((name) => inPart(name, 'dev') !== inPart(name, 'test') && inPart(name, 'all'))).toBe(true);
  });
});
