import { describe, expect, it } from 'vitest';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import type { Label } from '../simulate/options.ts';
import { judgeGoals } from './goals.ts';
import { Outcomes, type SessionOutcome } from './outcome.ts';
import { inPart } from './split.ts';
import { falseFindings, recallOfPeople, recallOfSessions, scoreRule } from './summary.ts';
import { textOf } from './table.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;

const label = (sessionId: string, kind: string, remote: boolean, startsAt: number | null = null): Label => ({
  tenantId: 't',
  sessionId,
  remote,
  kind,
  startsAt,
  hiddenLegMs: 0,
  foreignSource: false,
});

const typing = (sessionId: string, observedAt: number): EnrichedEvent =>
  ({ type: 'EnrichedKeystrokes', event: { type: 'KeystrokeLatency', tenantId: 't', userId: sessionId, sessionId, observedAt, intervalMs: 10_000, networkRttMs: 0, latencyClock: 'ROUND_TRIP', registrationLatencyMs: [1], interKeyMs: [], holdMs: [], inputOrigin: 'HARDWARE' } }) as unknown as EnrichedEvent;

const finding = (sessionId: string, findingId: string, severity: string, detectedAt: number, status = 'OPENED'): SuspiciousSession =>
  ({ tenantId: 't', sessionId, findingId, severity, detectedAt, status, evidenceStrength: 1, operatorDistanceKm: null, evidence: [{ signal: 'hiddenLeg', strength: 1, explanation: 'because' }] }) as unknown as SuspiciousSession;

/** Each session types for 10 s once a minute, for two hours from the first. */
function played(labels: readonly Label[], findings: readonly SuspiciousSession[]): SessionOutcome[] {
  const outcomes = new Outcomes(labels, labels.map(({ sessionId, kind, remote }) => ({ tenantId: 't', userId: sessionId, kind, piloted: remote, legMs: 50, operatorKm: null })), ({ sessionId }) => sessionId);
  for (const { sessionId } of labels) outcomes.enriched(Array.from({ length: 120 }, (_, i) => typing(sessionId, HOUR + i * MINUTE)));
  outcomes.found(findings);
  return outcomes.all();
}

describe('Outcomes', () => {
  const outcomes = played(
    [label('a', 'proxy-40-80@first', true, 2 * HOUR), label('b', 'proxy-40-80@first', true, HOUR), label('c', 'plain', false), label('d', 'plain', false)],
    [
      finding('a', 'f0', 'HIGH', HOUR + 5 * MINUTE),
      finding('a', 'f1', 'LOW', 2 * HOUR + 6 * MINUTE),
      finding('a', 'f1', 'HIGH', 2 * HOUR + 12 * MINUTE),
      finding('c', 'f2', 'MEDIUM', 2 * HOUR),
      finding('c', 'f2', 'LOW', 2 * HOUR + MINUTE),
    ],
  );

  it('counts typing and not time, from the beginning of the piloting, and nothing that was said before it', () => {
    const [a, b] = outcomes as [SessionOutcome, SessionOutcome];
    expect(a.found.map((sighted) => sighted?.typingMin)).toEqual([1, 2, 2]);
    expect(a.typingMin).toBeCloseTo(59 / 6);
    expect(b.found).toEqual([null, null, null]);
    const recall = recallOfSessions('proxy', [a, b]);
    expect(recall).toMatchObject({ total: 2, found: { any: 1, MEDIUM: 1, HIGH: 1 }, medianTime: { any: 1, MEDIUM: 2 } });
  });

  it('counts a false finding once, by the highest level it reached, over session-days', () => {
    const rates = falseFindings('plain', outcomes.slice(2));
    expect(rates).toMatchObject({ sessionDays: 2, findings: { any: 1, MEDIUM: 1, HIGH: 0 } });
    expect(rates.per1000.MEDIUM).toBe(500);
    expect(rates.upper1000).toBeGreaterThan(2000);
  });

  it('prints goals and kinds', () => {
    const text = textOf(outcomes);
    expect(text).toMatch(/proxy, 40–80 ms +sessions +2 +50% .* NOT MET/);
    expect(text).toMatch(/plain +2 +1 +1 +0 +500\.0 +500\.0/);
  });
});

describe('people', () => {
  const session = (userId: string, day: number, found: boolean): SessionOutcome =>
    ({ tenantId: 't', userId, sessionId: `${userId}${day}`, kind: 'k', personKind: 'night-operator@first', remote: true, startsAt: day * 24 * HOUR, days: [day], typingMin: 60, found: [null, found ? { typingMin: 3, at: 0 } : null, null].map((x, i) => (i === 0 && found ? { typingMin: 1, at: 0 } : x)), findings: [0, 0, 0], strength: 0, held: {}, rules: {}, told: [] }) as unknown as SessionOutcome;
  const outcomes = [session('u', 0, false), session('u', 1, false), session('u', 4, true), session('v', 0, true), session('w', 0, false)];

  it('are found once, after as many piloted working days as they had until then', () => {
    const recall = recallOfPeople('night', outcomes);
    expect(recall).toMatchObject({ total: 3, found: { any: 2, MEDIUM: 2, HIGH: 0 }, medianTime: { any: 2, MEDIUM: 2 } });
  });

  it('meet a goal only with the share and the time that it asks for', () => {
    const [row] = judgeGoals(outcomes);
    expect(row).toMatchObject({ met: false, byMode: { history: null } });
    expect(judgeGoals(outcomes.filter(({ userId }) => userId !== 'w'))[0]!.met).toBe(true);
  });

  it('fail the goal of rhythm alone where anything says MEDIUM', () => {
    const rhythm = outcomes.map((outcome) => ({ ...outcome, personKind: 'account-rhythm@history' })).filter(({ userId }) => userId === 'v');
    expect(judgeGoals(rhythm)[0]!.met).toBe(false);
    expect(judgeGoals(rhythm.map((outcome) => ({ ...outcome, found: [outcome.found[0]!, null, null] })))[0]!.met).toBe(true);
  });
});

describe('scoreRule', () => {
  it('counts a rule on piloted sessions only from the beginning of the piloting', () => {
    const [a, b] = played([label('a', 'x@first', true, 2 * HOUR), label('b', 'plain', false)], []) as [SessionOutcome, SessionOutcome];
    a.rules['r'] = { typingMin: 0, at: HOUR };
    b.rules['r'] = { typingMin: 0, at: HOUR };
    expect(scoreRule('r', [a], [b])).toEqual({ rule: 'r', recall: 0, per1000: 1000 });
    a.rules['r'] = { typingMin: 0, at: 2 * HOUR };
    expect(scoreRule('r', [a], [b]).recall).toBe(1);
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
