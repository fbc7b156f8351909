import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { advanceHeld, fuse, riskScoreOf, severityOf, severityRank } from './fusion.ts';
import { hypothesesOf } from './hypotheses.ts';
import { strengthOfP, type Reading } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { config } from './test-view.ts';

const settings = config.fusion;
const held = fc.array(fc.double({ min: 0, max: 4, noNaN: true }), { minLength: SIGNALS.length, maxLength: SIGNALS.length });
const flags = fc.array(fc.boolean(), { minLength: SIGNALS.length, maxLength: SIGNALS.length });
const answer = (strength: number): Reading => ({ strength, ubiquitous: false, observed: 0, expected: 0, unit: '', samples: 1, windowStart: 0, windowEnd: 0, explanation: '' });

describe('calibrator', () => {
  test('its mean over a uniform p-value is 1: an e-value', () => {
    // Midpoints in log p, so that the integrable singularity at 0 is resolved.
    const { calibratorKappa: kappa } = settings;
    let mean = 0;
    for (let x = -60; x < 0; x += 0.001) mean += kappa * 10 ** ((x + 0.0005) * (kappa - 1)) * (10 ** (x + 0.001) - 10 ** x);
    expect(mean).toBeCloseTo(1, 2);
    expect(strengthOfP(-4, kappa)).toBeCloseTo(Math.log10(kappa * 1e-4 ** (kappa - 1)), 9);
    expect(strengthOfP(0, kappa)).toBe(0);
  });
});

describe('held strength', () => {
  test('one window opens nothing, persistence reaches what the statistic supports and no more', () => {
    expect(advanceHeld(0, answer(3.5), true, settings)).toBeLessThan(settings.low);
    let strength = 0;
    for (let i = 0; i < 500; i++) strength = advanceHeld(strength, answer(2), true, settings);
    expect(strength).toBe(2);
  });
  test('no data changes nothing, quiet windows let it fade to nothing', () => {
    expect(advanceHeld(1.7, null, true, settings)).toBe(1.7);
    let strength = 3;
    for (let i = 0; i < 25; i++) strength = advanceHeld(strength, 'quiet', true, settings);
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

  test('the risk score stays in the band of the severity', () => {
    expect(riskScoreOf(settings.low, 'LOW', settings)).toBe(25);
    expect(riskScoreOf(settings.medium, 'MEDIUM', settings)).toBe(50);
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
