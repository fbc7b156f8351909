/** A sweep in the report: what each point trades, each key on its own around the best point, and the best points as a table. */
import type { AddChart } from '../replay/report/finding-section.ts';
import type { Chart } from '../replay/report/charts.ts';
import { duration, escapeHtml as text, number, table, within } from '../replay/report/html.ts';
import type { Sweep, SweepRow } from './sweep.ts';

/** Points in the table; all are in sweep.ndjson. */
const ROWS_MAX = 40;
/** Longer names on an axis would run into each other. */
const NAME_LENGTH_MAX = 18;

type Values = readonly (number | null)[];
interface Judged extends SweepRow {
  readonly figures: NonNullable<SweepRow['figures']>;
}

const PLAIN = { marks: [], spans: [], bands: [], range: null, kind: 'lines' } as const;
const rate = ({ figures }: Judged): number => figures.falseFindingsPer1000SessionDays ?? 0;
const isJudged = (row: SweepRow): row is Judged => row.figures !== null;
const total = ({ findings }: SweepRow): number => Object.values(findings).reduce((sum, count) => sum + count, 0);

export function sweepSection(sweep: Sweep, rows: readonly SweepRow[], addChart: AddChart): string {
  const judged = rows.filter(isJudged);
  const trade = judged.length > 1 ? addChart(tradeChart(sweep, judged), false) : '';
  const curves = sweep.keys.filter(({ values }) => values.length > 1).flatMap(({ key }) => keyCharts(sweep, rows, key).map((chart) => addChart(chart, false)));
  return `${introduction(sweep)}${trade}<div class="grid">${curves.join('')}</div>${pointTable(sweep, rows)}${refusedList(sweep)}`;
}

function introduction(sweep: Sweep): string {
  const all = sweep.gridPoints === sweep.points + sweep.refused.length ? `all ${number(sweep.points)} points of the grid` : `${number(sweep.points)} of ${number(sweep.gridPoints)} points of the grid (seed ${sweep.seed})`;
  if (sweep.best === null) return `<p>${all}. Without labels or verdicts, no point is better than another.</p>`;
  const aim = `at most ${sweep.falseBudget} false findings per 1,000 session-days at ${sweep.level} and above`;
  const verdict = [
    sweep.suggestion === null ? 'the present configuration is the best.' : `<b>suggested.yaml</b> (rules version ${text(sweep.suggestion.rulesVersion)}) holds the best.`,
    sweep.withinBudget === true ? 'It keeps to the budget' : '<span class="bad">It does not keep to the budget; no point does</span>',
    sweep.shown === true ? 'also at the upper end of its interval.' : `though ${number(sweep.sessionDays ?? 0)} session-days are too few to show that: the upper end of its interval lies above.`,
  ];
  return `<p>Of ${all}, for ${aim}: ${verdict[0]} ${verdict[1]}, ${sweep.withinBudget === true ? verdict[2] : 'so the one with the fewest false findings stands first.'}</p>`;
}

/** Every point by its false findings and recall; the best that can be had for each rate of false findings as a line. */
function tradeChart(sweep: Sweep, judged: readonly Judged[]): Chart {
  const sorted = judged.toSorted((a, b) => rate(a) - rate(b) || (b.figures.recall ?? 0) - (a.figures.recall ?? 0));
  let highest = -1;
  const frontier: Values = sorted.map(({ figures }) => {
    const recall = figures.recall ?? 0;
    if (recall <= highest) return null;
    highest = recall;
    return recall;
  });
  const only = (index: number | undefined): Values => sorted.map((row) => (row.index === index ? row.figures.recall : null));
  return {
    ...PLAIN,
    title: 'What each point trades: recall over false findings',
    summary: `${judged.length} points`,
    unit: `recall, ≥ ${sweep.level}`,
    x: { kind: 'number', label: 'false findings per 1,000 session-days' },
    series: [
      { name: 'points', color: 'c', style: 'points' },
      { name: 'best for its rate', color: 'a', style: 'step' },
      { name: 'present', color: 'b', style: 'points' },
      { name: 'best within the budget', color: 'good', style: 'points' },
    ],
    data: [sorted.map(rate), sorted.map(({ figures }) => figures.recall), frontier, only(sweep.present.index), only(sweep.best?.index)],
    range: [0, 1],
  };
}

/** Points that differ from the best (without one: from the first value of each key) in `key` alone, in the order of its values. */
function along(sweep: Sweep, rows: readonly SweepRow[], key: string): SweepRow[] {
  const anchor = sweep.best?.values ?? Object.fromEntries(sweep.keys.map((each) => [each.key, each.values[0]!]));
  const others = sweep.keys.filter((each) => each.key !== key);
  const grid = rows.filter(({ index }) => index >= 0);
  const near = grid.filter(({ values }) => others.every((each) => values[each.key] === anchor[each.key]));
  const values = sweep.keys.find((each) => each.key === key)!.values;
  return values.flatMap((value) => near.find((row) => row.values[key] === value) ?? []);
}

function keyCharts(sweep: Sweep, rows: readonly SweepRow[], key: string): Chart[] {
  const line = along(sweep, rows, key);
  if (line.length < 2) return [];
  const numeric = line.every(({ values }) => Number.isFinite(Number(values[key])));
  const names = line.map(({ values }) => values[key]!).map((name) => (name.length > NAME_LENGTH_MAX ? `${name.slice(0, NAME_LENGTH_MAX - 1)}…` : name));
  const sorted = numeric ? line.toSorted((a, b) => Number(a.values[key]) - Number(b.values[key])) : line;
  const x = numeric ? ({ kind: 'number', label: key } as const) : ({ kind: 'names', label: key, names } as const);
  const at = sorted.map(({ values }, i) => (numeric ? Number(values[key]) : i));
  const rest = sweep.keys.length > 1 ? ', the other keys as in the best point' : '';
  const judged = sorted.filter(isJudged);
  if (judged.length < sorted.length) {
    return [{ ...PLAIN, title: `Findings by ${key}${rest}`, summary: `${line.length} values`, unit: 'findings', x, series: [{ name: 'findings', color: 'a' }], data: [at, sorted.map(total)] }];
  }
  const of = (pick: (row: Judged) => number | null): Values => judged.map(pick);
  return [
    {
      ...PLAIN,
      title: `Recall by ${key}${rest}`,
      summary: judged.map((row) => `${row.values[key]}: ${row.figures.recall?.toFixed(2) ?? 'none'}`).join(', '),
      unit: `recall, ≥ ${sweep.level}`,
      x,
      series: [{ name: 'upper end, 95%', color: 'a', style: 'dashed' }, { name: 'recall', color: 'a' }, { name: 'lower end', color: 'a', style: 'dashed' }],
      data: [at, of(({ figures }) => figures.recallInterval?.upper ?? null), of(({ figures }) => figures.recall), of(({ figures }) => figures.recallInterval?.lower ?? null)],
      bands: [[1, 3]],
      range: [0, 1],
    },
    {
      ...PLAIN,
      title: `False findings by ${key}${rest}`,
      summary: judged.map((row) => `${row.values[key]}: ${rate(row).toFixed(1)}`).join(', '),
      unit: 'per 1,000 session-days',
      x,
      series: [{ name: 'upper end, 95%', color: 'b', style: 'dashed' }, { name: 'false findings', color: 'b' }, { name: 'lower end', color: 'b', style: 'dashed' }, { name: 'budget', color: 'good', style: 'dashed' }],
      data: [at, of(({ figures }) => figures.falseFindingsInterval?.upper ?? null), of(rate), of(({ figures }) => figures.falseFindingsInterval?.lower ?? null), of(() => sweep.falseBudget)],
      bands: [[1, 3]],
    },
  ];
}

function pointTable(sweep: Sweep, rows: readonly SweepRow[]): string {
  const judged = sweep.best !== null;
  const cells = (row: SweepRow): string[] => {
    const name = row.index === -1 ? 'present' : row.index === sweep.best?.index ? '<span class="good">best</span>' : number(row.index);
    const { figures } = row;
    const values = sweep.keys.map(({ key }) => `<code>${text(row.values[key]!)}</code>`);
    const found = figures === null ? [] : [within(figures.recall, figures.recallInterval, 2), within(figures.falseFindingsPer1000SessionDays, figures.falseFindingsInterval, 1), within(figures.precision, figures.precisionInterval, 2), duration(figures.medianTimeToDetectMs)];
    return [name, ...values, number(total(row)), ...found];
  };
  const count = sweep.keys.length;
  const more = rows.length > ROWS_MAX ? `<p class="soft">${number(rows.length - ROWS_MAX)} more points are in sweep.ndjson.</p>` : '';
  return (
    table({
      caption: judged ? `The present configuration and the points, the best first, at ${sweep.level} and above; in brackets the 95% interval` : 'The present configuration and the points',
      head: ['point', ...sweep.keys.map(({ key }) => text(key)), 'findings', ...(judged ? ['recall', 'false per 1,000 session-days', 'precision', 'median time to detect'] : [])],
      rows: rows.slice(0, ROWS_MAX).map(cells),
      numeric: new Set([count + 1, count + 2, count + 3, count + 4, count + 5]),
    }) + more
  );
}

function refusedList({ refused }: Sweep): string {
  if (refused.length === 0) return '';
  const items = refused.slice(0, 10).map(({ values, reason }) => `<li><code>${text(Object.entries(values).map(([key, value]) => `${key}=${value}`).join(' '))}</code>: ${text(reason)}</li>`);
  return `<h3>Combinations that are no valid configuration: ${number(refused.length)}</h3><ul>${items.join('')}</ul>`;
}
