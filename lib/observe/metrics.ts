/**
 * The metrics of a worker (Prometheus). Names carry their unit, counters end in _total; labels are bounded: tasks
 * (partitions), causes, reasons and topics, never an identifier out of a record.
 */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { RunnerObserver } from '#lib/runner/options.ts';
import type { Logger } from './logger.ts';

/** Seconds; from a commit on an idle broker to one that waits for a moved coordinator. */
const COMMIT_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15];
const PROCESS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2];
/** Events of these names are warnings in the log. */
const WARNINGS = new Set(['task.restarted', 'task.abandoned', 'task.poison']);
/** At most one line in this time about retries of one task and cause: a dependency that is away for hours is one fact. */
const RETRY_LOG_MS = 10_000;

export class Metrics {
  readonly registry = new Registry();

  constructor(service: string, worker: string) {
    this.registry.setDefaultLabels({ service, worker });
    collectDefaultMetrics({ register: this.registry });
  }

  counter(name: string, help: string, labelNames: readonly string[] = []): Counter {
    return new Counter({ name: `farhand_${name}`, help, labelNames: [...labelNames], registers: [this.registry] });
  }

  /** With `collect`, the value is asked for at each scrape. */
  gauge(name: string, help: string, labelNames: readonly string[] = [], collect?: (gauge: Gauge) => void): Gauge {
    const options = { name: `farhand_${name}`, help, labelNames: [...labelNames], registers: [this.registry] };
    return new Gauge(collect === undefined ? options : { ...options, collect: function (this: Gauge) { collect(this); } });
  }

  histogram(name: string, help: string, buckets: readonly number[]): Histogram {
    return new Histogram({ name: `farhand_${name}`, help, buckets: [...buckets], registers: [this.registry] });
  }
}

/** What the runner does, as metrics and log lines. */
export function observeRunner(metrics: Metrics, logger: Logger, monotonicMs: () => number): RunnerObserver {
  const records = metrics.counter('records_processed_total', 'Input records that a task has processed.');
  const outputs = metrics.counter('records_committed_total', 'Output records in committed transactions.');
  const changes = metrics.counter('state_changes_committed_total', 'State changes in committed transactions.');
  const processing = metrics.histogram('process_batch_seconds', 'Time of one batch in a task.', PROCESS_BUCKETS);
  const commits = metrics.histogram('commit_seconds', 'Time of one transaction, from its first request to its end.', COMMIT_BUCKETS);
  const retries = metrics.counter('retries_total', 'Attempts that failed and are repeated: back-pressure.', ['cause']);
  const restores = metrics.histogram('restore_seconds', 'Time to restore the state of one task from its changelog.', COMMIT_BUCKETS);
  const lags = metrics.gauge('input_lag_records', 'Committed input records that a task has yet to take.', ['task']);
  const keys = metrics.gauge('state_keys', 'Keys in the state of a task.', ['task']);
  const held = metrics.gauge('tasks_held', 'Tasks that this worker holds.');
  const saidAt = new Map<string, number>();
  return {
    processed: (_task, count, seconds) => {
      records.inc(count);
      processing.observe(seconds);
    },
    committed: (_task, count, changed, seconds) => {
      outputs.inc(count);
      changes.inc(changed);
      commits.observe(seconds);
    },
    retried: (task, cause, error) => {
      retries.inc({ cause });
      const key = `${task}/${cause}`;
      if (monotonicMs() - (saidAt.get(key) ?? -Infinity) < RETRY_LOG_MS) return;
      saidAt.set(key, monotonicMs());
      logger.warn({ event: 'task.retry', task, cause, error: error.message });
    },
    restored: (task, count, size, seconds) => {
      restores.observe(seconds);
      logger.info({ event: 'task.restored', task, records: count, keys: size, seconds });
    },
    lag: (task, count) => lags.set({ task: String(task) }, count),
    stateKeys: (task, count) => keys.set({ task: String(task) }, count),
    tasks: (count) => {
      held.set(count);
      // Tasks that went elsewhere must not be shown with their last figures.
      lags.reset();
      keys.reset();
    },
    event: (event, fields) => logger[WARNINGS.has(event) ? 'warn' : 'info']({ event, ...fields }),
  };
}
