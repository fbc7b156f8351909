/**
 * Whether the process lives: its event loop turns, and every task that has work in hand gets on with it. A dependency
 * that is away is no reason to be restarted: an attempt that failed counts as getting on.
 */
import { watchEventLoop } from '#lib/kernel/clock.ts';
import type { Metrics } from './metrics.ts';

export interface HealthBounds {
  /** A task may have work in hand for so long without getting anywhere. */
  readonly stuckMsMax: number;
  /** Half of the turns of the event loop since the last question may be late by so much. */
  readonly eventLoopMsMax: number;
}

export interface Health {
  readonly up: boolean;
  readonly stuckTasks: readonly number[];
  /** Since the last question, ms. */
  readonly eventLoopMedianMs: number;
  readonly eventLoopMaxMs: number;
}

export interface HealthCheck {
  check(): Health;
  close(): Promise<void>;
}

/** `stuck` names the tasks that have had work in hand for that long without getting anywhere. */
export function createHealthCheck(bounds: HealthBounds, stuck: (msMax: number) => readonly number[], metrics: Metrics): HealthCheck {
  const loop = watchEventLoop();
  metrics.gauge('tasks_stuck', 'Tasks that have had work in hand for observe.stuckMsMax without getting anywhere; /healthz answers 503 then.', {}, (gauge) => gauge.set(stuck(bounds.stuckMsMax).length));
  return {
    check: () => {
      const stuckTasks = stuck(bounds.stuckMsMax);
      const { medianMs: eventLoopMedianMs, maxMs: eventLoopMaxMs } = loop.take();
      return { up: stuckTasks.length === 0 && eventLoopMedianMs <= bounds.eventLoopMsMax, stuckTasks, eventLoopMedianMs, eventLoopMaxMs };
    },
    close: () => Promise.resolve(loop.close()),
  };
}
