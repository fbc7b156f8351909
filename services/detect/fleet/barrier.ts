/**
 * Where the hosts that see the whole input in one order place their barriers: before the first event that completes an
 * hour. One time that was held against its arrival is enough; where the arrival is unknown, three different people (or lanes
 * of people) must have passed it, so that no single wrong clock completes anything.
 */
import type { DetectConfig } from '../config.ts';
import { advanceWatermark, newWatermark, watermarkOf } from '../steps/watermark.ts';
import { completeAfterMs } from './exchange.ts';
import { hourOf } from './minutes.ts';

/** Plain data; null stands for "not yet". */
export interface BarrierState {
  readonly witnesses: readonly { readonly device: string; readonly at: number }[];
  readonly front: number | null;
  readonly complete: number | null;
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

export class Barrier {
  readonly #behindMs: number;
  readonly #witnesses = newWatermark();
  #front = -Infinity;
  #complete = -Infinity;

  constructor(config: DetectConfig) {
    this.#behindMs = completeAfterMs(config);
  }

  /** For a host that goes on in another process. */
  get state(): BarrierState {
    return { witnesses: this.#witnesses.furthest.map((witness) => ({ ...witness })), front: finite(this.#front), complete: finite(this.#complete) };
  }

  goOnAt({ witnesses, front, complete }: BarrierState): void {
    this.#witnesses.furthest = witnesses.map((witness) => ({ ...witness }));
    this.#front = front ?? -Infinity;
    this.#complete = complete ?? -Infinity;
  }

  /** A barrier whose place is known already: the event time that has been reached there. */
  reached(front: number): void {
    this.#front = front;
    this.#complete = hourOf(front - this.#behindMs);
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
