/** Speed of a simulation: as fast as possible, or event time × N. */
import type { Clock } from '#lib/kernel/clock.ts';

/** Resolves when a record that arrives at this simulated time (epoch ms) may go out. */
export type Pace = (arrivedAt: number) => Promise<void>;

/** Waits shorter than this are not waited, ms. */
const GRAIN_MS = 5;

/** `speed` null: as fast as possible. The first record goes out at once. */
export function paceOf(speed: number | null, clock: Clock): Pace {
  if (speed === null) return () => Promise.resolve();
  let simulatedStart: number | null = null;
  const realStart = clock.monotonicMs();
  return async (arrivedAt) => {
    simulatedStart ??= arrivedAt;
    const wait = (arrivedAt - simulatedStart) / speed - (clock.monotonicMs() - realStart);
    if (wait > GRAIN_MS) await clock.sleep(wait);
  };
}
