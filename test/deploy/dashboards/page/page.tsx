/**
 * A dashboard of deploy/grafana, drawn by Grafana's own components (@grafana/ui) from the answers of a Prometheus: grid,
 * units, legends and defaults as Grafana takes them from the same JSON. `?dashboard=UID&from=S&to=S` (epoch seconds).
 * What it knows of each panel afterwards stands in `window.farhandPanels`.
 */
import { createTheme, dateTime, FieldColorModeId, FieldType, getDisplayProcessor, ThemeContext, ThresholdsMode, toDataFrame, type DataFrame, type Field, type FieldConfigSource, type TimeRange } from '@grafana/data';
import { GraphDrawStyle, LegendDisplayMode, VisibilityMode } from '@grafana/schema';
import { BigValue, BigValueColorMode, BigValueGraphMode, GlobalStyles, PanelChrome, TimeSeries } from '@grafana/ui';
import { createRoot } from 'react-dom/client';
import 'uplot/dist/uPlot.min.css';
import type { Drawn } from './drawn.ts';

interface Target { readonly refId: string; readonly expr: string; readonly legendFormat: string }
interface Panel {
  readonly id: number; readonly type: 'row' | 'stat' | 'timeseries'; readonly title: string; readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig?: FieldConfigSource; readonly targets?: readonly Target[];
}
interface Series { readonly metric: Readonly<Record<string, string>>; readonly values: readonly (readonly [number, string])[] }
interface Answer { readonly status: string; readonly error?: string; readonly data?: { readonly result: readonly Series[] } }

declare global {
  interface Window { farhandPanels?: Drawn[] }
}

/** As Grafana lays its grid out: 24 columns, 30 px a row, 8 px between. */
const COLUMNS = 24;
const ROW_PX = 30;
const GAP_PX = 8;
const POINTS_MAX = 200;
/** Of the Prometheus behind the page; Grafana asks its data source for it. */
const SCRAPE_SECONDS = 1;

const asked = new URLSearchParams(location.search);
const [from, to] = [Number(asked.get('from')), Number(asked.get('to'))];
const step = Math.max(SCRAPE_SECONDS, Math.ceil((to - from) / POINTS_MAX));
const range: TimeRange = { from: dateTime(from * 1_000), to: dateTime(to * 1_000), raw: { from: dateTime(from * 1_000), to: dateTime(to * 1_000) } };
const theme = createTheme({ colors: { mode: asked.get('theme') === 'light' ? 'light' : 'dark' } });

/** Grafana's `$__rate_interval`: https://grafana.com/docs/grafana/latest/datasources/prometheus/template-variables/ */
const rateInterval = Math.max(step + SCRAPE_SECONDS, 4 * SCRAPE_SECONDS);
const filled = (expr: string): string => expr.replaceAll('$__rate_interval', `${rateInterval}s`).replaceAll('$service', '.*');
const legendOf = (format: string, metric: Series['metric']): string => format.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => metric[label] ?? '');

/** A quantile of nothing is NaN: a gap, as Grafana's own data source makes it. */
const numberOf = (text: string): number | null => (text === 'NaN' ? null : Number(text.replace('Inf', 'Infinity')));

async function frameOf({ refId, expr, legendFormat }: Target): Promise<DataFrame[]> {
  const response = await fetch(`/api/v1/query_range?${new URLSearchParams({ query: filled(expr), start: String(from), end: String(to), step: String(step) })}`);
  const { status, error, data } = (await response.json()) as Answer;
  if (status !== 'success') throw new Error(error ?? `status ${response.status}`);
  return data!.result.map(({ metric, values }) =>
    toDataFrame({
      refId,
      fields: [
        { name: 'Time', type: FieldType.time, values: values.map(([seconds]) => seconds * 1_000) },
        { name: 'Value', type: FieldType.number, values: values.map(([, text]) => numberOf(text)), config: { displayNameFromDS: legendOf(legendFormat, metric) || expr } },
      ],
    }),
  );
}

/** What Grafana's time series panel takes where the JSON says nothing. */
const LINE = { drawStyle: GraphDrawStyle.Line, lineWidth: 1, fillOpacity: 0, showPoints: VisibilityMode.Auto, pointSize: 5, spanNulls: false };

/** And every panel, by its type: a figure is coloured by thresholds, green below 80. */
const COLOR = { timeseries: FieldColorModeId.PaletteClassic, stat: FieldColorModeId.Thresholds } as const;
const THRESHOLDS = { mode: ThresholdsMode.Absolute, steps: [{ value: -Infinity, color: 'green' }, { value: 80, color: 'red' }] };

function rangeOf(frames: readonly DataFrame[]): { min: number; max: number } {
  let [min, max] = [0, 0];
  for (const value of frames.flatMap(({ fields }) => fields[1]!.values as (number | null)[])) {
    if (value !== null) [min, max] = [Math.min(min, value), Math.max(max, value)];
  }
  return { min, max };
}

/** The panel's settings over those defaults, on every field. Steps of thresholds begin at -Infinity, which JSON cannot say. */
function framesOf({ type, fieldConfig }: Panel, frames: readonly DataFrame[]): DataFrame[] {
  const { thresholds = THRESHOLDS, ...settings } = fieldConfig?.defaults ?? {};
  const steps = thresholds.steps.map(({ value, color }) => ({ value: value ?? -Infinity, color }));
  const { min, max } = rangeOf(frames);
  const range = { min, max, delta: max - min };
  return frames.map((frame, seriesIndex) => ({
    ...frame,
    fields: frame.fields.map((plain) => {
      const shown = plain.type === FieldType.number ? { color: { mode: COLOR[type as keyof typeof COLOR] }, thresholds: { ...thresholds, steps }, ...settings } : {};
      const field: Field = { ...plain, config: { custom: LINE, ...shown, ...plain.config }, state: { seriesIndex, range } };
      field.display = getDisplayProcessor({ field, theme, timeZone: 'utc' });
      return field;
    }),
  }));
}

function Body({ panel, frames, width, height }: { panel: Panel; frames: DataFrame[]; width: number; height: number }) {
  if (frames.length === 0) return <div style={{ height, display: 'grid', placeItems: 'center', color: theme.colors.text.secondary }}>No data</div>;
  if (panel.type === 'stat') {
    const [x, y] = frames[0]!.fields as [Field, Field];
    const value = y.display!(y.values.findLast((at) => at !== null));
    return <BigValue value={{ ...value, title: '' }} sparkline={{ y, x }} width={width} height={height} theme={theme} colorMode={BigValueColorMode.Value} graphMode={BigValueGraphMode.Area} />;
  }
  const legend = { showLegend: true, displayMode: LegendDisplayMode.List, placement: 'bottom' as const, calcs: [] };
  return <TimeSeries frames={frames} timeRange={range} timeZone="utc" width={width} height={height} legend={legend} />;
}

interface Filled { readonly panel: Panel; readonly frames: DataFrame[]; readonly error: string | null }

async function fill(panel: Panel): Promise<Filled> {
  try {
    const frames = (await Promise.all((panel.targets ?? []).map(frameOf))).flat();
    return { panel, frames: framesOf(panel, frames), error: null };
  } catch (error) {
    return { panel, frames: [], error: (error as Error).message };
  }
}

function Page({ title, panels, width }: { title: string; panels: readonly Filled[]; width: number }) {
  const column = (width - GAP_PX) / COLUMNS;
  const bottom = Math.max(...panels.map(({ panel: { gridPos } }) => gridPos.y + gridPos.h));
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <h4 style={{ margin: '8px 16px' }}>{title}</h4>
      <div style={{ position: 'relative', height: bottom * (ROW_PX + GAP_PX) + GAP_PX }}>
        {panels.map(({ panel, frames, error }) => {
          const { x, y, w, h } = panel.gridPos;
          const place = { position: 'absolute' as const, left: GAP_PX + x * column, top: y * (ROW_PX + GAP_PX) };
          if (panel.type === 'row') return <div key={panel.id} style={{ ...place, padding: '6px 8px', fontWeight: 500 }}>{panel.title}</div>;
          return (
            <div key={panel.id} style={place}>
              <PanelChrome title={panel.title} width={w * column - GAP_PX} height={h * (ROW_PX + GAP_PX) - GAP_PX} {...(panel.description !== undefined && { description: panel.description })} {...(error !== null && { statusMessage: error })}>
                {(innerWidth, innerHeight) => <Body panel={panel} frames={frames} width={innerWidth} height={innerHeight} />}
              </PanelChrome>
            </div>
          );
        })}
      </div>
    </ThemeContext.Provider>
  );
}

const dashboard = (await (await fetch(`/dashboards/${asked.get('dashboard')}.json`)).json()) as { title: string; panels: Panel[] };
const panels = await Promise.all(dashboard.panels.map(fill));
createRoot(document.getElementById('root')!).render(<Page title={dashboard.title} panels={panels} width={document.documentElement.clientWidth} />);
const hasValue = (frame: DataFrame): boolean => frame.fields[1]!.values.some((value) => value !== null);
window.farhandPanels = panels.filter(({ panel }) => panel.type !== 'row').map(({ panel, frames, error }) => ({
  title: panel.title,
  series: frames.filter(hasValue).map((frame) => frame.fields[1]!.config.displayNameFromDS ?? ''),
  error,
}));
