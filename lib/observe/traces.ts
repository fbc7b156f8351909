/**
 * Traces through OpenTelemetry (OTLP over HTTP), off by default; the packages are loaded only where they are switched on.
 * A trace is one transaction of one task: a span from the first batch whose results it holds to its commit, and below it
 * a span for each of those batches and one for the commit. Restores are spans of their own. Spans are made after the fact
 * from what the runner tells its observer, so that nothing is in the way of the records. Attributes are figures.
 */
import type { Context, HrTime, Span, Tracer } from '@opentelemetry/api';
import type { SpanExporter } from '@opentelemetry/sdk-trace';
import type { Clock } from '#lib/kernel/clock.ts';
import type { ObserveSection } from '#lib/kernel/config-sections.ts';
import type { RunnerObserver } from '#lib/runner/options.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** Batches of one task that may wait for their commit; those of a commit that takes longer are not shown. */
const BATCHES_MAX = 1_000;
const FAILURE_LOG_MS = 60_000;
const MS = 1_000;

export interface TraceParts {
  readonly section: ObserveSection['traces'];
  readonly service: string;
  readonly worker: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly failed: ReturnType<typeof traceMetrics>;
}

export interface Traces {
  /** The same observer, that also makes spans. */
  observe(observer: RunnerObserver): RunnerObserver;
  /** Hands over what waits. */
  close(): Promise<void>;
}

export function traceMetrics(metrics: Metrics): { inc(): void } {
  return metrics.counter('trace_exports_failed_total', 'Times that spans could not be handed to the collector.');
}

/** `exporter` only in tests. */
export async function startTraces(parts: TraceParts, exporter?: SpanExporter): Promise<Traces> {
  const [api, sdk, otlp, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { section, service, worker, clock } = parts;
  const target = exporter ?? new otlp.OTLPTraceExporter({ url: section.url, timeoutMillis: section.exportTimeoutMs });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.namespace': 'farhand', 'service.name': `farhand-${service}`, 'service.instance.id': worker }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(section.sampleRatio) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter: reporting(target, parts), maxQueueSize: section.queueSpansMax, maxExportBatchSize: Math.min(512, section.queueSpansMax), exportTimeoutMillis: section.exportTimeoutMs })],
  });
  const below = (span: Span) => api.trace.setSpan(api.ROOT_CONTEXT, span);
  return {
    observe: (observer) => ({ ...observer, ...spansOf(observer, provider.getTracer('farhand'), below, clock) }),
    close: () => provider.shutdown().catch(() => undefined),
  };
}

/** Counts and logs failures instead of leaving them to a console of the library. */
function reporting(target: SpanExporter, { logger, clock, failed }: TraceParts): SpanExporter {
  let saidAt = -Infinity;
  return {
    export: (spans, done) =>
      target.export(spans, (result) => {
        if (result.code !== 0) {
          failed.inc();
          if (clock.monotonicMs() - saidAt >= FAILURE_LOG_MS) {
            saidAt = clock.monotonicMs();
            logger.warn({ event: 'traces.failed', error: result.error?.message ?? 'refused' });
          }
        }
        done(result);
      }),
    forceFlush: async () => target.forceFlush?.(),
    shutdown: () => target.shutdown(),
  };
}

/** As the API takes it without guessing: a number could be an epoch or a reading of performance.now(). */
const at = (epochMs: number): HrTime => [Math.floor(epochMs / MS), Math.round((epochMs % MS) * 1e6)];

interface Batch {
  readonly beganMs: number;
  readonly endedMs: number;
  readonly records: number;
}

function spansOf(observer: RunnerObserver, tracer: Tracer, below: (span: Span) => Context, clock: Clock): Partial<RunnerObserver> {
  const waiting = new Map<number, Batch[]>();
  return {
    processed: (task, records, seconds) => {
      observer.processed(task, records, seconds);
      const batches = waiting.get(task) ?? [];
      waiting.set(task, batches);
      const endedMs = clock.nowMs();
      if (batches.length < BATCHES_MAX) batches.push({ beganMs: endedMs - seconds * MS, endedMs, records });
    },
    committed: (task, records, changes, seconds, sinceArrivalSeconds) => {
      observer.committed(task, records, changes, seconds, sinceArrivalSeconds);
      const endedMs = clock.nowMs();
      const beganMs = endedMs - seconds * MS;
      // Batches that ended while the commit was on its way belong to the next one.
      const batches = waiting.get(task) ?? [];
      const mine = batches.filter((batch) => batch.endedMs <= beganMs + 1);
      waiting.set(task, batches.filter((batch) => batch.endedMs > beganMs + 1));
      const startTime = at(mine[0]?.beganMs ?? beganMs);
      const root = tracer.startSpan('transaction', { root: true, startTime, attributes: { 'farhand.task': task, 'farhand.records.out': records, 'farhand.state.changes': changes } });
      if (sinceArrivalSeconds !== undefined) root.setAttribute('farhand.end_to_end_seconds', sinceArrivalSeconds);
      if (root.isRecording()) {
        for (const batch of mine) tracer.startSpan('process', { startTime: at(batch.beganMs), attributes: { 'farhand.records.in': batch.records } }, below(root)).end(at(batch.endedMs));
        tracer.startSpan('commit', { startTime: at(beganMs) }, below(root)).end(at(endedMs));
      }
      root.end(at(endedMs));
    },
    restored: (task, records, keys, seconds) => {
      observer.restored(task, records, keys, seconds);
      const endedMs = clock.nowMs();
      tracer.startSpan('restore', { root: true, startTime: at(endedMs - seconds * MS), attributes: { 'farhand.task': task, 'farhand.records.in': records, 'farhand.state.keys': keys } }).end(at(endedMs));
    },
    tasks: (held) => {
      observer.tasks(held);
      waiting.clear();
    },
  };
}
