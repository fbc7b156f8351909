/** The Grafana dashboards as data: `npm run deploy:generate` writes their JSON. Every query is of docs/metrics.md; a test checks it. */
export interface Panel {
  readonly title: string;
  readonly description: string;
  readonly unit: 's' | 'short' | 'percentunit' | 'reqps' | 'bytes';
  readonly queries: readonly { readonly expr: string; readonly legend: string }[];
  /** One figure instead of a curve; red above the bound of an alert of deploy/prometheus (a test holds the two together). */
  readonly figure?: { readonly red: { readonly alert: string; readonly above: number } | null; readonly decimals?: number };
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly rows: readonly Row[];
}

const rate = (metric: string, by: string, more = ''): string => `sum by (${by}) (rate(${metric}{service=~"$service"${more}}[$__rate_interval]))`;
const quantile = (q: number, metric: string, by: string): string => `histogram_quantile(${q}, sum by (${by}, le) (rate(${metric}_bucket{service=~"$service"}[$__rate_interval])))`;
const curve = (title: string, unit: Panel['unit'], description: string, ...queries: [string, string][]): Panel => ({ title, unit, description, queries: queries.map(([expr, legend]) => ({ expr, legend })) });
const figure = (title: string, unit: Panel['unit'], description: string, expr: string, red: NonNullable<Panel['figure']>['red'] = null, decimals?: number): Panel => ({ title, unit, description, queries: [{ expr, legend: '' }], figure: { red, ...(decimals !== undefined && { decimals }) } });

export const DASHBOARDS: readonly Dashboard[] = [
  {
    uid: 'farhand-overview',
    title: 'Farhand: overview',
    rows: [
      {
        title: 'At a glance',
        panels: [
          figure('Events per second', 'short', 'Valid events without repeats.', 'sum(rate(farhand_ingest_events_total[5m]))'),
          figure('Event to finding, p99', 's', 'From the arrival of telemetry to the commit of what came of it in detect.', 'histogram_quantile(0.99, sum by (le) (rate(farhand_end_to_end_seconds_bucket{service=~"detect|chained"}[5m])))', { alert: 'FarhandFindingsLate', above: 60 }),
          figure('Telemetry waits', 's', 'Age of the oldest record that waits for ingest.', 'max(farhand_input_lag_seconds{service=~"ingest|chained"})', { alert: 'FarhandLag', above: 120 }),
          figure('Grave findings in 24 hours', 'short', 'How often one came to HIGH or CRITICAL: most open as LOW and are raised.', 'sum(increase(farhand_detect_findings_total{status=~"OPENED|ESCALATED",severity=~"HIGH|CRITICAL"}[24h]))', null, 0),
          figure('Rejected', 'percentunit', 'Part of the telemetry that became dead letters.', 'sum(rate(farhand_ingest_dead_letters_total[10m])) / sum(rate(farhand_records_processed_total{service=~"ingest|chained"}[10m]))', { alert: 'FarhandDeadLetters', above: 0.01 }),
          figure('Workers', 'short', 'Workers that hold tasks.', 'count(farhand_tasks_held > 0)'),
        ],
      },
      {
        title: 'Findings',
        panels: [
          curve('Findings opened per hour, by severity', 'short', 'First revisions.', ['sum by (severity) (increase(farhand_detect_findings_total{status="OPENED"}[1h]))', '{{severity}}']),
          curve('Revisions per hour, by status', 'short', 'What the SIEM gets.', ['sum by (status) (increase(farhand_detect_findings_total[1h]))', '{{status}}']),
          curve('Evidence per hour, by signal', 'short', 'Pieces of evidence shown in revisions of open findings.', ['sum by (signal) (increase(farhand_detect_evidence_total[1h]))', '{{signal}}']),
          curve('People watched', 'short', 'People in the state, and those with open windows or findings.', ['sum(farhand_detect_people)', 'known'], ['sum(farhand_detect_active_people)', 'active']),
        ],
      },
      {
        title: 'Telemetry',
        panels: [
          curve('Events per second', 'short', 'Through each service.', ['sum(rate(farhand_ingest_events_total[$__rate_interval]))', 'ingest'], ['sum(rate(farhand_enrich_events_total[$__rate_interval]))', 'enrich'], ['sum(rate(farhand_detect_events_total[$__rate_interval]))', 'detect']),
          curve('Dead letters per second, by reason', 'short', 'See errors.md for the reasons.', ['sum by (reason) (rate(farhand_ingest_dead_letters_total[$__rate_interval]))', '{{reason}}']),
          curve('Repeats and late events per second', 'short', 'Repeats are dropped; late events enter the longer windows only.', ['sum(rate(farhand_ingest_duplicates_total[$__rate_interval]))', 'repeats'], ['sum(rate(farhand_detect_late_events_total[$__rate_interval]))', 'late']),
          curve('Watermark lag', 's', 'How far event time lies behind the clock, by task.', ['max by (task) (farhand_detect_watermark_lag_seconds)', 'task {{task}}']),
        ],
      },
    ],
  },
  {
    uid: 'farhand-workers',
    title: 'Farhand: workers',
    rows: [
      {
        title: 'Lag and latency',
        panels: [
          curve('Lag, records', 'short', 'Committed input records that wait, by service.', ['sum by (service) (farhand_input_lag_records{service=~"$service"})', '{{service}}']),
          curve('Lag, seconds', 's', 'Age of the oldest record that waits; event time for enrich and detect.', ['max by (service) (farhand_input_lag_seconds{service=~"$service"})', '{{service}}']),
          curve('From arrival to commit, p50 and p99', 's', 'Of the oldest telemetry in each transaction.', [quantile(0.5, 'farhand_end_to_end_seconds', 'service'), '{{service}} p50'], [quantile(0.99, 'farhand_end_to_end_seconds', 'service'), '{{service}} p99']),
          curve('Tasks held', 'short', 'Partitions by worker.', ['sum by (service, worker) (farhand_tasks_held{service=~"$service"})', '{{service}} {{worker}}']),
        ],
      },
      {
        title: 'Work',
        panels: [
          curve('Records per second', 'short', 'Taken in by tasks.', [rate('farhand_records_processed_total', 'service'), '{{service}}']),
          curve('Time of a batch, p99', 's', 'In a task.', [quantile(0.99, 'farhand_process_batch_seconds', 'service'), '{{service}}']),
          curve('Time of a transaction, p99', 's', 'From its first request to its end.', [quantile(0.99, 'farhand_commit_seconds', 'service'), '{{service}}']),
          curve('Queues', 'percentunit', 'The fullest of each kind.', ['max by (service, queue) (farhand_queue_fill_ratio{service=~"$service"})', '{{service}} {{queue}}']),
          curve('Retries and restarts per second', 'short', 'Back-pressure by cause, and sessions begun anew.', [rate('farhand_retries_total', 'service, cause'), '{{service}} {{cause}}'], [rate('farhand_task_restarts_total', 'service'), '{{service}} restarts']),
          curve('Stuck tasks', 'short', '/healthz answers 503 where there are any.', ['sum by (service, worker) (farhand_tasks_stuck{service=~"$service"})', '{{service}} {{worker}}']),
        ],
      },
      {
        title: 'State and reference data',
        panels: [
          curve('Keys of state', 'short', 'By service.', ['sum by (service) (farhand_state_keys{service=~"$service"})', '{{service}}']),
          curve('Failed checkpoints', 'short', 'Checkpoints a second that the disk did not take; the state is safe in the changelog.', ['sum by (service, worker) (rate(farhand_checkpoint_failures_total{service=~"$service"}[$__rate_interval]))', '{{service}} {{worker}}']),
          curve('Restore', 'percentunit', 'How much of its changelog the slowest task of a worker has read.', ['min by (service, worker) (farhand_restore_progress_ratio{service=~"$service"})', '{{service}} {{worker}}']),
          curve('Near cache', 'percentunit', 'Hits, and how full it is.', ['1 - sum(rate(farhand_reference_misses_total[$__rate_interval])) / sum(rate(farhand_reference_lookups_total[$__rate_interval]))', 'hits'], ['max(farhand_reference_near_cache_fill_ratio)', 'full']),
          curve('Age of the databases', 's', 'How long ago each was built.', ['max by (database) (farhand_database_age_seconds)', '{{database}}']),
        ],
      },
      {
        title: 'Processes',
        panels: [
          curve('CPU', 'short', 'Cores used by each worker.', [rate('process_cpu_seconds_total', 'service, worker'), '{{service}} {{worker}}']),
          curve('Memory', 'bytes', 'Resident.', ['sum by (service, worker) (process_resident_memory_bytes{service=~"$service"})', '{{service}} {{worker}}']),
          curve('Event loop, p99', 's', 'How late the loop is.', ['max by (service, worker) (nodejs_eventloop_lag_p99_seconds{service=~"$service"})', '{{service}} {{worker}}']),
          curve('Risk endpoint', 'reqps', 'Requests of policy points by outcome.', ['sum by (outcome) (rate(farhand_risk_requests_total[$__rate_interval]))', '{{outcome}}']),
          curve('Risk endpoint, p99', 's', 'Time to answer.', ['histogram_quantile(0.99, sum by (le) (rate(farhand_risk_request_seconds_bucket[$__rate_interval])))', 'p99']),
        ],
      },
    ],
  },
];

const WIDTH = 24;
const SOURCE = { type: 'prometheus', uid: '${source}' };

/** A figure is plain, or green and red: what Grafana takes where nothing is said turns red at 80, whatever it counts. */
function defaultsOf({ unit, figure }: Panel): object {
  if (figure === undefined) return { unit, min: 0 };
  const { red, decimals } = figure;
  const steps = red === null ? [{ value: null, color: 'text' }] : [{ value: null, color: 'green' }, { value: red.above, color: 'red' }];
  return { unit, min: 0, ...(decimals !== undefined && { decimals }), color: { mode: 'thresholds' }, thresholds: { mode: 'absolute', steps } };
}

function panelJson(panel: Panel, id: number, place: { x: number; y: number; w: number; h: number }): object {
  return {
    id, type: panel.figure === undefined ? 'timeseries' : 'stat', title: panel.title, description: panel.description, datasource: SOURCE, gridPos: place,
    fieldConfig: { defaults: defaultsOf(panel), overrides: [] },
    targets: panel.queries.map(({ expr, legend }, i) => ({ refId: String.fromCharCode(65 + i), datasource: SOURCE, expr, legendFormat: legend })),
  };
}

/** The JSON model of Grafana (schema version 39: Grafana 11 and later read it). */
export function dashboardJson({ uid, title, rows }: Dashboard): object {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({ id: panels.length + 1, type: 'row', title: row.title, collapsed: false, gridPos: { x: 0, y: y++, w: WIDTH, h: 1 }, panels: [] });
    const figures = row.panels.every(({ figure }) => figure !== undefined);
    const [perLine, h] = figures ? [row.panels.length, 4] : [2, 8];
    row.panels.forEach((panel, i) => {
      const last = i === row.panels.length - 1;
      const w = Math.floor(WIDTH / perLine);
      const x = (i % perLine) * w;
      panels.push(panelJson(panel, panels.length + 1, { x, y: y + Math.floor(i / perLine) * h, w: last ? WIDTH - x : w, h }));
    });
    y += Math.ceil(row.panels.length / perLine) * h;
  }
  const variables = [
    { name: 'source', label: 'Prometheus', type: 'datasource', query: 'prometheus', hide: 0 },
    { name: 'service', label: 'Service', type: 'query', datasource: SOURCE, query: { query: 'label_values(farhand_tasks_held, service)', refId: 'service' }, includeAll: true, multi: true, current: { text: 'All', value: '$__all' }, refresh: 2 },
  ];
  return { uid, title, tags: ['farhand'], schemaVersion: 39, version: 1, editable: true, timezone: 'utc', refresh: '15s', time: { from: 'now-1h', to: 'now' }, templating: { list: variables }, panels };
}
