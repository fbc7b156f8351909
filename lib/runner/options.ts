/** What the runner is told: the service, its topics and bounds; and what it tells: metrics and log lines. */
import type { Clock } from '#lib/kernel/clock.ts';
import type { Log } from '#lib/log/log.ts';
import type { Checkpoints } from '#lib/state/checkpoint.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { Task } from './task.ts';

export interface RunnerBounds {
  /** Outputs, state and positions are committed this long after the first record that they come from, ms. */
  readonly commitIntervalMs: number;
  /** Most records of one call of a task's process. */
  readonly batchRecordsMax: number;
  /** Bytes of outputs and changed state that are gathered before a commit is begun early; twice that stops the processing until it is through. */
  readonly commitBytesMax: number;
  /**
   * How long an input of a task that is known to go on may hold up the other one, ms. Longer than brokers take to move a
   * partition: going on without it means that the same events are met in another order than without the outage.
   */
  readonly idleInputMsMax: number;
  /** How long a task may take to stop and commit when the group rebalances or the worker ends, ms. */
  readonly drainMsMax: number;
  readonly retryMs: number;
  readonly retryMsMax: number;
}

export const RUNNER_DEFAULTS: RunnerBounds = {
  commitIntervalMs: 100,
  batchRecordsMax: 2_000,
  commitBytesMax: 8 * 1024 * 1024,
  idleInputMsMax: 30_000,
  drainMsMax: 10_000,
  retryMs: 50,
  retryMsMax: 5_000,
};

export type RetryCause = 'dependency' | 'log' | 'fenced';

/** Where the runner counts; every call is per batch, commit or event of the lifecycle, never per record. */
export interface RunnerObserver {
  processed(task: number, records: number, seconds: number): void;
  /** `sinceArrivalSeconds`: from the arrival of the oldest telemetry that it came from; absent where that is unknown. */
  committed(task: number, records: number, changes: number, seconds: number, sinceArrivalSeconds?: number): void;
  retried(task: number, cause: RetryCause, error: Error): void;
  /** How much of the changelog has been read, from 0 to 1. */
  restoring(task: number, ratio: number): void;
  /** `records` of the changelog; `checkpointEntries` of the checkpoint that it began from, null where from nothing. */
  restored(task: number, records: number, keys: number, seconds: number, checkpointEntries?: number | null): void;
  checkpointed(task: number, saved: { readonly entries: number; readonly bytes: number; readonly seconds: number }): void;
  checkpointFailed(task: number, error: Error): void;
  /** `seconds`: age of the oldest record that waits, by its timestamp. */
  lag(task: number, records: number, seconds?: number): void;
  /** How full the bounded queues are, from 0 to 1 (a little more where one record fills the rest). */
  queues(task: number, prefetch: number, outputs: number): void;
  stateKeys(task: number, keys: number): void;
  tasks(held: number): void;
  event(name: RunnerEvent, fields: Readonly<Record<string, unknown>>): void;
}

/** Stable names: log searches and alerts are built on them. */
export type RunnerEvent =
  | 'task.started'
  | 'task.stopped'
  | 'task.restarted'
  | 'task.abandoned'
  | 'task.poison'
  | 'checkpoint.ignored'
  | 'topics.unchecked'
  | 'group.assigned'
  | 'worker.stopping'
  | 'worker.stopped';

export const SILENT_OBSERVER: RunnerObserver = {
  processed: () => undefined,
  committed: () => undefined,
  retried: () => undefined,
  restoring: () => undefined,
  restored: () => undefined,
  checkpointed: () => undefined,
  checkpointFailed: () => undefined,
  lag: () => undefined,
  queues: () => undefined,
  stateKeys: () => undefined,
  tasks: () => undefined,
  event: () => undefined,
};

export interface UpstreamStage {
  /** Of its group. */
  readonly application: string;
  readonly inputs: readonly string[];
}

export interface ServiceSpec {
  /** Names the group and the transactional ids; two deployments on one cluster must differ in it. */
  readonly application: string;
  /** Co-partitioned input topics. */
  readonly inputs: readonly string[];
  /** Set where a record's timestamp has to be its arrival: the worker refuses inputs without LogAppendTime. */
  readonly arrivalRequired?: boolean;
  /** Topics of requests to the tasks, partitioned as the inputs: taken as soon as they are there, waited for by nobody. */
  readonly controls?: readonly string[];
  /** How long the inputs must have been at their end before a task is told that it is idle, ms; absent: it is never told. */
  readonly idleAfterMs?: number;
  /**
   * Who works for the inputs, the first stage first: a task is not idle while something waits in its partition of theirs.
   * Stages with fewer partitions have nothing to do with it.
   */
  readonly upstream?: readonly UpstreamStage[];
  /** Topic by output name. */
  readonly outputs: Readonly<Record<string, string>>;
  /** Compacted topic of the tasks' state, with as many partitions as the inputs; null where they keep none. */
  readonly changelog: string | null;
  /** Builds the task of one partition; its stores are restored before the first batch. */
  createTask(task: number, state: TaskState): Task;
}

/** Every topic that the tasks read. */
export const readsOf = ({ inputs, controls = [] }: Pick<ServiceSpec, 'inputs' | 'controls'>): readonly string[] => [...inputs, ...controls];

export interface RunnerParts {
  readonly log: Log;
  readonly service: ServiceSpec;
  readonly bounds: RunnerBounds;
  readonly observer: RunnerObserver;
  readonly clock: Clock;
  /** Where tasks with a changelog keep checkpoints of their state; absent: they keep none. */
  readonly checkpoints?: Checkpoints;
}
