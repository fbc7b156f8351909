/** `farhand replay --config A --config B`: comparison.json, comparison.ndjson and the report. */
import { rulesHash } from '#lib/kernel/config-hash.ts';
import { loadEmbeddedConfig, type EmbeddedConfig } from '../embedded/pipeline.ts';
import type { Evaluation } from '../replay/evaluation.ts';
import { renderReport } from '../replay/report/page.ts';
import { CHANGES, compareAnswers, type Change, type Difference, type SingleChange } from './compare.ts';
import { comparisonSection } from './comparison-section.ts';
import { settingDifferences, withSetting, type SettingDifference } from './settings.ts';
import { findingsOf, summaryOf, Workshop, type Job, type TuningOptions } from './workshop.ts';
import type { PointAnswer } from './point-run.ts';

/** Settings that are tried one by one as the reason of a difference. */
const SINGLES_MAX = 12;

export interface ComparedConfig {
  readonly file: string;
  readonly rules: { readonly name: string; readonly version: string; readonly hash: string };
  readonly findings: number;
  readonly bySeverity: PointAnswer['findings'];
  readonly evaluation: Evaluation | null;
}

export interface Comparison {
  readonly a: ComparedConfig;
  readonly b: ComparedConfig;
  readonly settings: readonly Pick<SettingDifference, 'key' | 'a' | 'b'>[];
  /** False where there were too many differing settings to try each alone. */
  readonly settingsTried: boolean;
  readonly same: number;
  /** A finding with several changes counts under each. */
  readonly changes: Readonly<Record<Change, number>>;
  /** Differences that this setting alone makes. */
  readonly bySetting: readonly { readonly key: string; readonly findings: number }[];
  /** Signals whose evidence differs, by how many findings it is stronger with each. */
  readonly bySignal: readonly { readonly signal: string; readonly strongerInA: number; readonly strongerInB: number }[];
  readonly events: number;
}

export interface ComparisonResult {
  readonly comparison: Comparison;
  readonly differences: readonly Difference[];
  readonly seconds: number;
}

/** Each differing setting of detection alone, changed in A; what differs before detection as one. */
function singleConfigs(a: EmbeddedConfig, b: EmbeddedConfig, settings: readonly SettingDifference[]): { setting: SettingDifference; config: EmbeddedConfig }[] {
  if (settings.length < 2) return [];
  const inDetection = settings.filter(({ path }) => path[0] === 'detect');
  const before = settings.filter(({ path }) => path[0] !== 'detect');
  if (inDetection.length > SINGLES_MAX) return [];
  const singles = inDetection.map((setting) => ({ setting, config: withSetting(a, setting, b) }));
  if (before.length === 0) return singles;
  const together = { key: before.map(({ key }) => key).join(' + '), path: [], a: before.map((each) => each.a), b: before.map((each) => each.b) };
  return [...singles, { setting: before.length === 1 ? before[0]! : together, config: { ...b, detect: a.detect } }];
}

export async function runComparison(fileA: string, fileB: string, options: TuningOptions): Promise<ComparisonResult> {
  const [configA, configB] = [loadEmbeddedConfig(fileA), loadEmbeddedConfig(fileB)];
  const settings = settingDifferences(configA, configB);
  const singles = singleConfigs(configA, configB, settings);
  return Workshop.use(options, async (workshop) => {
    const prepared = await workshop.prepare(configA);
    await workshop.open(configA);
    workshop.expect(2 + singles.length, prepared.events);
    const plain = { wantFindings: true, wantReport: false };
    const jobs: Job[] = [{ ...plain, config: configA }, { ...plain, config: configB, wantReport: true }, ...singles.map(({ config }) => ({ ...plain, config }))];
    const [a, b, ...rest] = (await workshop.run(jobs)) as [PointAnswer, PointAnswer, ...PointAnswer[]];
    const changed: SingleChange[] =
      singles.length > 0 ? rest.map((answer, i) => ({ setting: singles[i]!.setting, answer })) : settings.length === 1 ? [{ setting: settings[0]!, answer: b }] : [];
    const { differences, same } = compareAnswers(a, b, changed, workshop.truth?.labels ?? null);
    const comparison: Comparison = {
      a: comparedOf(fileA, configA, a),
      b: comparedOf(fileB, configB, b),
      settings: settings.map(({ key, a: from, b: to }) => ({ key, a: from, b: to })),
      settingsTried: changed.length > 0 || settings.length === 0,
      same,
      changes: countChanges(differences),
      bySetting: changed.map(({ setting: { key } }) => ({ key, findings: differences.filter((difference) => difference.settings.includes(key)).length })),
      bySignal: countSignals(differences),
      events: prepared.events,
    };
    workshop.outputs.write('comparison.json', `${JSON.stringify(comparison, null, 2)}\n`);
    workshop.outputs.write('comparison.ndjson', differences.map((difference) => `${JSON.stringify(difference)}\n`).join(''));
    workshop.outputs.write('report.html', reportOf(workshop, comparison, differences, summaryOf(await workshop.prepare(configB), b), a, b));
    return { comparison, differences, seconds: workshop.seconds };
  });
}

function reportOf(workshop: Workshop, comparison: Comparison, differences: readonly Difference[], summary: ReturnType<typeof summaryOf>, a: PointAnswer, b: PointAnswer): string {
  const curves = a.evaluation === null ? [] : [{ name: 'A', color: 'c', points: a.evaluation.curve, area: a.evaluation.areaUnderRoc }];
  return renderReport({
    data: workshop.reportData(b),
    summary,
    evaluation: b.evaluation,
    curves,
    name: 'B',
    tuning: () => [{ id: 'comparison', title: 'Comparison of A and B', html: comparisonSection(comparison, differences) }],
  });
}

function comparedOf(file: string, { detect }: EmbeddedConfig, answer: PointAnswer): ComparedConfig {
  return { file, rules: { name: detect.rulesName, version: detect.rulesVersion, hash: rulesHash(detect) }, findings: findingsOf(answer), bySeverity: answer.findings, evaluation: answer.evaluation };
}

function countChanges(differences: readonly Difference[]): Record<Change, number> {
  return Object.fromEntries(CHANGES.map((change) => [change, differences.filter(({ changes }) => changes.includes(change)).length])) as Record<Change, number>;
}

function countSignals(differences: readonly Difference[]): Comparison['bySignal'] {
  const counts = new Map<string, { signal: string; strongerInA: number; strongerInB: number }>();
  for (const { signal, a, b } of differences.flatMap(({ signals }) => signals)) {
    let count = counts.get(signal);
    if (count === undefined) counts.set(signal, (count = { signal, strongerInA: 0, strongerInB: 0 }));
    if (a > b) count.strongerInA++;
    else count.strongerInB++;
  }
  return [...counts.values()].toSorted((x, y) => y.strongerInA + y.strongerInB - x.strongerInA - x.strongerInB || (x.signal < y.signal ? -1 : 1));
}
