/** `farhand replay --sweep key=…`: sweep.json, sweep.ndjson, suggested.yaml and the report. */
import type { Severity } from '#schemas/records.ts';
import { loadEmbeddedConfig, type EmbeddedConfig } from '../embedded/pipeline.ts';
import type { LevelFigures } from '../replay/evaluation-figures.ts';
import type { Evaluation } from '../replay/evaluation.ts';
import { renderReport } from '../replay/report/page.ts';
import type { SweptKey } from './keys.ts';
import { Grid, GRID_POINTS_MAX, type Point } from './points.ts';
import { bestOf, compareScored, Search, type Scored } from './search.ts';
import { settingDifferences } from './settings.ts';
import { suggestedText, suggestedVersion, type Suggestion } from './suggest.ts';
import { sweepSection } from './sweep-section.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { summaryOf, Workshop, type Job, type TuningOptions } from './workshop.ts';
import type { PointAnswer } from './point-run.ts';

/** The present configuration among the points. */
const PRESENT = -1;

export interface SweepOptions extends TuningOptions {
  readonly keys: readonly SweptKey[];
  /** Of the present configuration; null: the defaults. */
  readonly configFile: string | null;
  /** Points that may be run; null: the whole grid. */
  readonly budget: number | null;
  readonly seed: number;
  /** Severity from which a finding counts. */
  readonly level: Severity;
  /** False findings per 1,000 session-days that may be made. */
  readonly falseBudget: number;
}

export interface SweepRow {
  /** −1: the present configuration. */
  readonly index: number;
  readonly values: Readonly<Record<string, string>>;
  readonly findings: PointAnswer['findings'];
  /** At the level that counts; null without labels. */
  readonly figures: LevelFigures | null;
  readonly evaluation: Pick<Evaluation, 'byLeastSeverity' | 'areaUnderRoc'> | null;
}

export interface Sweep {
  readonly keys: readonly { readonly key: string; readonly values: readonly string[] }[];
  readonly gridPoints: number;
  readonly points: number;
  readonly budget: number | null;
  readonly seed: number;
  readonly level: Severity;
  readonly falseBudget: number;
  readonly refused: readonly { readonly values: Readonly<Record<string, string>>; readonly reason: string }[];
  readonly present: SweepRow;
  /** Null without labels. */
  readonly best: SweepRow | null;
  /** Whether the best point keeps to the budget; and whether the upper end of its 95% interval does, so that the data show it. */
  readonly withinBudget: boolean | null;
  readonly shown: boolean | null;
  /** Null where the present configuration is the best, or nothing can be said. */
  readonly suggestion: { readonly file: 'suggested.yaml'; readonly rulesVersion: string } | null;
  readonly sessionDays: number | null;
  readonly events: number;
}

export interface SweepResult {
  readonly sweep: Sweep;
  readonly rows: readonly SweepRow[];
  readonly seconds: number;
}

const plain = { wantFindings: false, wantReport: false } as const;

export async function runSweep(options: SweepOptions): Promise<SweepResult> {
  const present = loadEmbeddedConfig(options.configFile);
  const grid = new Grid(options.keys, options.configFile);
  if (options.budget === null && grid.size > GRID_POINTS_MAX) {
    throw new FarhandError('FARHAND_USAGE', `the grid of --sweep has ${grid.size.toLocaleString('en')} points, at most ${GRID_POINTS_MAX.toLocaleString('en')} are run without --budget N`);
  }
  return Workshop.use(options, async (workshop) => {
    const prepared = await workshop.prepare(present);
    await workshop.open(present);
    const run = new SweepRun(options, present, grid, workshop);
    await run.points(prepared.events);
    const { best } = run;
    const chosen = best === null || best.index === PRESENT ? present : grid.point(best.index)!.config;
    const [shown] = await workshop.run([{ ...plain, config: chosen, wantReport: true }]);
    const rows = run.rows();
    const sweep = run.result(prepared.events);
    workshop.outputs.write('sweep.json', `${JSON.stringify(sweep, null, 2)}\n`);
    workshop.outputs.write('sweep.ndjson', rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    if (sweep.suggestion !== null) workshop.outputs.write('suggested.yaml', run.suggestion(sweep));
    const curves = run.presentCurve === null || sweep.suggestion === null ? [] : [{ name: 'present', color: 'c', points: run.presentCurve.curve, area: run.presentCurve.areaUnderRoc }];
    const report = renderReport({
      data: workshop.reportData(shown!),
      summary: summaryOf(prepared, shown!),
      evaluation: shown!.evaluation,
      curves,
      name: sweep.suggestion === null ? 'present' : 'suggested',
      tuning: (addChart) => [{ id: 'sweep', title: 'Sweep', html: sweepSection(sweep, rows, addChart) }],
    });
    workshop.outputs.write('report.html', report);
    return { sweep, rows, seconds: workshop.seconds };
  });
}

/** The points that were run so far, and what is best among them. */
class SweepRun {
  readonly #options: SweepOptions;
  readonly #present: EmbeddedConfig;
  readonly #grid: Grid;
  readonly #workshop: Workshop;
  readonly #search: Search;
  readonly #rows = new Map<number, SweepRow>();
  readonly #scored: Scored[] = [];
  presentCurve: Evaluation | null = null;

  constructor(options: SweepOptions, present: EmbeddedConfig, grid: Grid, workshop: Workshop) {
    this.#options = options;
    this.#present = present;
    this.#grid = grid;
    this.#workshop = workshop;
    this.#search = new Search(grid, options.budget, options.seed);
  }

  get best(): Scored | null {
    return bestOf(this.#scored, this.#options.falseBudget);
  }

  async points(events: number): Promise<void> {
    this.#workshop.expect(this.#search.budget + 2, events);
    let jobs: { index: number; point: Point | null; job: Job }[] = [{ index: PRESENT, point: null, job: { ...plain, config: this.#present } }];
    for (;;) {
      const onGrid = this.#scored.filter(({ index }) => index !== PRESENT);
      const indexes = this.#search.next(bestOf(onGrid, this.#options.falseBudget)?.index ?? null);
      for (const index of indexes) {
        const point = this.#grid.point(index);
        if (point !== null) jobs.push({ index, point, job: { ...plain, config: point.config } });
      }
      if (jobs.length > 0) {
        const answers = await this.#workshop.run(jobs.map(({ job }) => job));
        for (const [i, { index, point }] of jobs.entries()) this.#take(index, point, answers[i]!);
      }
      if (indexes.length === 0) break;
      jobs = [];
    }
    if (this.#rows.size > 1) return;
    const [reason] = this.#grid.refused.values();
    throw new FarhandError('FARHAND_USAGE', `no combination of --sweep is a valid configuration: ${reason ?? ''}`);
  }

  #take(index: number, point: Point | null, answer: PointAnswer): void {
    const { evaluation, findings } = answer;
    const figures = evaluation?.byLeastSeverity[this.#options.level] ?? null;
    const short = evaluation === null ? null : { byLeastSeverity: evaluation.byLeastSeverity, areaUnderRoc: evaluation.areaUnderRoc };
    this.#rows.set(index, { index, values: point === null ? this.#presentValues() : this.#valuesOf(point.values), findings, figures, evaluation: short });
    if (index === PRESENT) this.presentCurve = evaluation;
    if (figures === null) return;
    this.#scored.push({ index, figures, changes: point === null ? 0 : settingDifferences(this.#present, point.config).length });
  }

  /** The keys that a point sets otherwise than the present configuration does. */
  #changeOf({ index }: SweepRow): Pick<Suggestion, 'keys' | 'values' | 'rulesVersion'> {
    const point = this.#grid.point(index)!;
    const differing = new Set(settingDifferences(this.#present, point.config).map(({ key }) => key));
    const places = this.#grid.keys.flatMap(({ name }, i) => (differing.has(name) ? [i] : []));
    return { keys: places.map((i) => this.#grid.keys[i]!), values: places.map((i) => point.values[i]!), rulesVersion: this.#present.detect.rulesVersion };
  }

  #valuesOf(values: readonly string[]): Record<string, string> {
    return Object.fromEntries(this.#grid.keys.map(({ name }, i) => [name, values[i]!]));
  }

  #presentValues(): Record<string, string> {
    const valueAt = (path: readonly string[]) => path.reduce<unknown>((at, part) => (at as Record<string, unknown>)[part], this.#present);
    return Object.fromEntries(this.#grid.keys.map(({ name, key }) => [name, typeof valueAt(key.path) === 'object' ? JSON.stringify(valueAt(key.path)) : String(valueAt(key.path))]));
  }

  /** The present configuration, then the best first; without labels, in the order of the grid. */
  rows(): SweepRow[] {
    const scored = new Map(this.#scored.map((one) => [one.index, one]));
    const order = (a: SweepRow, b: SweepRow) => {
      const [x, y] = [scored.get(a.index), scored.get(b.index)];
      return x === undefined || y === undefined ? a.index - b.index : compareScored(x, y, this.#options.falseBudget);
    };
    return [...this.#rows.values()].toSorted((a, b) => Number(b.index === PRESENT) - Number(a.index === PRESENT) || order(a, b));
  }

  result(events: number): Sweep {
    const { budget, seed, level, falseBudget } = this.#options;
    const { best } = this;
    const row = best === null ? null : this.#rows.get(best.index)!;
    const rate = best?.figures.falseFindingsPer1000SessionDays ?? null;
    const changed = best !== null && best.index !== PRESENT && best.changes > 0;
    const change = changed ? this.#changeOf(row!) : null;
    return {
      keys: this.#grid.keys.map(({ name, values: all }) => ({ key: name, values: all })),
      gridPoints: this.#grid.size,
      points: this.#rows.size - 1,
      budget,
      seed,
      level,
      falseBudget,
      refused: [...this.#grid.refused].map(([index, reason]) => ({ values: this.#valuesOf(this.#grid.placesOf(index).map((place, i) => this.#grid.keys[i]!.values[place]!)), reason })),
      present: this.#rows.get(PRESENT)!,
      best: row,
      withinBudget: rate === null ? null : rate <= falseBudget,
      shown: best === null || best.figures.falseFindingsInterval === null ? null : best.figures.falseFindingsInterval.upper <= falseBudget,
      suggestion: change === null ? null : { file: 'suggested.yaml', rulesVersion: suggestedVersion(change) },
      sessionDays: this.presentCurve?.sessions.honestSessionDays ?? null,
      events,
    };
  }

  suggestion(sweep: Sweep): string {
    const best = sweep.best!;
    const { level, falseBudget } = this.#options;
    const change = this.#changeOf(best);
    return suggestedText({
      ...change,
      file: this.#options.configFile,
      remarks: [
        `Suggested by farhand replay --sweep: the best of ${sweep.points} points for at most ${falseBudget} false findings per 1,000 session-days, at ${level} and above.`,
        ...[['present', sweep.present] as const, ['suggested', best] as const].map(([name, { figures }]) => `${name}: ${figuresText(figures!)}`),
        ...change.keys.map(({ name }, i) => `${name}: ${sweep.present.values[name]} → ${change.values[i]}`),
        'Nothing is changed by itself: read it, compare it (farhand replay --config NOW --config THIS), then give it to the workers.',
      ],
    });
  }
}

export function figuresText({ recall, recallInterval, falseFindings, falseFindingsPer1000SessionDays: rate, falseFindingsInterval: interval }: LevelFigures): string {
  const found = recall === null ? 'no remote session' : `recall ${recall.toFixed(3)} (${recallInterval!.lower.toFixed(2)}–${recallInterval!.upper.toFixed(2)})`;
  const wrong = rate === null ? 'no session-days' : `${falseFindings} false findings, ${rate.toFixed(1)} (${interval!.lower.toFixed(1)}–${interval!.upper.toFixed(1)}) per 1,000 session-days`;
  return `${found}, ${wrong}`;
}
