/**
 * Where the hosts that see the whole input in one order place their barriers: before the first event that completes an
 * hour. One time that was held against its arrival is enough; where the arrival is unknown, three different people (or lanes
 * of people) must have passed it, so that no single wrong clock completes anything.
 */
import type { DetectConfig } from '../config.ts';
import { advanceWatermark, newWatermark, watermarkOf } from '../steps/watermark.ts';
import { hourOf } from './minutes.ts';

export class Barrier {
  readonly #behindMs: number;
  readonly #witnesses = newWatermark();
  #front = -Infinity;
  #complete = -Infinity;

  constructor(config: DetectConfig) {
    this.#behindMs = config.idleCloseMs + config.fleet.graceMs;
  }

  /** True where a barrier stands before this event. `witness`: whose time it is. */
  isBefore(observedAt: number, witness: string, arrivalKnown: boolean): boolean {
    if (arrivalKnown) {
      if (observedAt <= this.#front) return false;
      this.#front = observedAt;
    } else {
      if (!advanceWatermark(this.#witnesses, witness, observedAt) || watermarkOf(this.#witnesses) <= this.#front) return false;
      this.#front = watermarkOf(this.#witnesses);
    }
    if (hourOf(this.#front - this.#behindMs) <= this.#complete) return false;
    this.#complete = hourOf(this.#front - this.#behindMs);
    return true;
  }

  /** The event time that has been reached; people who stopped are closed by it. */
  get front(): number {
    return this.#front;
  }

  /** Hours that end at or before this are complete. */
  get complete(): number {
    return this.#complete;
  }
}
