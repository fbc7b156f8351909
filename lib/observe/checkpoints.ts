/** Checkpoints of the state of tasks on the local disk, as metrics and log lines. */
import type { RunnerObserver } from '#lib/runner/options.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';

const CHECKPOINT_BUCKETS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

interface CheckpointObserver extends Pick<RunnerObserver, 'checkpointed' | 'checkpointFailed'> {
  /** The task was given up: its checkpoints are somebody else's. */
  readonly stopped: (task: number) => void;
}

export function observeCheckpoints(metrics: Metrics, logger: Logger): CheckpointObserver {
  const saved = metrics.histogram('checkpoint_seconds', 'Time of one checkpoint of a task, from its first slice to its file on the disk.', CHECKPOINT_BUCKETS);
  const bytes = metrics.taskGauge('checkpoint_bytes', 'Size of the last checkpoint of a task.');
  const failed = metrics.counter('checkpoint_failures_total', 'Checkpoints that were given up as the disk failed; the state is safe in the changelog.');
  // Counted by growth alone, a failure would be forgotten before the next attempt where checkpoints are further apart than the alert looks back.
  const failing = new Set<number>();
  metrics.gauge('checkpoints_failing', 'Tasks whose last attempt at a checkpoint failed.', {}, (gauge) => gauge.set(failing.size));
  return {
    checkpointed: (task, { entries, bytes: size, seconds }) => {
      failing.delete(task);
      saved.observe(seconds);
      bytes.set({ task: String(task) }, size);
      logger.debug({ event: 'checkpoint.saved', task, entries, bytes: size, seconds });
    },
    checkpointFailed: (task, error) => {
      failing.add(task);
      failed.inc();
      logger.warn({ event: 'checkpoint.failed', task, error: error.message });
    },
    stopped: (task) => void failing.delete(task),
  };
}
