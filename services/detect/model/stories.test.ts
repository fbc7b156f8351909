import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { fuse, severityOf } from './fusion.ts';
import { strengthOfShare } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { LEFT_TO_FAMILIES, STORIES, storiesOf } from './stories.ts';
import { config } from './test-view.ts';

const settings = config.fusion;
const noneUbiquitous = SIGNALS.map(() => false);
const holding = (strengths: Readonly<Record<string, number>>): number[] => SIGNALS.map(({ name }) => strengths[name] ?? 0);

describe('stories', () => {
  test('their signals are of different families, one of them can carry a finding, and they leave most of the stake', () => {
    for (const { signals } of STORIES) {
      const families = signals.map((name) => SIGNALS.find((signal) => signal.name === name)!.family);
      expect(new Set(families).size).toBe(signals.length);
      // Rhythm alone is LOW at most, and what is ubiquitous opens nothing: neither has a story of its own.
      if (signals.length === 1) expect(['oneOperator', 'pathExcess']).toContain(signals[0]);
    }
    expect(LEFT_TO_FAMILIES).toBeGreaterThanOrEqual(0.6);
    expect(LEFT_TO_FAMILIES + STORIES.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 12);
  });

  test('of independent e-values the mean is no more than their part of the stake, and what does not fire is nothing', () => {
    expect(storiesOf(holding({ operatorChange: 3 }))).toBe(0);
    expect(storiesOf(holding({ novelty: 1.7, hours: 2.3 }))).toBe(0);
    // Each signal fires for a share of honest days of its own, and is worth one over it.
    fc.assert(
      fc.property(fc.array(fc.double({ min: 1e-4, max: 0.5, noNaN: true }), { minLength: SIGNALS.length, maxLength: SIGNALS.length }), (shares) => {
        const told = [...new Set(STORIES.flatMap(({ signals }) => signals))];
        let mean = 0;
        for (let bits = 0; bits < 1 << told.length; bits++) {
          let probability = 1;
          const held = holding(Object.fromEntries(told.map((name, at) => [name, (bits >> at) & 1 ? strengthOfShare(shares[at]!) : 0])));
          told.forEach((_, at) => (probability *= (bits >> at) & 1 ? shares[at]! : 1 - shares[at]!));
          mean += probability * storiesOf(held);
        }
        expect(mean).toBeLessThanOrEqual(1 - LEFT_TO_FAMILIES + 1e-9);
      }),
    );
  });

  const severity = (strengths: Readonly<Record<string, number>>) => severityOf(fuse(holding(strengths), noneUbiquitous, settings), settings);

  test('two weak facts of one story are MEDIUM together, and neither is alone', () => {
    for (const other of [{ novelty: 1.7 }, { hours: 2.3 }]) {
      expect(severity({ operatorChange: 1.8, ...other })).toBe('MEDIUM');
      expect(severityOf(fuse(holding(other), SIGNALS.map(() => true), settings), settings), 'ubiquitous').toBeNull();
    }
    expect(severity({ operatorChange: 2.5, oneOperator: 1.5 })).toBe('MEDIUM');
    expect(severity({ operatorChange: 2.9 })).toBe('LOW');
    expect(severity({ oneOperator: 1.6 }), 'two identities, whatever they show').not.toBe('MEDIUM');
    expect(severity({ oneOperator: 3.1 })).toBe('MEDIUM');
    expect(severity({ oneOperator: 2.8 })).toBe('LOW');
    expect(severity({ oneOperator: 1.6 }), 'what somebody shows every week').toBeNull();
  });

  test('who types changed and a leg is there: MEDIUM together, neither alone; a way that is too long is MEDIUM by itself', () => {
    for (const leg of [{ hiddenLeg: 2.1 }, { ownGap: 2 }, { onset: 2.1 }]) {
      expect(severity({ operatorChange: 2, ...leg }), JSON.stringify(leg)).toBe('MEDIUM');
      expect(severity(leg), JSON.stringify(leg)).not.toBe('MEDIUM');
    }
    expect(severity({ pathExcess: 2.9 })).toBe('MEDIUM');
    expect(severity({ pathExcess: 2.6 })).toBe('LOW');
    // What queues or a first minute may show pays nothing extra.
    expect(severity({ pathExcess: 1.6 })).toBeNull();
  });

  test('what they cost everything else is less than a quarter of a decade', () => {
    const { strength } = fuse(holding({ hiddenLeg: 3.5 }), noneUbiquitous, settings);
    expect(strength).toBeGreaterThan(thresholdsOf(settings).MEDIUM);
    expect(Math.log10(LEFT_TO_FAMILIES)).toBeGreaterThan(-0.25);
  });
});
