/** What the runner does, as metrics and log lines. Every call is by batch, commit, scrape or event of the lifecycle. */
import type { RunnerObserver } from '#lib/runner/options.ts';
import { observeCheckpoints } from './checkpoints.ts';
import { LOG_EVENTS } from './events.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

/** Seconds; from a commit on an idle broker to one that waits for a moved coordinator. */
const COMMIT_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 15];
const PROCESS_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 2];
const RESTORE_BUCKETS = [0.05, 0.1, 0.5, 1, 5, 15, 60, 300, 900];
/** From a commit every 100 ms in each of three services to a backlog of hours. */
const END_TO_END_BUCKETS = [0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1, 2, 5, 15, 60, 300, 3_600];
/** At most one line in this time about retries of one task and cause: a dependency that is away for hours is one fact. */
const RETRY_LOG_MS = 10_000;

/** Counters and histograms of batches, commits and restores. */
function observeWork(metrics: Metrics): Pick<RunnerObserver, 'processed' | 'committed'> {
  const records = metrics.counter('records_processed_total', 'Input records that a task has processed.');
  const outputs = metrics.counter('records_committed_total', 'Output records in committed transactions.');
  const changes = metrics.counter('state_changes_committed_total', 'State changes in committed transactions.');
  const processing = metrics.histogram('process_batch_seconds', 'Time of one batch in a task.', PROCESS_BUCKETS);
  const commits = metrics.histogram('commit_seconds', 'Time of one transaction, from its first request to its end.', COMMIT_BUCKETS);
  const endToEnd = metrics.histogram(
    'end_to_end_seconds',
    'From the arrival of telemetry at its broker to the commit of the transaction that holds what came of it (of the oldest record in it); in detect: event appended to finding committed.',
    END_TO_END_BUCKETS,
    { holds: ['outputs', 'state'] },
  );
  return {
    processed: (_task, count, seconds) => {
      records.inc(count);
      processing.observe(seconds);
    },
    committed: (_task, count, changed, seconds, sinceArrivalSeconds) => {
      outputs.inc(count);
      changes.inc(changed);
      commits.observe(seconds);
      if (sinceArrivalSeconds !== undefined) endToEnd.observe({ holds: count > 0 ? 'outputs' : 'state' }, Math.max(0, sinceArrivalSeconds));
    },
  };
}

/** Gauges by task. */
function observeTasks(metrics: Metrics): Pick<RunnerObserver, 'lag' | 'stateKeys' | 'queues' | 'tasks'> {
  const lags = metrics.taskGauge('input_lag_records', 'Committed input records that a task has yet to take, as of the last answer of the broker (it is not asked while the prefetched ones fill their bound).');
  const ages = metrics.taskGauge('input_lag_seconds', 'Age of the oldest input record that waits for a task, by its timestamp: arrival for ingest, event time for later services; 0 where none waits.');
  const keys = metrics.taskGauge('state_keys', 'Keys in the state of a task.');
  const queues = metrics.taskGauge('queue_fill_ratio', 'How full a bounded queue of a task is: prefetched input, and outputs that wait for their commit (1: full, it holds the work up).', { queue: ['prefetch', 'outputs'] });
  const held = metrics.gauge('tasks_held', 'Tasks that this worker holds.');
  return {
    lag: (task, count, seconds = 0) => {
      lags.set({ task: String(task) }, count);
      ages.set({ task: String(task) }, seconds);
    },
    stateKeys: (task, count) => keys.set({ task: String(task) }, count),
    queues: (task, prefetch, outputs) => {
      queues.set({ task: String(task), queue: 'prefetch' }, prefetch);
      queues.set({ task: String(task), queue: 'outputs' }, outputs);
    },
    tasks: (count) => {
      held.set(count);
      metrics.forgetTasks();
    },
  };
}

export function observeRunner(metrics: Metrics, logger: Logger, monotonicMs: () => number): RunnerObserver {
  const retries = metrics.counter('retries_total', 'Attempts that failed and are repeated: back-pressure.', { cause: ['dependency', 'log', 'fenced'] });
  const restores = metrics.histogram('restore_seconds', 'Time to restore the state of one task, from its checkpoint on the local disk and its changelog.', RESTORE_BUCKETS);
  const progress = metrics.taskGauge('restore_progress_ratio', 'How much of its changelog a task has read (1: restored).');
  const restarts = metrics.counter('task_restarts_total', 'Sessions of tasks that ended by a failure and were begun anew.');
  const abandoned = metrics.counter('tasks_abandoned_total', 'Tasks that did not finish in time when they had to be given up.');
  const saidAt = new Map<string, number>();
  const { stopped, ...checkpoints } = observeCheckpoints(metrics, logger);
  return {
    ...observeWork(metrics),
    ...observeTasks(metrics),
    ...checkpoints,
    retried: (task, cause, error) => {
      retries.inc({ cause });
      const key = `${task}/${cause}`;
      if (monotonicMs() - (saidAt.get(key) ?? -Infinity) < RETRY_LOG_MS) return;
      saidAt.set(key, monotonicMs());
      logger.warn({ event: 'task.retry', task, cause, error: error.message });
    },
    restoring: (task, ratio) => progress.set({ task: String(task) }, ratio),
    restored: (task, count, size, seconds, checkpointEntries) => {
      restores.observe(seconds);
      progress.set({ task: String(task) }, 1);
      logger.info({ event: 'task.restored', task, records: count, checkpointEntries, keys: size, seconds });
    },
    event: (event, fields) => {
      if (event === 'task.restarted') restarts.inc();
      if (event === 'task.abandoned') abandoned.inc();
      if (event === 'task.stopped') stopped(fields['task'] as number);
      logger[LOG_EVENTS[event].level]({ event, ...fields });
    },
  };
}
