/**
 * A simulated process: what its code awaits comes back only while it runs. A crashed one never hears of anything again,
 * although its requests that are on their way still reach the broker; a paused one (SIGSTOP, a long collection of
 * garbage, a frozen machine) hears of everything when it wakes up: that is the zombie.
 */
import type { Clock } from '#lib/kernel/clock.ts';

export class SimulatedProcess {
  readonly name: string;
  /** What the code inside sees: skewed wall clock, and sleeps that end only while the process runs. */
  readonly clock: Clock;
  #state: 'up' | 'paused' | 'dead' = 'up';
  #wake = Promise.withResolvers<void>();

  constructor(name: string, world: Clock, skewMs = 0) {
    this.name = name;
    this.clock = {
      nowMs: () => world.nowMs() + skewMs,
      monotonicMs: () => world.monotonicMs(),
      sleep: async (ms, signal) => {
        await world.sleep(ms, signal);
        await this.gate();
      },
    };
  }

  get up(): boolean {
    return this.#state === 'up';
  }

  get dead(): boolean {
    return this.#state === 'dead';
  }

  /** To be awaited before anything reaches the code inside. */
  async gate(): Promise<void> {
    while (this.#state !== 'up') await this.#wake.promise;
  }

  pause(): void {
    if (this.#state === 'up') this.#state = 'paused';
  }

  resume(): void {
    if (this.#state !== 'paused') return;
    this.#state = 'up';
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  /** For ever. */
  crash(): void {
    this.#state = 'dead';
    this.#wake = Promise.withResolvers<void>();
  }
}
