/** What the tuning commands print. */
import type { AblationResult } from './ablation.ts';
import { shown } from './compare.ts';
import type { ComparisonResult } from './comparison.ts';
import { figuresText, type SweepResult, type SweepRow } from './sweep.ts';

const number = (value: number): string => value.toLocaleString('en');
/** Points that are printed. */
const POINTS_MAX = 8;

export function comparisonText({ comparison, seconds }: ComparisonResult, out: string): string {
  const { a, b, settings, same, changes } = comparison;
  const lines = [
    `A ${a.file} (rules version ${a.rules.version}): ${number(a.findings)} findings; B ${b.file} (rules version ${b.rules.version}): ${number(b.findings)}`,
    ...settings.slice(0, 10).map(({ key, a: from, b: to }) => `  ${key} ${shown(from)} → ${shown(to)}`),
    ...(settings.length > 10 ? [`  and ${settings.length - 10} more settings`] : []),
    `${number(changes.new)} new, ${number(changes.gone)} gone, ${number(changes.severity)} of other severity, ${number(changes.earlier)} earlier, ${number(changes.later)} later, ${number(changes.evidence)} with other evidence or risk score, ${number(same)} the same`,
  ];
  if (a.evaluation !== null && b.evaluation !== null) {
    for (const [name, evaluation] of [['A', a.evaluation], ['B', b.evaluation]] as const) {
      lines.push(`${name} at any severity: ${figuresText(evaluation)}`, `${name} at MEDIUM and above: ${figuresText(evaluation.byLeastSeverity.MEDIUM)}`);
    }
  }
  return `${lines.join('\n')}\n${seconds.toFixed(1)} s, written to ${out}\n`;
}

export function sweepText({ sweep, rows, seconds }: SweepResult, out: string): string {
  const values = (row: SweepRow) => sweep.keys.map(({ key }) => `${key}=${row.values[key]}`).join(' ');
  const figures = (row: SweepRow) => (row.figures === null ? `${number(Object.values(row.findings).reduce((sum, count) => sum + count, 0))} findings` : figuresText(row.figures));
  const [present, ...points] = rows as [SweepRow, ...SweepRow[]];
  const lines = [
    `${number(sweep.points)} of ${number(sweep.gridPoints)} points, ${number(sweep.events)} events each${sweep.refused.length === 0 ? '' : `; ${number(sweep.refused.length)} combinations are no valid configuration`}`,
    `present  ${values(present)}: ${figures(present)}`,
    ...points.slice(0, POINTS_MAX).map((row) => `${row.index === sweep.best?.index ? 'best  ' : '      '}   ${values(row)}: ${figures(row)}`),
    ...(points.length > POINTS_MAX ? [`         and ${number(points.length - POINTS_MAX)} more in sweep.ndjson`] : []),
  ];
  if (sweep.best === null) lines.push('without labels or verdicts no point is better than another');
  else {
    if (sweep.withinBudget !== true) lines.push(`no point keeps to ${sweep.falseBudget} false findings per 1,000 session-days; the one with the fewest stands first`);
    else if (sweep.shown === false) lines.push(`${number(sweep.sessionDays ?? 0)} session-days are too few to show that the budget of ${sweep.falseBudget} is kept (upper end of the interval above it)`);
    lines.push(sweep.suggestion === null ? 'the present configuration is the best: nothing is suggested' : `suggested.yaml holds the best point as rules version ${sweep.suggestion.rulesVersion}; nothing is changed by itself`);
  }
  return `${lines.join('\n')}\n${seconds.toFixed(1)} s, written to ${out}\n`;
}

export function ablationText({ ablation, seconds }: AblationResult, out: string): string {
  const { all, rows } = ablation;
  const width = Math.max(...rows.map(({ signal }) => signal.length));
  const difference = (value: number, of: number) => (value === of ? '0' : value > of ? `+${number(value - of)}` : `−${number(of - value)}`);
  const changing = rows.filter(({ findings, evaluation }) => findings !== all.findings || evaluation?.truePositives !== all.evaluation?.truePositives || evaluation?.falseFindings !== all.evaluation?.falseFindings);
  const lines = changing.map(({ signal, findings, evaluation }) => {
    const truth = all.evaluation === null || evaluation === null ? '' : `, remote sessions found ${difference(evaluation.truePositives, all.evaluation.truePositives)}, false findings ${difference(evaluation.falseFindings, all.evaluation.falseFindings)}`;
    return `without ${signal.padEnd(width)}  findings ${difference(findings, all.findings)}${truth}`;
  });
  const rest = rows.filter((row) => !changing.includes(row)).map(({ signal }) => signal);
  if (rest.length > 0) lines.push(`no difference without any one of ${rest.join(', ')}`);
  return `${number(all.findings)} findings with all signals\n${lines.join('\n')}\n${seconds.toFixed(1)} s, written to ${out}\n`;
}
