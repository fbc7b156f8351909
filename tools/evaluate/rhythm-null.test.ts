/** The nulls of the rhythm signals on honest people who type at their own keyboard, and what strangers look like to them. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { log10PofDistance } from '../../services/detect/model/operator-change.ts';
import { CORRELATIONS, SPREAD, contrastsOf, rhythmDistance } from '../../services/detect/model/rhythm-distance.ts';
import { addKeystrokes, featuresOf, newRhythm, type Rhythm } from '../../services/detect/model/rhythm.ts';
import { log10PofMarks, marksOf } from '../../services/detect/model/transport-marks.ts';
import { inPart } from './split.ts';
import { measuredDataPresent, MEASURED_DIR, readTyping, type TypingPerson } from '../simulate/measured.ts';

const present = measuredDataPresent();
if (!present) console.warn(`measured data is not at ${MEASURED_DIR}: the nulls of the rhythm signals were not tested`);
const SENTENCES_MIN = 10;
const SHARE_MAX = 0.012;

function rhythmOf(sentences: TypingPerson['sentences']): Rhythm {
  const rhythm = newRhythm();
  for (const { press, release } of sentences) {
    const interKeyMs = press.slice(1).map((at, i) => at - press[i]!);
    const holdMs = press.map((at, i) => release[i]! - at);
    addKeystrokes(rhythm, { registrationLatencyMs: [] as number[], interKeyMs, holdMs } as KeystrokeLatency);
  }
  return rhythm;
}

describe.skipIf(!present && !process.env['CI'])('on measured honest typing', () => {
  let halves: [Rhythm, Rhythm][] = [];
  let inDev: boolean[] = [];
  beforeAll(() => {
    expect(present, `measured data must be at ${MEASURED_DIR} when CI is set`).toBe(true);
    const people = readTyping().filter(({ sentences }) => sentences.length >= SENTENCES_MIN);
    inDev = people.map(({ id }) => inPart(id, 'dev'));
    halves = people.map(({ sentences }) => [rhythmOf(sentences.slice(0, Math.ceil(sentences.length / 2))), rhythmOf(sentences.slice(Math.ceil(sentences.length / 2)))]);
  });
  const share = (log10Ps: readonly number[], limit: number): number => log10Ps.filter((p) => p < limit).length / log10Ps.length;

  it('transport marks: at most 1.2% of p-values are below 0.01, coarse local clocks included', () => {
    const log10Ps = halves.flat().map(({ phases }) => log10PofMarks(marksOf(phases)).log10P);
    expect(log10Ps.length).toBeGreaterThan(2000);
    expect(share(log10Ps, -2)).toBeLessThanOrEqual(SHARE_MAX);
  });

  it('operator change: at most 1.2% of p-values of one person against themselves are below 0.01, 10% or fewer below 0.1', () => {
    for (const features of [11, 5]) {
      const log10Ps = halves.map(([a, b]) => {
        const { distance, withHolds } = rhythmDistance(featuresOf(a.counts).slice(0, features), featuresOf(b.counts).slice(0, features));
        return log10PofDistance(distance, withHolds);
      });
      expect(share(log10Ps, -2)).toBeLessThanOrEqual(SHARE_MAX);
      expect(share(log10Ps, -1)).toBeLessThanOrEqual(0.11);
    }
  });

  it('operator change: the spread is that of the development half, but for the pace, which is granted more', () => {
    const pairs = halves.filter((_, i) => inDev[i]).map(([a, b]) => [featuresOf(a.counts), featuresOf(b.counts)] as const);
    const differences = pairs.filter(([a, b]) => a.length === b.length && a.length === SPREAD.length).map(([a, b]) => contrastsOf(a).map((value, i) => value - contrastsOf(b)[i]!));
    const mean = (of: (difference: readonly number[]) => number): number => differences.reduce((sum, difference) => sum + of(difference), 0) / differences.length;
    const deviations = SPREAD.map((_, i) => Math.sqrt(mean((difference) => difference[i]! ** 2)));
    expect(SPREAD[0]).toBeGreaterThan(2 * deviations[0]!);
    for (let i = 0; i < SPREAD.length; i++) {
      if (i > 0) expect(deviations[i]).toBeCloseTo(SPREAD[i]!, 3);
      for (let j = 0; j < i; j++) expect(CORRELATIONS[i]![j]! / 100).toBeCloseTo(mean((difference) => difference[i]! * difference[j]!) / deviations[i]! / deviations[j]!, 2);
    }
  });

  it('operator change: nine of ten strangers lie beyond 99% of the people themselves', () => {
    const log10Ps: number[] = [];
    for (const step of [1, 7, 61]) {
      halves.forEach(([a], i) => {
        const [, b] = halves[(i + step) % halves.length]!;
        const { distance, withHolds } = rhythmDistance(featuresOf(a.counts), featuresOf(b.counts));
        log10Ps.push(log10PofDistance(distance, withHolds));
      });
    }
    expect(share(log10Ps, -2)).toBeGreaterThan(0.9);
  });
});
