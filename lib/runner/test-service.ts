/** A small stateful service for the tests of the runner: counts the values of each key and says so. */
import { systemClock } from '#lib/kernel/clock.ts';
import type { Log } from '#lib/log/log.ts';
import type { StateCodec } from '#lib/state/state.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type RunnerBounds, type RunnerObserver, type RunnerParts, type ServiceSpec } from './options.ts';
import type { RawRecord } from './task.ts';

export const numbers: StateCodec<number> = {
  encode: (value) => Buffer.from(String(value)),
  decode: (bytes) => Number(Buffer.from(bytes).toString()),
};

export interface CountingOptions {
  readonly application: string;
  readonly inputs: readonly string[];
  readonly output: string;
  /** Looks at every record before it is counted; may throw or wait. */
  readonly before?: (record: RawRecord, task: number) => void | Promise<void>;
  /** Says nothing: all that it does is in its state. */
  readonly silent?: boolean;
  readonly resume?: (task: number) => Iterable<void>;
}

/** Emits `key=count` for every record. */
export function countingService({ application, inputs, output, before, silent, resume }: CountingOptions): ServiceSpec {
  return {
    application,
    inputs,
    outputs: { counts: output },
    changelog: `${application}-changelog`,
    createTask(task, state) {
      const counts = state.keyed('counts', numbers);
      return {
        async process(batch, emitter) {
          for (const record of batch) {
            const waiting = before?.(record, task);
            if (waiting !== undefined) await waiting;
            const key = Buffer.from(record.key ?? []).toString();
            const count = (counts.get(key) ?? 0) + 1;
            counts.set(key, count);
            if (silent !== true) emitter.emit('counts', record.key, Buffer.from(`${key}=${count}`), 1);
          }
        },
        flush() {},
        ...(resume === undefined ? {} : { resume: () => resume(task) }),
      };
    },
  };
}

export async function createTopics(log: Log, service: ServiceSpec, partitions: number): Promise<void> {
  const spec = (name: string, settings = {}) => ({ name, partitions, settings });
  const topics = [...service.inputs.map((name) => spec(name)), ...Object.values(service.outputs).map((name) => spec(name))];
  await log.admin.create([...topics, spec(service.changelog!, { 'cleanup.policy': 'compact' })], 1);
}

export function partsFor(log: Log, service: ServiceSpec, bounds: Partial<RunnerBounds> = {}, observer: Partial<RunnerObserver> = {}): RunnerParts {
  return {
    log,
    service,
    bounds: { ...RUNNER_DEFAULTS, commitIntervalMs: 10, retryMs: 5, ...bounds },
    observer: { ...SILENT_OBSERVER, ...observer },
    clock: systemClock,
  };
}
