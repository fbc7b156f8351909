import { setImmediate as afterIo } from 'node:timers/promises';

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

/** Lets everything that is due (answers of brokers, timers) have its turn; waits for no time to pass. */
export function yieldToIo(): Promise<void> {
  return afterIo();
}
