/** The parts of the report that are about the configuration as a whole: figures, kinds, curves, signals. */
import type { Severity, SuspiciousSession } from '#schemas/records.ts';
import { RANK, SEVERITIES, type LevelFigures } from '../evaluation-figures.ts';
import type { Evaluation } from '../evaluation.ts';
import { sessionKey } from '../labels.ts';
import type { ReportData } from './data.ts';
import { badge, duration, escapeHtml as text, number, section, share, table, time, within } from './html.ts';

export interface ReportSummary {
  readonly events: number;
  readonly rejected: number;
  readonly duplicates: number;
  readonly sessions: number;
  readonly findings: number;
}

/** What the findings of a configuration would be without one signal. */
export interface AblationRow {
  readonly signal: string;
  readonly findings: number;
  /** At MEDIUM or above. */
  readonly findingsMedium: number;
  readonly evaluation: Evaluation | null;
}

export interface Ablation {
  readonly all: Omit<AblationRow, 'signal'>;
  readonly rows: readonly AblationRow[];
}

const card = (value: string, name: string): string => `<div class="card"><dt>${text(name)}</dt><dd>${text(value)}</dd></div>`;

export function figuresSection(summary: ReportSummary, evaluation: Evaluation | null): string {
  const cards: [string, string][] = [];
  if (evaluation !== null) {
    const { truePositives, falseNegatives } = evaluation;
    const { MEDIUM: medium, HIGH: high } = evaluation.byLeastSeverity;
    cards.push(
      [`${truePositives} of ${truePositives + falseNegatives}`, 'remote sessions found'],
      [share(evaluation.precision), 'precision, any severity'],
      [share(medium.precision), 'precision, MEDIUM and above'],
      [share(medium.recall), 'recall, MEDIUM and above'],
      [share(high.precision), 'precision, HIGH and above'],
      [share(high.recall), 'recall, HIGH and above'],
      [evaluation.falseFindingsPer1000SessionDays === null ? '–' : evaluation.falseFindingsPer1000SessionDays.toFixed(1), 'false findings per 1,000 session-days'],
      [duration(evaluation.medianTimeToDetectMs), 'median time to detect'],
    );
  }
  cards.push(
    [number(summary.events), 'events'],
    [number(summary.sessions), 'sessions'],
    [number(summary.findings), 'findings'],
    [number(summary.rejected), 'rejected records'],
    [number(summary.duplicates), 'repeats'],
  );
  return section('figures', 'Key figures', `<dl class="cards">${cards.map(([value, name]) => card(value, name)).join('')}</dl>`);
}

export const LEVEL_HEAD = ['found', 'missed', 'accused', 'precision', 'recall', 'false findings', 'per 1,000 session-days', 'time to detect: median', '90%'] as const;

/** Cells of LEVEL_HEAD. */
export function levelCells(figures: LevelFigures): string[] {
  return [
    number(figures.truePositives),
    number(figures.falseNegatives),
    number(figures.falsePositives),
    within(figures.precision, figures.precisionInterval, 2),
    within(figures.recall, figures.recallInterval, 2),
    number(figures.falseFindings),
    within(figures.falseFindingsPer1000SessionDays, figures.falseFindingsInterval, 1),
    duration(figures.medianTimeToDetectMs),
    duration(figures.timeToDetectP90Ms),
  ];
}

const LEVEL_NUMERIC = new Set([1, 2, 3, 4, 5, 6, 7, 8, 9]);

export function evaluationSection(evaluation: Evaluation, charts: string): string {
  const levels = table({
    caption: 'Against the labels, by least severity; in brackets the 95% interval',
    head: ['at least', ...LEVEL_HEAD],
    rows: SEVERITIES.map((severity) => [badge(severity), ...levelCells(evaluation.byLeastSeverity[severity])]),
    numeric: LEVEL_NUMERIC,
  });
  const kinds = table({
    caption: 'Sessions found, by kind and least severity',
    head: ['kind', 'truth', 'sessions', ...SEVERITIES.map(badge), 'median time to detect'],
    rows: evaluation.byKind.map(({ kind, remote, sessions, found, medianTimeToDetectMs }) => [
      text(kind),
      remote ? 'remote' : 'honest',
      number(sessions),
      ...SEVERITIES.map((severity) => number(found[severity])),
      duration(medianTimeToDetectMs),
    ]),
    numeric: new Set([2, 3, 4, 5, 6, 7]),
  });
  const { sessions } = evaluation;
  const about = `${number(sessions.remote)} remote and ${number(sessions.honest)} honest sessions on ${number(sessions.honestSessionDays)} honest session-days. ${number(sessions.withoutEvents)} labelled sessions have no events, ${number(sessions.unlabelledFindings)} findings no label.`;
  return section('truth', 'Against the truth', `<p class="soft">${about}</p>${levels}<div class="grid">${charts}</div>${kinds}`);
}

interface SignalRow {
  findings: number;
  medium: number;
  alone: number;
  remote: number;
  honest: number;
  strengths: number[];
}

/** In how many findings each signal speaks, at each finding's strongest revision. */
function signalRows(data: ReportData): [string, SignalRow][] {
  const rows = new Map<string, SignalRow>();
  for (const { strongest, highest } of data.findingsById.values()) {
    const speaking = strongest.evidence.filter(({ strength }) => strength > 0);
    const label = data.labels.get(sessionKey(strongest));
    for (const { signal, strength } of speaking) {
      let row = rows.get(signal);
      if (row === undefined) rows.set(signal, (row = { findings: 0, medium: 0, alone: 0, remote: 0, honest: 0, strengths: [] }));
      row.findings++;
      row.strengths.push(strength);
      if (RANK[highest] >= RANK.MEDIUM) row.medium++;
      if (speaking.length === 1) row.alone++;
      if (label?.remote === true) row.remote++;
      if (label?.remote === false) row.honest++;
    }
  }
  return [...rows].toSorted(([a, x], [b, y]) => y.findings - x.findings || (a < b ? -1 : 1));
}

export function signalsSection(data: ReportData, ablation: Ablation | null): string {
  const labelled = data.labels.size > 0;
  const speaking = table({
    caption: 'Signals in the findings, each finding at its strongest',
    head: ['signal', 'findings', 'at MEDIUM or above', 'as the only signal', ...(labelled ? ['about remote sessions', 'about honest sessions'] : []), 'median strength'],
    rows: signalRows(data).map(([signal, row]) => [
      text(signal),
      number(row.findings),
      number(row.medium),
      number(row.alone),
      ...(labelled ? [number(row.remote), number(row.honest)] : []),
      row.strengths.toSorted((a, b) => a - b)[row.strengths.length >> 1]!.toFixed(2),
    ]),
    numeric: new Set([1, 2, 3, 4, 5, 6]),
  });
  const hint = ablation === null ? '<p class="soft">What the findings would be without each signal: <code>farhand replay --ablation</code>.</p>' : ablationTable(ablation);
  return section('signals', 'Signals', speaking + hint);
}

function ablationTable({ all, rows }: Ablation): string {
  const difference = (value: number, of: number) => (value === of ? '0' : value > of ? `+${number(value - of)}` : `−${number(of - value)}`);
  const truth = all.evaluation;
  const cells = (row: Omit<AblationRow, 'signal'>): string[] => {
    const figures = [difference(row.findings, all.findings), difference(row.findingsMedium, all.findingsMedium)];
    const { evaluation } = row;
    if (truth === null || evaluation === null) return figures;
    const [before, after] = [truth.byLeastSeverity.MEDIUM, evaluation.byLeastSeverity.MEDIUM];
    return [...figures, difference(evaluation.truePositives, truth.truePositives), difference(after.truePositives, before.truePositives), difference(evaluation.falseFindings, truth.falseFindings), difference(after.falseFindings, before.falseFindings)];
  };
  return table({
    caption: 'Ablation: detection run again without each signal; differences from the run with all of them',
    head: ['without', 'findings', 'findings ≥ MEDIUM', ...(truth === null ? [] : ['remote sessions found', 'found ≥ MEDIUM', 'false findings', 'false ≥ MEDIUM'])],
    rows: rows.map((row) => [text(row.signal), ...cells(row)]),
    numeric: new Set([1, 2, 3, 4, 5, 6]),
  });
}

export function rulesText(rules: SuspiciousSession['rules'] | null): string {
  return rules === null ? '' : `Rules ${text(rules.name)}, version ${text(rules.version)}, hash <code>${text(rules.hash.slice(0, 12))}</code>.`;
}

export function periodText(data: ReportData): string {
  const buckets = data.timeline.entries();
  if (buckets.length === 0) return '';
  return `Event time ${time(buckets[0]![0])} to ${time(buckets.at(-1)![0] + data.timeline.sizeMs)} UTC.`;
}

export function severityCounts(data: ReportData): Record<Severity, number> {
  const counts: Record<Severity, number> = { LOW: 0, MEDIUM: 0, HIGH: 0, CRITICAL: 0 };
  for (const { highest } of data.findingsById.values()) counts[highest]++;
  return counts;
}
