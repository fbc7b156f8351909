/** Charts as plain data for the page's script, which draws them with uPlot. Times in seconds, as uPlot wants them. */
import type { Severity } from '#schemas/records.ts';
import { gapQuantile, rank, type LatencySeries, type ReportData } from './data.ts';

const SESSION_CHARTS_MAX = 24;
const SEVERITIES: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];

export interface Chart {
  readonly title: string;
  readonly unit: string;
  readonly kind: 'lines' | 'bars';
  readonly series: readonly { readonly name: string; readonly color: string }[];
  /** Times first, then one list per series; null where there is no value. */
  readonly data: readonly (readonly (number | null)[])[];
  /** Times to mark, seconds. */
  readonly marks: readonly { readonly at: number; readonly name: string; readonly color: string }[];
}

function byTime<T>(map: ReadonlyMap<number, T>): [number, T][] {
  return [...map.entries()].toSorted(([a], [b]) => a - b);
}

function rounded(value: number): number | null {
  return Number.isFinite(value) ? Math.round(value * 100) / 100 : null;
}

export function timelineChart(data: ReportData): Chart {
  const buckets = byTime(data.timeline);
  return {
    title: 'Findings opened per 15 minutes of event time',
    unit: 'findings',
    kind: 'bars',
    series: SEVERITIES.map((severity) => ({ name: `${severity} and above`, color: severity })),
    data: [
      buckets.map(([at]) => at / 1000),
      ...SEVERITIES.map((least) => buckets.map(([, { opened }]) => SEVERITIES.filter((each) => rank(each) >= rank(least)).reduce((sum, each) => sum + opened[each], 0))),
    ],
    marks: [],
  };
}

export function eventsChart(data: ReportData): Chart {
  const buckets = byTime(data.timeline);
  return {
    title: 'Events per 15 minutes of event time',
    unit: 'events',
    kind: 'lines',
    series: [{ name: 'events', color: 'c' }],
    data: [buckets.map(([at]) => at / 1000), buckets.map(([, { events }]) => events)],
    marks: [],
  };
}

export function fleetGapChart(data: ReportData): Chart {
  const buckets = byTime(data.fleet);
  return {
    title: 'Gap of the whole fleet: low quantile of registration latency − transport round trip',
    unit: 'ms',
    kind: 'lines',
    series: [
      { name: 'median', color: 'a' },
      { name: '95%', color: 'c' },
      { name: '99%', color: 'b' },
    ],
    data: [buckets.map(([at]) => at / 1000), ...[0.5, 0.95, 0.99].map((share) => buckets.map(([, bucket]) => gapQuantile(bucket, share)))],
    marks: [],
  };
}

function sessionChart(data: ReportData, series: LatencySeries): Chart {
  const points = byTime(series.points);
  const finding = [...data.findingsById.values()].find(({ first }) => `${first.tenantId}\u001f${first.sessionId}` === series.session);
  const marks: Chart['marks'][number][] = [];
  if (series.label?.startsAt !== null && series.label?.startsAt !== undefined) marks.push({ at: series.label.startsAt / 1000, name: 'piloting begins (label)', color: 'c' });
  if (finding !== undefined) marks.push({ at: finding.first.detectedAt / 1000, name: 'finding opened', color: finding.first.severity });
  const [tenant, session] = series.session.split('\u001f');
  const kind = series.label === null ? '' : ` · ${series.label.kind}`;
  return {
    title: `${tenant} · ${session}${kind}${finding === undefined ? ' · not found' : ` · ${finding.highest}`}`,
    unit: 'ms',
    kind: 'lines',
    series: [
      { name: 'low registration latency', color: 'b' },
      { name: 'its median', color: 'c' },
      { name: 'transport round trip', color: 'a' },
    ],
    data: [
      points.map(([at]) => at / 1000),
      points.map(([, { lowMs }]) => rounded(lowMs)),
      points.map(([, { medianMs }]) => rounded(medianMs)),
      points.map(([, { rttMs }]) => rounded(rttMs)),
    ],
    marks,
  };
}

/** Remote sessions first (missed ones before found ones), then the others with a finding, by name. */
export function sessionCharts(data: ReportData): { charts: Chart[]; leftOut: number } {
  const found = new Set([...data.findingsById.values()].map(({ first }) => `${first.tenantId}\u001f${first.sessionId}`));
  const order = (series: LatencySeries) => `${series.label?.remote ? 0 : 1}${found.has(series.session) ? 1 : 0}${series.session}`;
  const drawn = [...data.series.values()].filter((series) => series.points.size > 1).toSorted((a, b) => (order(a) < order(b) ? -1 : 1));
  return { charts: drawn.slice(0, SESSION_CHARTS_MAX).map((series) => sessionChart(data, series)), leftOut: Math.max(0, drawn.length - SESSION_CHARTS_MAX) };
}
