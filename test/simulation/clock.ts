/**
 * Virtual time. Nothing of a simulation waits for a real clock: when everybody sleeps, time jumps to the next timer.
 * The order of everything is a function of the seed, because promises, immediates and these timers are all there is.
 */
import { setImmediate as yieldToAll } from 'node:timers/promises';
import type { Clock } from '#lib/kernel/clock.ts';
import { Heap } from '../../tools/simulate/heap.ts';

interface Timer {
  fire(): void;
  cancelled: boolean;
}

/** A week after the histories: the runner replaces times of records that lie ahead of its clock. */
const START_MS = Date.UTC(2026, 2, 9, 8);

export class VirtualClock implements Clock {
  #nowMs = START_MS;
  /** By the time at which they fire; ties in order of insertion. */
  readonly #timers = new Heap<Timer>();

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - START_MS;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer: Timer = { cancelled: false, fire: resolve };
      this.#timers.push(this.#nowMs + Math.max(0, ms), timer);
      signal?.addEventListener(
        'abort',
        () => {
          timer.cancelled = true;
          resolve();
        },
        { once: true },
      );
    });
  }

  /** Lets everybody run until `done` resolves. Rejects when it does, or when virtual time passes `limitMs` from now. */
  async drive(done: Promise<unknown>, limitMs: number): Promise<void> {
    let over = false;
    let failure: { readonly error: unknown } | null = null;
    done.then(
      () => (over = true),
      (error: unknown) => {
        failure = { error };
        over = true;
      },
    );
    const limit = this.#nowMs + limitMs;
    while (!over) {
      await yieldToAll();
      if (over) break;
      if (this.#timers.size === 0) {
        // One more turn: a task that yields holds no timer.
        await yieldToAll();
        if (this.#timers.size === 0 && !over) throw new Error('everybody waits for something that never comes');
        continue;
      }
      const dueMs = this.#timers.head;
      const timer = this.#timers.pop();
      if (timer.cancelled) continue;
      if (dueMs > limit) throw new Error(`still not done after ${limitMs} ms of virtual time`);
      this.#nowMs = dueMs;
      timer.fire();
    }
    if (failure !== null) throw (failure as { error: unknown }).error;
  }
}
