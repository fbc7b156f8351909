/**
 * What the machine itself adds between a key's arrival and its registration. Nobody has published a long series of this
 * for office machines, so these are models, wide on purpose: published echoes of direct connections lie 0.3–8.5 ms over
 * the transport (rttgap), a display shows its frame every 16.7 ms, and the design names slow machines of +60 ms. Nothing
 * in detection is fitted to them. What they share with real machines: the delay moves with the machine's load, its floor
 * too, for load slows the work down and does not only queue it.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import type { MachineFactory, MachineProcess } from '../simulate/draft.ts';

export interface MachineModel {
  /** Delay of the idle machine, ms. */
  baseMs: number;
  /** Mean of the delay that differs from key to key, idle, ms. */
  jitterMs: number;
  /** Keys wait for the next frame of this length, ms; 0 for none. */
  frameMs: number;
  /** Mean load (0…1) of the quiet machine, its SD and time constant. */
  load: { mean: number; sd: number; timeS: number };
  /** How much full load stretches base and jitter: 1 doubles them. */
  stretch: number;
  /** Bursts of work (builds, scans, updates): mean time between, mean length, s; load that they add. */
  bursts: { everyS: number; lastsS: number; load: number };
  /** From this moment on the base is larger by `addMs` (an update, another application). */
  change: { from: number; addMs: number } | null;
}

class LoadedMachine implements MachineProcess {
  readonly #prng: Prng;
  readonly #model: MachineModel;
  #at: number;
  #wander = 0;
  #burstUntil = 0;
  #nextBurst: number;
  #load = 0;

  constructor(prng: Prng, model: MachineModel, startAt: number) {
    this.#prng = prng;
    this.#model = model;
    this.#at = startAt;
    this.#wander = prng.normal(0, model.load.sd);
    this.#nextBurst = startAt + prng.exponential(model.bursts.everyS) * 1000;
  }

  advance(at: number): void {
    const { load, bursts } = this.#model;
    const keep = Math.exp(-Math.max(0, at - this.#at) / (load.timeS * 1000));
    this.#at = at;
    this.#wander = this.#wander * keep + this.#prng.normal(0, load.sd * Math.sqrt(1 - keep * keep));
    if (at >= this.#nextBurst) {
      this.#burstUntil = at + this.#prng.exponential(bursts.lastsS) * 1000;
      this.#nextBurst = this.#burstUntil + this.#prng.exponential(bursts.everyS) * 1000;
    }
    const now = load.mean + this.#wander + (at < this.#burstUntil ? bursts.load : 0);
    this.#load = Math.min(1, Math.max(0, now));
  }

  delay(): number {
    const { baseMs, jitterMs, frameMs, stretch, change } = this.#model;
    const base = baseMs + (change !== null && this.#at >= change.from ? change.addMs : 0);
    const factor = 1 + stretch * this.#load;
    const frame = frameMs === 0 ? 0 : this.#prng.uniform(0, frameMs);
    return base * factor + frame - Math.log(1 - this.#prng.next()) * jitterMs * factor * (1 + 2 * this.#load);
  }
}

export const machineOf =
  (model: MachineModel): MachineFactory =>
  (prng, startAt) =>
    new LoadedMachine(prng, model, startAt);

/** Most machines: some milliseconds; a quarter of them registers with the display's frame. */
export function ordinaryMachine(prng: Prng): MachineModel {
  return {
    baseMs: Math.min(8.5, Math.max(0.3, prng.logNormal(3, 0.7))),
    jitterMs: prng.uniform(0.3, 1.8),
    frameMs: prng.chance(0.25) ? 1000 / 60 : 0,
    load: { mean: prng.uniform(0.02, 0.2), sd: prng.uniform(0.02, 0.1), timeS: prng.uniform(30, 600) },
    stretch: prng.uniform(0.2, 1),
    bursts: { everyS: prng.uniform(600, 3600), lastsS: prng.uniform(10, 60), load: prng.uniform(0.2, 0.8) },
    change: null,
  };
}

/** A slow machine: +20…+70 ms, constant for a third of them, stretched by load for the others. */
export function slowMachine(prng: Prng): MachineModel {
  const steady = prng.chance(1 / 3);
  return {
    ...ordinaryMachine(prng),
    baseMs: prng.uniform(20, 70),
    jitterMs: steady ? prng.uniform(0.5, 2) : prng.uniform(1.5, 8),
    load: { mean: prng.uniform(0.05, 0.3), sd: prng.uniform(0.03, 0.15), timeS: prng.uniform(30, 900) },
    stretch: steady ? 0 : prng.uniform(0.2, 0.9),
  };
}

/** A heavy application: the delay follows the load, in waves and in bursts. */
export function heavyMachine(prng: Prng): MachineModel {
  return {
    ...ordinaryMachine(prng),
    baseMs: prng.uniform(8, 30),
    jitterMs: prng.uniform(2, 6),
    load: { mean: prng.uniform(0.15, 0.4), sd: prng.uniform(0.1, 0.25), timeS: prng.uniform(60, 1200) },
    stretch: prng.uniform(1, 3),
    bursts: { everyS: prng.uniform(200, 900), lastsS: prng.uniform(20, 120), load: prng.uniform(0.3, 0.7) },
  };
}
