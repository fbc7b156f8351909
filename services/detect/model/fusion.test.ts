import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thresholdsOf } from '#lib/siem/severity.ts';
import type { SignalFamily } from '#schemas/records.ts';
import { advanceHeld, fuse, riskScoreOf, severityOf, severityRank } from './fusion.ts';
import { hypothesesOf } from './hypotheses.ts';
import { strengthOfP, strengthOfShare, type Reading } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { config } from './test-view.ts';

const settings = config.fusion;
const thresholds = thresholdsOf(settings);
const held = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: SIGNALS.length, maxLength: SIGNALS.length });
const flags = fc.array(fc.boolean(), { minLength: SIGNALS.length, maxLength: SIGNALS.length });
const answer = (strength: number): Reading => ({ strength, ubiquitous: false, observed: 0, expected: 0, unit: '', samples: 1, windowStart: 0, windowEnd: 0, explanation: '' });
const nothing = SIGNALS.map(() => 0);

describe('calibrator', () => {
  test('its mean over a uniform p-value is at most 1: an e-value', () => {
    // Midpoints in log p, so that the steep part near 0 is resolved; below 0.1 e-values under 1 are told as 1.
    let mean = 0;
    for (let x = -60; x < -1; x += 0.001) mean += 10 ** strengthOfP(x + 0.0005) * (10 ** (x + 0.001) - 10 ** x);
    expect(mean).toBeGreaterThan(0.9);
    expect(mean).toBeLessThan(1.03);
    expect(strengthOfP(0)).toBe(0);
    expect(strengthOfP(-0.9)).toBe(0);
    expect(strengthOfP(-30)).toBe(strengthOfP(-6));
  });
  test('a fact that 1 of 1,000 honest session-days shows is worth 1,000', () => {
    expect(strengthOfShare(0.001)).toBeCloseTo(3, 12);
  });
});

describe('combination', () => {
  test('weights of a family sum to at most 1, so that its mean is an e-value', () => {
    const sums = new Map<SignalFamily, number>();
    for (const { family, weight } of SIGNALS) sums.set(family, (sums.get(family) ?? 0) + weight);
    for (const sum of sums.values()) expect(sum).toBeLessThanOrEqual(1 + 1e-9);
  });

  test('the combined value of honest sessions is an e-value: its mean is at most 1, whatever hangs together within a family', () => {
    // Signals of a family fire together (the worst dependence), families on their own, each as 1 of 100 honest sessions.
    const families = [...new Set(SIGNALS.map(({ family }) => family))];
    const share = 0.01;
    let mean = 0;
    for (let bits = 0; bits < 1 << families.length; bits++) {
      const fires = (family: SignalFamily) => (bits >> families.indexOf(family)) & 1;
      const values = SIGNALS.map(({ family }) => (fires(family) ? strengthOfShare(share) : 0));
      const firing = families.filter((family) => fires(family)).length;
      const { strength } = fuse(values, SIGNALS.map(() => false), settings);
      // A strength of 0 stands for all that is not evidence; it is at least the bets that were lost.
      const e = firing === 0 ? 0 : 10 ** strength;
      mean += e * share ** firing * (1 - share) ** (families.length - firing);
    }
    expect(mean).toBeLessThanOrEqual(1);
  });

  test('a second family adds, a second signal of the same family adds little', () => {
    const of = (...names: string[]) => fuse(SIGNALS.map(({ name }) => (names.includes(name) ? 2.5 : 0)), SIGNALS.map(() => false), settings).strength;
    expect(of('hiddenLeg', 'remoteControl')).toBeGreaterThan(of('hiddenLeg') + 1);
    expect(of('hiddenLeg', 'onset')).toBeLessThan(of('hiddenLeg') + 0.5);
  });
});

describe('held strength', () => {
  test('one window opens nothing, but for hands that another account has (LOW), persistence reaches what the statistic supports and no more', () => {
    const first = advanceHeld(0, answer(6), settings);
    const opened = SIGNALS.map((_, i) => severityOf(fuse(nothing.with(i, first), SIGNALS.map(() => false), settings), settings));
    SIGNALS.forEach(({ name }, i) => expect([name, opened[i]]).toEqual([name, name === 'oneOperator' ? 'LOW' : null]));
    let strength = 0;
    for (let i = 0; i < 500; i++) strength = advanceHeld(strength, answer(2), settings);
    expect(strength).toBe(2);
  });
  test('no data changes nothing, quiet windows let it fade to nothing', () => {
    expect(advanceHeld(1.7, null, settings)).toBe(1.7);
    let strength = 3;
    for (let i = 0; i < 25; i++) strength = advanceHeld(strength, 'quiet', settings);
    expect(strength).toBe(0);
  });
});

describe('severity', () => {
  test('HIGH and CRITICAL need two families, and something that is not ubiquitous carries it', () => {
    fc.assert(
      fc.property(held, flags, (strengths, ubiquitous) => {
        const fused = fuse(strengths, ubiquitous, settings);
        const severity = severityOf(fused, settings);
        if (severityRank(severity) >= severityRank('HIGH')) expect(fused.families).toBeGreaterThanOrEqual(2);
        if (severity !== null) expect(strengths.some((strength, i) => !ubiquitous[i] && strength >= settings.carrierMin)).toBe(true);
      }),
    );
    expect(severityOf(fuse(SIGNALS.map(() => 4), SIGNALS.map(() => true), settings), settings)).toBeNull();
  });

  test('more evidence never lowers it', () => {
    fc.assert(
      fc.property(held, flags, fc.nat(SIGNALS.length - 1), fc.double({ min: 0, max: 3, noNaN: true }), (strengths, ubiquitous, i, more) => {
        const raised = strengths.with(i, strengths[i]! + more);
        expect(severityRank(severityOf(fuse(raised, ubiquitous, settings), settings))).toBeGreaterThanOrEqual(severityRank(severityOf(fuse(strengths, ubiquitous, settings), settings)));
      }),
    );
  });

  test('rhythm alone is LOW at most; without the fleet\'s budget nothing is more than LOW', () => {
    const rhythm = SIGNALS.map(({ family }) => (family === 'rhythm' ? 9 : 0));
    expect(severityOf(fuse(rhythm, SIGNALS.map(() => false), settings), settings)).toBe('LOW');
    const fused = fuse(SIGNALS.map(() => 4), SIGNALS.map(() => false), settings);
    expect(severityOf(fused, settings, fused.strength + 0.1)).toBe('LOW');
    expect(severityRank(severityOf(fused, settings, fused.strength - 0.1))).toBeGreaterThan(0);
  });

  test('the risk score stays in the band of the severity', () => {
    expect(riskScoreOf(thresholds.LOW, 'LOW', settings)).toBe(25);
    expect(riskScoreOf(thresholds.MEDIUM, 'MEDIUM', settings)).toBe(50);
    expect(riskScoreOf(99, 'MEDIUM', settings)).toBe(74);
    expect(riskScoreOf(99, 'CRITICAL', settings)).toBe(99);
  });
});

test('shares of the hypotheses sum to 1 and are ranked', () => {
  for (const signal of SIGNALS) expect(Object.values(signal.speaksFor).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 9);
  fc.assert(
    fc.property(held, (strengths) => {
      const ranked = hypothesesOf(SIGNALS, strengths);
      if (strengths.every((strength) => strength === 0)) return expect(ranked).toEqual([]);
      expect(Math.round(ranked.reduce((sum, { share }) => sum + share * 1000, 0))).toBe(1000);
      for (let i = 1; i < ranked.length; i++) expect(ranked[i]!.share).toBeLessThanOrEqual(ranked[i - 1]!.share);
    }),
  );
});
