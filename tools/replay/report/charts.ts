/** Charts as plain data for the page's script, which draws them with uPlot. Times in seconds, as uPlot wants them. */
import type { CurvePoint } from '../evaluation-curve.ts';
import { RANK, SEVERITIES } from '../evaluation-figures.ts';
import type { SessionLabel } from '../labels.ts';
import { gapQuantile, type ReportData, type ReportFinding } from './data.ts';
import type { Track } from './tracks.ts';

export interface ChartSeries {
  readonly name: string;
  /** Name of a colour of the page. */
  readonly color: string;
  /** `points` has no line between them. Default: line. */
  readonly style?: 'line' | 'step' | 'points' | 'dashed';
}

export interface Chart {
  readonly title: string;
  /** What the chart shows in words, for those who do not see it. */
  readonly summary: string;
  readonly unit: string;
  readonly kind: 'lines' | 'bars';
  /** What stands on the axis below: times (UTC), numbers, or names (x counts them from 0). */
  readonly x: { readonly kind: 'time' } | { readonly kind: 'number'; readonly label: string } | { readonly kind: 'names'; readonly label: string; readonly names: readonly string[] };
  readonly series: readonly ChartSeries[];
  /** x first, then one list per series; null where there is no value. */
  readonly data: readonly (readonly (number | null)[])[];
  /** Times to mark, seconds. */
  readonly marks: readonly { readonly at: number; readonly name: string; readonly color: string }[];
  /** Stretches to shade, seconds. */
  readonly spans: readonly { readonly from: number; readonly to: number; readonly name: string }[];
  /** Pairs of series (counted from 1) between which is shaded. */
  readonly bands: readonly (readonly [number, number])[];
  /** Least and most on the axis at the side; null: as the data has it. */
  readonly range: readonly [number, number] | null;
}

const TIME = { kind: 'time' } as const;
const PLAIN = { marks: [], spans: [], bands: [], range: null } as const;

const rounded = (value: number): number | null => (Number.isFinite(value) ? Math.round(value * 100) / 100 : null);
const per = (ms: number): string => (ms < 3_600_000 ? `${ms / 60_000} minutes` : `${ms / 3_600_000} hours`);

export function timelineChart(data: ReportData): Chart {
  const buckets = data.timeline.entries();
  const sums = SEVERITIES.map((least) => buckets.map(([, { opened }]) => SEVERITIES.filter((each) => RANK[each] >= RANK[least]).reduce((sum, each) => sum + opened[each], 0)));
  const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);
  return {
    ...PLAIN,
    title: `Findings opened per ${per(data.timeline.sizeMs)} of event time`,
    summary: SEVERITIES.map((severity, i) => `${total(sums[i]!)} at ${severity} or above`).join(', '),
    unit: 'findings',
    kind: 'bars',
    x: TIME,
    series: SEVERITIES.map((severity) => ({ name: severity === 'CRITICAL' ? severity : `${severity} and above`, color: severity })),
    // Without a value nothing is drawn, not even a line at 0.
    data: [buckets.map(([at]) => at / 1000), ...sums.map((counts) => counts.map((count) => (count === 0 ? null : count)))],
  };
}

export function eventsChart(data: ReportData): Chart {
  const buckets = data.timeline.entries();
  const most = buckets.reduce((max, [, { events }]) => Math.max(max, events), 0);
  return {
    ...PLAIN,
    title: `Events per ${per(data.timeline.sizeMs)} of event time`,
    summary: `at most ${most.toLocaleString('en')}`,
    unit: 'events',
    kind: 'lines',
    x: TIME,
    series: [{ name: 'events', color: 'c' }],
    data: [buckets.map(([at]) => at / 1000), buckets.map(([, { events }]) => events)],
  };
}

export function fleetGapChart(data: ReportData): Chart {
  const buckets = data.gaps.entries();
  return {
    ...PLAIN,
    title: 'Gap of the whole fleet: low quantile of registration latency − transport round trip',
    summary: 'median, 95th and 99th percentile over time',
    unit: 'ms',
    kind: 'lines',
    x: TIME,
    series: [{ name: 'median', color: 'a' }, { name: '95%', color: 'c' }, { name: '99%', color: 'b' }],
    data: [buckets.map(([at]) => at / 1000), ...[0.5, 0.95, 0.99].map((part) => buckets.map(([, bucket]) => gapQuantile(bucket, part)))],
  };
}

export function latencyChart(track: Track, finding: ReportFinding | null, label: SessionLabel | null): Chart {
  const points = [...track.points].toSorted(([a], [b]) => a - b);
  const marks: { at: number; name: string; color: string }[] = [];
  if (label?.startsAt !== null && label?.startsAt !== undefined) marks.push({ at: label.startsAt / 1000, name: 'piloting begins (label)', color: 'c' });
  if (finding !== null) marks.push({ at: finding.first.detectedAt / 1000, name: 'finding opened', color: finding.first.severity });
  const lows = points.map(([, { lowMs }]) => lowMs).filter(Number.isFinite);
  const range = lows.length === 0 ? 'no keystrokes' : `low registration latency between ${Math.round(Math.min(...lows))} and ${Math.round(Math.max(...lows))} ms`;
  return {
    ...PLAIN,
    title: 'Latency, per 10 minutes',
    summary: range,
    unit: 'ms',
    kind: 'lines',
    x: TIME,
    series: [{ name: 'low registration latency', color: 'b' }, { name: 'its median', color: 'c' }, { name: 'transport round trip', color: 'a' }],
    data: [
      points.map(([at]) => at / 1000),
      points.map(([, { lowMs }]) => rounded(lowMs)),
      points.map(([, { medianSumMs, records }]) => rounded(medianSumMs / records)),
      points.map(([, { rttMs }]) => rounded(rttMs)),
    ],
    marks,
    spans: finding === null ? [] : [{ from: finding.strongest.windowStart / 1000, to: finding.strongest.windowEnd / 1000, name: 'evidence' }],
  };
}

/** Colours of the signals' lines, again from the first where there are more signals. */
const SIGNAL_COLORS = ['s1', 's2', 's3', 's4', 's5', 's6', 's7'];

/** Evidence by signal as the revisions told it. */
export function evidenceChart({ revisions, strongest }: ReportFinding): Chart {
  const peak = new Map<string, number>();
  for (const { evidence } of revisions) for (const { signal, strength } of evidence) if (strength > 0) peak.set(signal, Math.max(strength, peak.get(signal) ?? 0));
  const signals = [...peak].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1)).map(([signal]) => signal);
  // What a closing says is what was known when the session was last seen.
  const at = revisions.map(({ windowEnd }) => windowEnd / 1000);
  const of = (revision: (typeof revisions)[number], signal: string) => revision.evidence.find((entry) => entry.signal === signal)?.strength ?? 0;
  return {
    ...PLAIN,
    title: 'Evidence, by revision',
    summary: `combined ${strongest.evidenceStrength.toFixed(1)} at most; ${signals.map((signal) => `${signal} ${peak.get(signal)!.toFixed(1)}`).join(', ')}`,
    unit: 'log₁₀',
    kind: 'lines',
    x: TIME,
    series: [{ name: 'combined', color: 'ink', style: 'step' }, ...signals.map((name, i) => ({ name, color: SIGNAL_COLORS[i % SIGNAL_COLORS.length]!, style: 'step' as const }))],
    data: [at, revisions.map(({ strength }) => rounded(strength)), ...signals.map((signal) => revisions.map((revision) => rounded(of(revision, signal))))],
  };
}

export interface NamedCurve {
  readonly name: string;
  readonly color: string;
  readonly points: readonly CurvePoint[];
  /** Under the ROC curve; null where it is not known. */
  readonly area: number | null;
}

/** Several curves over one axis: every x of any of them, null where a curve has no point there. */
function joined(curves: readonly NamedCurve[], x: (point: CurvePoint) => number | null, y: (point: CurvePoint) => number | null): (number | null)[][] {
  const xs = [...new Set(curves.flatMap(({ points }) => points.map(x)))].filter((value) => value !== null).toSorted((a, b) => a - b);
  const columns = curves.map(({ points }) => {
    const best = new Map<number, number>();
    for (const point of points) {
      const [at, value] = [x(point), y(point)];
      if (at !== null && value !== null) best.set(at, Math.max(value, best.get(at) ?? -Infinity));
    }
    return xs.map((at) => best.get(at) ?? null);
  });
  return [xs, ...columns];
}

export function rocChart(curves: readonly NamedCurve[]): Chart {
  return {
    ...PLAIN,
    title: `ROC: remote sessions found over honest sessions accused${curves.length === 1 && curves[0]!.area !== null ? ` (area ${curves[0]!.area.toFixed(3)})` : ''}`,
    summary: curves.map(({ name, area }) => `${name}: area ${area === null ? 'unknown' : area.toFixed(3)}`).join('; '),
    unit: 'recall',
    kind: 'lines',
    x: { kind: 'number', label: 'false positive rate' },
    series: curves.map(({ name, color }) => ({ name, color, style: 'step' })),
    data: joined(curves, (point) => point.falsePositiveRate, (point) => point.recall),
    range: [0, 1],
  };
}

export function precisionRecallChart(curves: readonly NamedCurve[]): Chart {
  return {
    ...PLAIN,
    title: 'Precision over recall',
    summary: curves.map(({ name, points }) => `${name}: ${points.length} points`).join('; '),
    unit: 'precision',
    kind: 'lines',
    x: { kind: 'number', label: 'recall' },
    series: curves.map(({ name, color }) => ({ name, color })),
    data: joined(curves, (point) => point.recall, (point) => point.precision),
    range: [0, 1],
  };
}
