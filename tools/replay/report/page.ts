/** report.html: one file with everything in it, no network, nothing of the wall clock. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { DEFINITIONS, type Evaluation } from '../evaluation.ts';
import { eventsChart, fleetGapChart, precisionRecallChart, rocChart, timelineChart, type Chart, type NamedCurve } from './charts.ts';
import type { ReportData } from './data.ts';
import { findingsSection, type AddChart } from './finding-section.ts';
import { escapeHtml as text, scriptJson, section } from './html.ts';
import { worldPath } from './map.ts';
import { SCRIPT } from './script.ts';
import { evaluationSection, figuresSection, periodText, rulesText, signalsSection, type Ablation, type ReportSummary } from './sections.ts';
import { STYLE } from './style.ts';

export interface ReportInput {
  readonly data: ReportData;
  readonly summary: ReportSummary;
  /** Null without labels. */
  readonly evaluation: Evaluation | null;
  readonly ablation?: Ablation | null;
  /** What is compared or swept: sections that come first, each with an id and a title of its own. */
  readonly tuning?: (addChart: AddChart) => readonly TuningSection[];
  /** Curves beside this configuration's own. */
  readonly curves?: readonly NamedCurve[];
  /** What this configuration's curve is called where there are several. */
  readonly name?: string;
}

export interface TuningSection {
  readonly id: string;
  readonly title: string;
  readonly html: string;
}

function uPlotFile(name: string): string {
  const folder = dirname(createRequire(import.meta.url).resolve('uplot/package.json'));
  return readFileSync(join(folder, 'dist', name), 'utf8');
}

/** Collects the charts of the page. A lazy one is drawn when what it is in is opened. */
class Charts {
  readonly all: Chart[] = [];
  readonly add: AddChart = (chart, lazy) => {
    const id = `chart-${this.all.push(chart) - 1}`;
    return `<figure class="chart${lazy ? ' lazy' : ''}"><figcaption id="${id}-title">${text(chart.title)}</figcaption><div id="${id}" class="canvas" role="img" aria-label="${text(`${chart.title}: ${chart.summary}`)}"></div></figure>`;
  };
}

function truth(evaluation: Evaluation, { curves = [], name = 'this configuration' }: ReportInput, charts: Charts): string {
  const area = evaluation.areaUnderRoc;
  const all = [{ name, color: 'a', points: evaluation.curve, area }, ...curves];
  return evaluationSection(evaluation, charts.add(rocChart(all), false) + charts.add(precisionRecallChart(all), false));
}

const FOOTER = `<footer class="soft">Cities and networks, with the default databases: <a href="https://db-ip.com">IP geolocation by DB-IP</a> (CC BY 4.0).
Outline of the land: Natural Earth (public domain), by way of world-atlas. Charts: uPlot (MIT).</footer>`;

export function renderReport(input: ReportInput): string {
  const { data, summary, evaluation, ablation = null } = input;
  const charts = new Charts();
  const first = [...data.findingsById.values()][0]?.first ?? null;
  const tuning = input.tuning?.(charts.add) ?? [];
  const parts: [string, string, string][] = [
    ['figures', 'Key figures', figuresSection(summary, evaluation)],
    ...tuning.map(({ id, title, html }): [string, string, string] => [id, title, section(id, title, html)]),
    ['timeline', 'Timeline', section('timeline', 'Timeline', [timelineChart(data), eventsChart(data), fleetGapChart(data)].map((chart) => charts.add(chart, false)).join('\n'))],
    ...(evaluation === null ? [] : [['truth', 'Against the truth', truth(evaluation, input, charts)] as [string, string, string]]),
    ['signals', 'Signals', signalsSection(data, ablation)],
    ['findings', 'Findings', findingsSection(data, charts.add)],
    ...(evaluation === null ? [] : [['definitions', 'Definitions', section('definitions', 'Definitions', definitions())] as [string, string, string]]),
  ];
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
<a class="skip" href="#findings">To the findings</a>
<header><h1>Farhand replay</h1>
<p class="soft">${periodText(data)} ${rulesText(first?.rules ?? null)}</p>
</header>
<nav aria-label="Parts of the report"><div>${parts.map(([id, title]) => `<a href="#${id}">${text(title)}</a>`).join('')}</div></nav>
<main>
${parts.map(([, , html]) => html).join('\n')}
</main>
${FOOTER}
<svg width="0" height="0" aria-hidden="true" focusable="false" class="defs"><defs><path id="world" d="${worldPath()}"/></defs></svg>
<script type="application/json" id="charts">${scriptJson(charts.all)}</script>
<script>${uPlotFile('uPlot.iife.min.js')}</script>
<script>${SCRIPT}</script>
</body>
</html>
`;
}

const definitions = (): string => `<dl class="facts">${Object.entries(DEFINITIONS).map(([name, meaning]) => `<dt>${text(name)}</dt><dd>${text(meaning)}</dd>`).join('')}</dl>`;
