/** report.html: one file with everything in it, no network, nothing of the wall clock. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Severity } from '#schemas/records.ts';
import type { Evaluation, LevelFigures } from '../evaluation.ts';
import { eventsChart, fleetGapChart, sessionCharts, timelineChart, type Chart } from './charts.ts';
import { rank, type ReportData, type ReportFinding } from './data.ts';
import { escapeHtml as text, scriptJson } from './html.ts';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

export interface ReportSummary {
  readonly events: number;
  readonly rejected: number;
  readonly duplicates: number;
  readonly sessions: number;
  readonly findings: number;
}

function uPlotFile(name: string): string {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  return readFileSync(join(folder, 'dist', name), 'utf8');
}

const number = (value: number) => value.toLocaleString('en');
const share = (value: number | null) => (value === null ? '–' : value.toFixed(3));
const time = (at: number) => new Date(at).toISOString().slice(0, 16).replace('T', ' ');

function duration(ms: number | null): string {
  if (ms === null) return '–';
  const minutes = ms / 60_000;
  return minutes < 120 ? `${minutes.toFixed(1)} min` : `${(minutes / 60).toFixed(1)} h`;
}

function card(value: string, name: string): string {
  return `<div class="card"><b>${text(value)}</b><span>${text(name)}</span></div>`;
}

function cards(summary: ReportSummary, evaluation: Evaluation): string {
  const { truePositives, falseNegatives } = evaluation;
  const { MEDIUM: medium, HIGH: high } = evaluation.byLeastSeverity;
  return `<div class="cards">
${card(`${truePositives} of ${truePositives + falseNegatives}`, 'remote sessions found')}
${card(share(evaluation.precision), 'precision, any severity')}
${card(share(medium.precision), 'precision, MEDIUM and above')}
${card(share(medium.recall), 'recall, MEDIUM and above')}
${card(share(high.precision), 'precision, HIGH and above')}
${card(share(high.recall), 'recall, HIGH and above')}
${card(evaluation.falseFindingsPer1000SessionDays === null ? '–' : evaluation.falseFindingsPer1000SessionDays.toFixed(1), 'false findings per 1,000 session-days')}
${card(duration(evaluation.medianTimeToDetectMs), 'median time to detect')}
${card(number(summary.events), 'events')}
${card(number(summary.sessions), 'sessions')}
${card(number(summary.findings), 'findings')}
${card(number(summary.rejected), 'rejected records')}
${card(number(summary.duplicates), 'repeats')}
</div>`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], numeric: ReadonlySet<number>): string {
  return tableOf(head, rows.map((row) => ({ cells: row, below: '' })), numeric);
}

/** `below` gets a row of its own under the cells, as wide as the table, so that long text wraps instead of widening it. */
interface Row {
  readonly cells: readonly string[];
  readonly below: string;
}

function tableOf(head: readonly string[], rows: readonly Row[], numeric: ReadonlySet<number>): string {
  const classOf = (i: number) => (numeric.has(i) ? ' class="n"' : '');
  const cell = (tag: 'td' | 'th') => (content: string, i: number) => `<${tag}${classOf(i)}>${content}</${tag}>`;
  const wide = (content: string) => (content === '' ? '' : `<tr class="why"><td colspan="${head.length}">${content}</td></tr>`);
  const body = rows.map(({ cells, below }) => `<tr${below === '' ? '' : ' class="head"'}>${cells.map(cell('td')).join('')}</tr>${wide(below)}`).join('\n');
  return `<div class="scroll"><table><thead><tr>${head.map(cell('th')).join('')}</tr></thead><tbody>\n${body}\n</tbody></table></div>`;
}

function levels(evaluation: Evaluation): string {
  const row = (severity: Severity, figures: LevelFigures) => [
    `<span class="severity ${severity}">${severity}</span>`,
    String(figures.truePositives),
    String(figures.falseNegatives),
    String(figures.falsePositives),
    String(figures.trueNegatives),
    share(figures.precision),
    share(figures.recall),
    figures.falseFindingsPer1000SessionDays === null ? '–' : figures.falseFindingsPer1000SessionDays.toFixed(2),
    duration(figures.medianTimeToDetectMs),
  ];
  const rows = Object.entries(evaluation.byLeastSeverity).map(([severity, figures]) => row(severity as Severity, figures));
  const head = ['At least', 'found', 'missed', 'honest accused', 'honest quiet', 'precision', 'recall', 'false / 1,000 session-days', 'median time'];
  return table(head, rows, new Set([1, 2, 3, 4, 5, 6, 7, 8]));
}

function kinds(evaluation: Evaluation): string {
  const rows = evaluation.byKind.map(({ kind, remote, sessions, found, medianTimeToDetectMs }) => [
    text(kind),
    remote ? 'remote' : 'honest',
    String(sessions),
    ...[found.LOW, found.MEDIUM, found.HIGH, found.CRITICAL].map(String),
    duration(medianTimeToDetectMs),
  ]);
  return table(['Kind', 'truth', 'sessions', 'found', '≥ MEDIUM', '≥ HIGH', 'CRITICAL', 'median time'], rows, new Set([2, 3, 4, 5, 6, 7]));
}

function verdict({ label }: ReportFinding): string {
  if (label === null) return '<span class="soft">no label</span>';
  return label.remote ? `<span class="true">${text(label.kind)}</span>` : `<span class="false">honest: ${text(label.kind)}</span>`;
}

function findingRow(entry: ReportFinding): Row {
  const { first, latest, highest } = entry;
  const distance = latest.operatorDistanceKm;
  const evidence = latest.evidence.map(({ explanation, signal, strength }) => `<li>${text(explanation)} <span class="soft">(${text(signal)}, 10<sup>${strength.toFixed(1)}</sup>)</span></li>`);
  const top = latest.hypotheses[0];
  const cells = [
    `<span class="severity ${highest}">${highest}</span>`,
    String(latest.riskScore),
    `${text(latest.userId)}<br><span class="soft">${text(latest.tenantId)} · ${text(latest.sessionId)}</span>`,
    top === undefined ? '' : `${text(top.hypothesis)}<br><span class="soft">${Math.round(top.share * 100)}%</span>`,
    distance === null ? '–' : `${number(Math.round(distance.likely))} km<br><span class="soft">${number(Math.round(distance.lower))}–${number(Math.round(distance.upper))}</span>`,
    `${time(first.detectedAt)}<br><span class="soft">${text(latest.status)}${latest.closedAs === null ? '' : ` ${text(latest.closedAs)}`}, revision ${latest.revision}</span>`,
    verdict(entry),
  ];
  return { cells, below: evidence.length === 0 ? '' : `<ul aria-label="Why">${evidence.join('')}</ul>` };
}

function findings(data: ReportData): string {
  const all = [...data.findingsById.values()].toSorted(
    (a, b) => rank(b.highest) - rank(a.highest) || b.latest.riskScore - a.latest.riskScore || a.first.detectedAt - b.first.detectedAt || (a.first.findingId < b.first.findingId ? -1 : 1),
  );
  if (all.length === 0) return '<p class="soft">No finding.</p>';
  const head = ['Severity', 'risk', 'Person', 'Hypothesis', 'Operator distance', 'Opened (UTC)', 'Truth'];
  const more = data.findingsLeftOut === 0 ? '' : `<p class="soft">${number(data.findingsLeftOut)} more findings are in suspicious-sessions.ndjson.</p>`;
  return tableOf(head, all.map(findingRow), new Set([1, 4])) + more;
}

export function renderReport(data: ReportData, summary: ReportSummary, evaluation: Evaluation): string {
  const { charts: sessions, leftOut } = sessionCharts(data);
  const fleet = [timelineChart(data), eventsChart(data), fleetGapChart(data)];
  const charts: Chart[] = [...fleet, ...sessions];
  const host = (chart: Chart, i: number) => `<div class="chart"><h3>${text(chart.title)}</h3><div id="chart-${i}"></div></div>`;
  const definitions = Object.entries(evaluation.definitions).map(([name, meaning]) => `<li><b>${text(name)}</b>: ${text(meaning)}</li>`);
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<title>Farhand replay</title>
<style>${uPlotFile('uPlot.min.css')}${STYLE}</style>
</head>
<body>
<main>
<h1>Farhand replay</h1>
<p class="soft">Findings of a recorded history against its labels. All times are event times, UTC.</p>
${cards(summary, evaluation)}
<h2>By severity</h2>
${levels(evaluation)}
<h2>By kind</h2>
${kinds(evaluation)}
<h2>Findings</h2>
<p class="soft">Severity is the highest of a finding's revisions; risk, hypothesis, distance and explanations are of its last one. <code>npm start</code> shows severity and risk at their peak, so its risk can differ.</p>
${findings(data)}
<h2>Timeline</h2>
${fleet.map(host).join('\n')}
<h2>Latency of sessions</h2>
<p class="soft">Remote sessions (missed ones first), then others with a finding; per 10 minutes.${leftOut === 0 ? '' : ` ${number(leftOut)} more sessions are not drawn.`}</p>
<div class="grid">
${sessions.map((chart, i) => host(chart, i + fleet.length)).join('\n')}
</div>
<h2>Definitions</h2>
<ul>${definitions.join('\n')}</ul>
<footer class="soft">Cities and networks, with the default databases: <a href="https://db-ip.com">IP geolocation by DB-IP</a> (CC BY 4.0).</footer>
</main>
<script type="application/json" id="charts">${scriptJson(charts)}</script>
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}
