/** The tuning options of `farhand replay`, and what they run. */
import { systemClock } from '#lib/kernel/clock.ts';
import type { Severity } from '#schemas/records.ts';
import { integerOption, usageError } from '../command.ts';
import { SEVERITIES } from '../replay/evaluation-figures.ts';
import { runAblation } from './ablation.ts';
import { runComparison } from './comparison.ts';
import { parseSweep } from './keys.ts';
import { ablationText, comparisonText, sweepText } from './summary-text.ts';
import { runSweep } from './sweep.ts';
import type { TruthSource } from './truth.ts';
import type { HistorySource, TuningOptions } from './workshop.ts';

export const TUNING_OPTIONS = {
  sweep: { type: 'string', multiple: true },
  budget: { type: 'string' },
  seed: { type: 'string' },
  level: { type: 'string' },
  'false-budget': { type: 'string' },
  'labels-from-feedback': { type: 'boolean', default: false },
  ablation: { type: 'boolean', default: false },
} as const;

export const TUNING_HELP = `Tuning (decodes and enriches once for all configurations; writes report.html in each case):
  --config A --config B  what B changes: comparison.json, comparison.ndjson (a line per finding that differs, with
                         the signals and settings that are the reason)
  --sweep KEY=A,B,C      detection with each value of a key of the detect section; several --sweep are a grid;
                         KEY=LOW..HIGH/COUNT for numbers: sweep.json, sweep.ndjson (a line per point) and, with
                         labels, suggested.yaml (the best point, for the workers)
  --budget N             at most N points of the grid: a seeded sample, then steps from the best one (--seed N)
  --false-budget N       false findings per 1,000 session-days that may be made (default 1)
  --level SEVERITY       from which a finding counts (default MEDIUM)
  --labels-from-feedback verdicts of analysts in the history (Feedback records) are the labels; they do not act on
                         detection then
  --ablation             detection once more without each signal: ablation.json`;

export interface TuningValues {
  readonly config?: string[] | undefined;
  readonly labels?: string | undefined;
  readonly out: string;
  readonly workers: number | null;
  readonly quiet: boolean;
  readonly sweep?: string[] | undefined;
  readonly budget?: string | undefined;
  readonly seed?: string | undefined;
  readonly level?: string | undefined;
  readonly 'false-budget'?: string | undefined;
  readonly 'labels-from-feedback': boolean;
  readonly ablation: boolean;
}

/** Largest budget of a sweep; beyond it nobody waits. */
const BUDGET_MAX = 100_000;

export function isTuning({ config = [], sweep, ablation }: TuningValues): boolean {
  return config.length > 1 || sweep !== undefined || ablation;
}

function numberOption(command: string, name: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 1e6)) throw usageError(command, `--${name} is '${text}': allowed is a number from 0 to 1000000`);
  return value;
}

function levelOption(command: string, text: string | undefined): Severity {
  const level = SEVERITIES.find((severity) => severity === (text ?? 'MEDIUM'));
  if (level === undefined) throw usageError(command, `--level is '${text}': allowed is one of ${SEVERITIES.join(', ')}`);
  return level;
}

function truthOf(command: string, values: TuningValues): TruthSource {
  if (!values['labels-from-feedback']) return values.labels === undefined ? { kind: 'none' } : { kind: 'labels', file: values.labels };
  if (values.labels !== undefined) throw usageError(command, '--labels and --labels-from-feedback exclude each other');
  return { kind: 'feedback' };
}

/** Answers what is to be printed. */
export async function runTuning(command: string, history: HistorySource, values: TuningValues, signal: AbortSignal): Promise<string> {
  const { config = [], sweep = [], ablation, out } = values;
  if (config.length > 2) throw usageError(command, `--config is given ${config.length} times: two configurations can be compared`);
  if (Number(config.length === 2) + Number(sweep.length > 0) + Number(ablation) > 1) throw usageError(command, 'two --config, --sweep and --ablation exclude each other');
  const sweeping = ['budget', 'seed', 'level', 'false-budget'] as const;
  const stray = sweep.length === 0 ? sweeping.find((name) => values[name] !== undefined) : undefined;
  if (stray !== undefined) throw usageError(command, `--${stray} belongs to --sweep`);
  const options: TuningOptions = { history, truth: truthOf(command, values), out, workers: values.workers, clock: systemClock, progress: process.stderr, showProgress: !values.quiet, signal };
  if (config.length === 2) return comparisonText(await runComparison(config[0]!, config[1]!, options), out);
  if (ablation) return ablationText(await runAblation(config[0] ?? null, options), out);
  const result = await runSweep({
    ...options,
    keys: parseSweep(sweep),
    configFile: config[0] ?? (process.env['FARHAND_CONFIG'] || null),
    budget: values.budget === undefined ? null : integerOption(command, 'budget', values.budget, { fallback: 1, least: 1, most: BUDGET_MAX }),
    seed: integerOption(command, 'seed', values.seed, { fallback: 1, least: 0, most: 0xffff_ffff }),
    level: levelOption(command, values.level),
    falseBudget: numberOption(command, 'false-budget', values['false-budget'], 1),
  });
  return sweepText(result, out);
}
