/** The parts of a tuning run that need no history. */
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import type { Feedback } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { configText } from '../config/command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import type { LevelFigures } from '../replay/evaluation-figures.ts';
import { compareAnswers } from './compare.ts';
import { overrideOf, parseSweep, SWEEPABLE } from './keys.ts';
import { Grid } from './points.ts';
import type { PointAnswer } from './point-run.ts';
import { bestOf, Search, type Scored } from './search.ts';
import { settingDifferences, withSetting } from './settings.ts';
import { suggestedText, suggestedVersion } from './suggest.ts';
import type { TrackedFinding } from './tracked-findings.ts';
import { truthOfFeedback } from './truth.ts';

const directory = mkdtempSync(join(tmpdir(), 'farhand-tuning-'));
const QUIET = 'detect.finding.quietMs';

describe('--sweep', () => {
  it('takes lists, ranges and lists of lists', () => {
    const [quiet, low, off] = parseSweep([`${QUIET}=3600000..7200000/3`, 'detect.hiddenLeg.lowQuantile=0.1,0.2,0.1', 'detect.signalsOff=[],[hours],[hours,novelty]']);
    expect(quiet!.values).toEqual(['3600000', '5400000', '7200000']);
    expect(low!.values).toEqual(['0.1', '0.2']);
    expect(off!.values).toEqual(['[]', '[hours]', '[hours,novelty]']);
    expect(loadEmbeddedConfig(null, [overrideOf(off!, off!.values[2]!)]).detect.signalsOff).toEqual(['hours', 'novelty']);
  });

  it.each([
    ['detect.finding.quietMss=1', /quietMss: there is no such key.*did you mean detect\.finding\.quietMs\?/],
    ['quietMs=1', /did you mean detect\.finding\.quietMs/],
    ['kafka.brokers=a', /allowed is a key of the detect section/],
    ['detect.rulesName=a', /names the configuration/],
    ['detect.hiddenLeg.lowQuantile=0.1,0.9', /detect\.hiddenLeg\.lowQuantile is 0\.9 \(--sweep\): allowed is a number from 0\.05 to 0\.4/],
    [`${QUIET}=often`, /quietMs is "often" \(--sweep\): allowed is an integer at least 60000/],
    [`${QUIET}=5..4/3`, /LOW..HIGH\/COUNT/],
    ['detect.signalsOff=[hour]', /signalsOff.* is "hour".*allowed is one of/],
    [`${QUIET}=`, /a value is missing/],
    [QUIET, /KEY=VALUE/],
  ])('refuses %s', (text, message) => {
    expect(() => parseSweep([text])).toThrow(expect.objectContaining({ code: 'FARHAND_USAGE', exitStatus: 2, message: expect.stringMatching(message) as string }));
  });

  it('knows every key of the detect section', () => {
    expect(SWEEPABLE.size).toBeGreaterThan(30);
    for (const [name, key] of SWEEPABLE) expect(name).toBe(key.path.join('.'));
  });
});

describe('grid and search', () => {
  const grid = new Grid(parseSweep([`${QUIET}=60000..120000/20`, 'detect.hiddenLeg.lowQuantile=0.05..0.4/20', 'detect.hiddenLeg.samplesMin=10,20,40']), null);

  it('numbers its points and finds them again', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: grid.size - 1 }), (index) => {
        expect(grid.indexOf(grid.placesOf(index))).toBe(index);
      }),
    );
    expect(grid.point(1)!.config.detect.hiddenLeg.samplesMin).toBe(20);
  });

  const figures = (recall: number, rate: number): LevelFigures => ({ recall, falseFindingsPer1000SessionDays: rate, medianTimeToDetectMs: 1000 }) as LevelFigures;
  const asked = (budget: number, seed: number, score: (places: number[]) => number) => {
    const search = new Search(grid, budget, seed);
    const scored: Scored[] = [];
    for (;;) {
      const indexes = search.next(bestOf(scored, 1)?.index ?? null);
      if (indexes.length === 0) return scored;
      for (const index of indexes) scored.push({ index, figures: figures(score(grid.placesOf(index)), 0), changes: 1 });
    }
  };

  it('asks for as many points as the budget has, each once, the same with the same seed', () => {
    const hill = ([a, b]: number[]) => 1 / (1 + Math.abs(a! - 13) + Math.abs(b! - 4));
    for (const budget of [1, 7, 60, 300]) {
      const points = asked(budget, 1, hill).map(({ index }) => index);
      expect(new Set(points).size).toBe(budget);
      expect(asked(budget, 1, hill).map(({ index }) => index)).toEqual(points);
    }
    expect(asked(60, 2, hill).map(({ index }) => index)).not.toEqual(asked(60, 1, hill).map(({ index }) => index));
  });

  it('climbs: half of the budget spent on steps finds what the grid hides from a sample', () => {
    const hill = ([a, b]: number[]) => 1 / (1 + Math.abs(a! - 13) + Math.abs(b! - 4));
    expect(grid.placesOf(bestOf(asked(120, 1, hill), 1)!.index).slice(0, 2)).toEqual([13, 4]);
  });

  it('keeps to the budget of false findings before it looks at recall', () => {
    const of = (index: number, recall: number, rate: number, changes = 1): Scored => ({ index, figures: figures(recall, rate), changes });
    expect(bestOf([of(0, 0.9, 3), of(1, 0.5, 0.9), of(2, 0.6, 1)], 1)!.index).toBe(2);
    expect(bestOf([of(0, 0.9, 3), of(1, 0.5, 2)], 1)!.index).toBe(1);
    expect(bestOf([of(0, 0.9, 1), of(1, 0.9, 1, 0)], 1)!.index).toBe(1);
    expect(bestOf([], 1)).toBeNull();
  });
});

describe('the suggested configuration', () => {
  const keys = parseSweep([`${QUIET}=7200000`, 'detect.signalsOff=[hours]']);
  const file = join(directory, 'present.yaml');
  writeFileSync(file, '# ours\nkafka:\n  brokers: [b:9092]\ndetect:\n  finding:\n    # a day\n    quietMs: 86400000 # long\ningest:\n');
  const text = suggestedText({ file, keys, values: ['7200000', '[hours]'], rulesVersion: '3', remarks: ['why'] });
  const suggested = join(directory, 'suggested.yaml');
  writeFileSync(suggested, text);

  it('is the present file with the keys changed, comments kept', () => {
    expect(text).toContain('# why');
    expect(text).toContain('# ours');
    expect(text).toContain('# a day\n    quietMs: 7200000 # long');
    expect(text).toContain('brokers: [ b:9092 ]');
    expect(suggestedText({ file: null, keys, values: ['7200000', '[hours]'], rulesVersion: '3', remarks: [] })).toMatch(/^detect:/m);
  });

  it('is accepted by the detect worker, by the chain and by farhand config', () => {
    const worker = defineConfig({ ...sharedSections, siem: siemSectionSchema, detect: detectConfigSchema });
    for (const { detect } of [worker.load({ file: suggested, environment: {} }), loadEmbeddedConfig(suggested)]) {
      expect(detect.finding.quietMs).toBe(7_200_000);
      expect(detect.signalsOff).toEqual(['hours']);
      expect(detect.rulesVersion).toBe(suggestedVersion({ rulesVersion: '3', keys, values: ['7200000', '[hours]'] }));
    }
    expect(configText(['--config', suggested, '--service', 'detect'], {})).toContain('quietMs: 7200000');
    expect(readFileSync(file, 'utf8')).toContain('86400000');
  });

  it('has a version of its own that does not grow from sweep to sweep', () => {
    const once = suggestedVersion({ rulesVersion: 'x'.repeat(64), keys, values: ['7200000', '[hours]'] });
    expect(once).toHaveLength(64);
    const twice = suggestedVersion({ rulesVersion: '3+0123abcd', keys, values: ['7200000', '[hours]'] });
    expect(twice).toMatch(/^3\+[0-9a-f]{8}$/);
  });
});

describe('a comparison', () => {
  const finding = (sessionId: string, change: Partial<TrackedFinding> = {}): TrackedFinding => ({
    tenantId: 't', sessionId, userId: 'u', findingId: `f-${sessionId}`, ordinal: 1, openedAt: 1_000_000, severity: 'LOW', riskScore: 30, strength: 2,
    evidence: [{ signal: 'hiddenLeg', strength: 2, windowStart: 0, windowEnd: 1, explanation: 'A leg.' }], ...change,
  });
  const answer = (...tracked: TrackedFinding[]) => ({ tracked, peaks: new Map() }) as unknown as PointAnswer;
  const setting = (key: string) => ({ key, path: ['detect', key], a: 1, b: 2 });

  it('names what changed, by which signal and by which setting alone', () => {
    const a = answer(finding('gone'), finding('later'), finding('same'), finding('worse'));
    const b = answer(finding('later', { openedAt: 1_120_000 }), finding('new'), finding('same'), finding('worse', { severity: 'HIGH', strength: 4, evidence: [{ signal: 'onset', strength: 4, windowStart: 0, windowEnd: 1, explanation: 'A rise.' }] }));
    const { differences, same } = compareAnswers(a, b, [{ setting: setting('x'), answer: answer(finding('later'), finding('same'), finding('worse')) }, { setting: setting('y'), answer: a }], null);
    expect(same).toBe(1);
    expect(differences.map(({ sessionId, changes, settings, shiftMs }) => [sessionId, changes, settings, shiftMs])).toEqual([
      ['gone', ['gone'], ['x'], null],
      ['later', ['later'], [], 120_000],
      ['new', ['new'], [], null],
      ['worse', ['severity'], [], 0],
    ]);
    expect(differences[0]!.reason).toMatch(/opens at LOW with A only.*x 1 → 2 alone does it/);
    expect(differences[1]!.reason).toMatch(/2 minutes later.*Only several settings together/);
    expect(differences[3]!.signals).toEqual([{ signal: 'onset', a: 0, b: 4, explanation: 'A rise.' }, { signal: 'hiddenLeg', a: 2, b: 0, explanation: 'A leg.' }]);
  });

  it('takes single settings over', () => {
    const [a, b] = [loadEmbeddedConfig(), loadEmbeddedConfig(null, parseSweep([`${QUIET}=60000`, 'detect.signalsOff=[hours]']).map((key) => overrideOf(key, key.values[0]!)))];
    const differences = settingDifferences(a, b);
    expect(differences.map(({ key }) => key).toSorted()).toEqual([QUIET, 'detect.signalsOff']);
    const one = withSetting(a, differences.find(({ key }) => key === QUIET)!, b);
    expect(settingDifferences(a, one).map(({ key }) => key)).toEqual([QUIET]);
  });
});

describe('verdicts as labels', () => {
  const verdict = (change: Partial<Feedback>): Feedback => ({ type: 'Feedback', tenantId: 't', sessionId: null, findingId: null, verdict: 'BENIGN', reason: null, by: 'ana', at: 1, ...change });
  const activity = new Map(['a', 'b', 'c'].map((session) => [`t\u001f${session}`, { firstEventAt: 0, days: [0] }]));
  const findings = [{ tenantId: 't', sessionId: 'b', findingId: 'f-b' } as TrackedFinding];

  it('reach sessions by session and by finding, the last one counts, the rest is unjudged', () => {
    const feedback = [verdict({ sessionId: 'a', verdict: 'CONFIRMED', at: 5 }), verdict({ sessionId: 'a', at: 3 }), verdict({ findingId: 'f-b' })];
    const { labels } = truthOfFeedback({ feedback, activity }, findings);
    expect([...labels.values()].map(({ sessionId, remote, kind }) => [sessionId, remote, kind])).toEqual([['a', true, 'CONFIRMED'], ['b', false, 'BENIGN'], ['c', false, 'unjudged']]);
  });

  it('are missed where there are none', () => {
    expect(() => truthOfFeedback({ feedback: [], activity }, [])).toThrow(/no Feedback record/);
    expect(() => truthOfFeedback({ feedback: [verdict({ sessionId: 'x' })], activity }, [])).toThrow(/none of the 1 verdicts/);
  });
});
