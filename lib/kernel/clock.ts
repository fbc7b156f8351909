import { monitorEventLoopDelay } from 'node:perf_hooks';

/** The only door to wall-clock time and timers. Processors get none; hosts and adapters are handed a Clock. */
export interface Clock {
  /** Wall-clock time, epoch ms. For metrics, logs and timeouts; never for a decision. */
  nowMs(): number;
  /** Monotonic time, ms from an arbitrary origin. */
  monotonicMs(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const done = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, ms);
      signal?.addEventListener('abort', done, { once: true });
    }),
};

/** How late timers are, ms: half of them since the last question, and the latest. */
export interface LoopDelay {
  readonly medianMs: number;
  readonly maxMs: number;
}

const LOOP_RESOLUTION_MS = 20;

/** Watches the event loop of this process; `take` answers for the time since it was last asked. */
export function watchEventLoop(): { take(): LoopDelay; close(): void } {
  const histogram = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  histogram.enable();
  const late = (nanoseconds: number): number => (Number.isFinite(nanoseconds) ? Math.max(0, Math.round(nanoseconds / 1e6) - LOOP_RESOLUTION_MS) : 0);
  return {
    take: () => {
      const delay = { medianMs: late(histogram.percentile(50)), maxMs: late(histogram.max) };
      histogram.reset();
      return delay;
    },
    close: () => void histogram.disable(),
  };
}

/** Calls `act` after `ms`, unless the process has come to its end before: this keeps nothing alive. */
export function unlessEnded(ms: number, act: () => void): void {
  setTimeout(act, ms).unref();
}

const waiting: (() => void)[] = [];

/**
 * Lets everything that is due (answers of brokers, timers) have its turn; waits for no time to pass. Of several who wait only one gets on in a turn of the event
 * loop: where each task of a process worked off a batch in the same turn, the answers that their commits wait for would lie there for all of these batches.
 */
export function yieldToIo(): Promise<void> {
  return new Promise((resolve) => {
    if (waiting.push(resolve) === 1) void setImmediate(oneGetsOn);
  });
}

function oneGetsOn(): void {
  waiting.shift()!();
  if (waiting.length > 0) void setImmediate(oneGetsOn);
}
