/**
 * docs/metrics.md and docs/log-events.md: made of the metrics that the services register and of the registry of log
 * events, so that neither page can say what the workers do not do.
 */
import { LOG_EVENTS, type LogEvent } from '#lib/observe/events.ts';
import { createHealthCheck } from '#lib/observe/health.ts';
import { observeKafka } from '#lib/observe/kafka.ts';
import { createLogger } from '#lib/observe/logger.ts';
import { Metrics, type MetricDescription } from '#lib/observe/metrics.ts';
import { observeRunner } from '#lib/observe/runner-metrics.ts';
import { traceMetrics } from '#lib/observe/traces.ts';
import { riskServerMetrics } from '#lib/risk/server.ts';
import { countExchange } from '../../services/detect/fleet/host.ts';
import { countBatches as countDetect } from '../../services/detect/main.ts';
import { addressCacheMetrics, databaseMetrics, referenceFeedMetrics } from '../../services/enrich/host-parts.ts';
import { countBatches as countEnrich, countReference, countUnavailable } from '../../services/enrich/main.ts';
import { countBatches as countIngest } from '../../services/ingest/main.ts';
import { countRevisions } from '../../services/risk/main.ts';

export interface MetricGroup {
  readonly title: string;
  readonly text: string;
  readonly metrics: readonly MetricDescription[];
}

function described(register: (metrics: Metrics) => void): readonly MetricDescription[] {
  const metrics = new Metrics('reference', 'reference');
  register(metrics);
  return metrics.descriptions;
}

const noTime = (): number => 0;

function runner(metrics: Metrics): void {
  traceMetrics(metrics);
  const logger = createLogger({ level: 'silent', service: 'reference', worker: 'reference' });
  observeRunner(metrics, logger, noTime);
  observeKafka(metrics, logger, noTime);
  void createHealthCheck({ stuckMsMax: 1, eventLoopMsMax: 1 }, () => [], metrics).close();
}

function enrich(metrics: Metrics): void {
  countEnrich(metrics);
  databaseMetrics(metrics, noTime);
  addressCacheMetrics(metrics, { current: { cachedAddresses: 0 } as never }, 1);
  referenceFeedMetrics(metrics);
  countUnavailable(metrics);
  countReference(metrics, { stats: {} as never, nearCacheEntries: 0, ready: true }, 1);
}

function detect(metrics: Metrics): void {
  countDetect(metrics, noTime);
  countExchange(metrics);
}

function risk(metrics: Metrics): void {
  countRevisions(metrics);
  riskServerMetrics(metrics);
}

/** Every metric of Farhand, by who has it. */
export function metricGroups(): MetricGroup[] {
  return [
    { title: 'Every worker', text: 'Of the runner: batches, commits, lag, state, queues.', metrics: described(runner) },
    { title: 'ingest', text: '', metrics: described((metrics) => void countIngest(metrics)) },
    { title: 'enrich', text: '', metrics: described(enrich) },
    { title: 'risk', text: '', metrics: described(risk) },
    { title: 'detect', text: '', metrics: described(detect) },
  ];
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('<', '&lt;');
const table = (rows: readonly (readonly string[])[]): string => {
  const [head, ...body] = rows.map((row) => `| ${row.map(cell).join(' | ')} |`);
  return [head, `| ${rows[0]!.map(() => '---').join(' | ')} |`, ...body].join('\n');
};
const labelText = ([name, bound]: [string, string | readonly string[]]): string => `\`${name}\` (${typeof bound === 'string' ? bound : bound.join(', ')})`;

const METRICS_INTRODUCTION = `# Metrics

<!-- Made by \`farhand metrics\`; do not edit. -->

Prometheus text at \`/metrics\` of every worker. Names end in their unit, counters in \`_total\`; a histogram \`x\` has the series
\`x_bucket\`, \`x_sum\` and \`x_count\`. Every series also carries \`service\` (ingest, enrich, detect, chained, risk) and \`worker\`
(\`kafka.workerId\`, else the host's name). Labels are bounded, and none is an address, a user, a device, a session or a tenant.
Beside these there are the \`process_…\` and \`nodejs_…\` metrics of prom-client (memory, CPU, event loop, garbage collection).

Alert rules made of them: [deploy/prometheus/farhand.rules.yaml](../deploy/prometheus/farhand.rules.yaml); what to do when one
fires: [runbook.md](runbook.md).
`;

export function metricsPage(): string {
  const sections = metricGroups().map(({ title, text, metrics }) => {
    const rows = metrics.map(({ name, type, help, labels }) => [`\`${name}\``, type, Object.entries(labels).map(labelText).join('; '), help]);
    return `## ${title}\n\n${text === '' ? '' : `${text}\n\n`}${table([['metric', 'type', 'labels', 'what it is'], ...rows])}\n`;
  });
  return [METRICS_INTRODUCTION, ...sections].join('\n');
}

const EVENTS_INTRODUCTION = `# Log events

<!-- Made by \`farhand metrics --log-events\`; do not edit. -->

One JSON object a line on standard output. Every line has \`level\` (20 debug, 30 info, 40 warn, 50 error, 60 fatal), \`time\` (UTC,
ISO 8601), \`service\`, \`worker\`, \`pid\` and \`event\`: one of the names below, which stay what they are, so that searches and
alerts can be built on them. Fields are figures, codes, topics and positions. No line carries an identifier of a person, device,
session or tenant, an address, or the content of a record; \`observe.logLevel\` sets the least level.
`;

export function logEventsPage(): string {
  const rows = Object.entries<LogEvent>(LOG_EVENTS).map(([name, { level, fields, meaning }]) => [`\`${name}\``, level, fields.map((field) => `\`${field}\``).join(', '), meaning]);
  return `${EVENTS_INTRODUCTION}\n${table([['event', 'level', 'fields', 'meaning'], ...rows])}\n`;
}
