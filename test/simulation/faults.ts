/** Which faults a seed injects, how often, and how many it did. Every seed draws its own mix, some of them none of a kind. */
import { Prng } from '#lib/kernel/prng.ts';

/** Faults of single requests to the broker: rate per request. */
export const REQUEST_FAULTS = [
  'request lost',
  'answer lost',
  'retriable broker error',
  'fatal broker error',
  'slow request (disk)',
  'crash before produce',
  'crash after produce',
  'crash before commit',
  'crash after commit',
  'late marker',
] as const;

/** Faults that strike a process, the group or a dependency at a time: drawn one after the other. */
export const WORLD_FAULTS = [
  'crash',
  'zombie',
  'deploy',
  'graceful restart',
  'revoke mid-batch',
  'producer fenced',
  'membership lost',
  'brokers away',
  'reference away',
  'slow reference',
] as const;

/** Faults of the disk on which a worker keeps its checkpoints; most strike with a crash, as only a restart shows them. */
export const DISK_FAULTS = ['disk lost', 'checkpoint torn', 'checkpoint put back', 'checkpoint of another task', 'disk fails', 'disk hangs'] as const;

/** Faults of what the sensors send; they are part of the history, so that the run without faults has them too. */
export const INPUT_FAULTS = ['duplicate delivery', 'late event', 'out of order', 'clock ahead', 'garbage'] as const;

export type RequestFault = (typeof REQUEST_FAULTS)[number];
export type WorldFault = (typeof WORLD_FAULTS)[number];
export type DiskFault = (typeof DISK_FAULTS)[number];
export type FaultCounts = Map<string, number>;

/** Chance that a kind of fault is in a seed's mix at all. */
const IN_THE_MIX = 0.6;

export class FaultPlan {
  readonly counts: FaultCounts = new Map();
  /** False in the run without faults, and once the world heals. */
  active: boolean;
  readonly #rates = new Map<RequestFault, number>();
  readonly #prng: Prng;
  readonly worldFaults: readonly WorldFault[];
  /** Mean virtual time between two faults of the world, ms. */
  readonly meanPauseMs: number;
  readonly skewMsMax: number;
  /** Whether workers have a disk for checkpoints. Some seeds only: those that were kept before there was one have none. */
  readonly disks: boolean;

  constructor(seed: number, active: boolean) {
    const mix = new Prng(seed, 'fault-mix');
    this.active = active;
    this.#prng = new Prng(seed, 'request-faults');
    for (const kind of REQUEST_FAULTS) {
      const rate = mix.chance(IN_THE_MIX) ? 10 ** mix.uniform(-3.3, kind.startsWith('crash') ? -2.5 : -1.7) : 0;
      this.#rates.set(kind, rate);
    }
    this.worldFaults = WORLD_FAULTS.filter(() => mix.chance(IN_THE_MIX));
    this.meanPauseMs = mix.uniform(400, 3_000);
    this.disks = active && (seed % 5 === 2 || seed % 5 === 4);
    this.skewMsMax = active && mix.chance(IN_THE_MIX) ? 600_000 : 0;
  }

  draw(kind: RequestFault): boolean {
    if (!this.active || !this.#prng.chance(this.#rates.get(kind)!)) return false;
    this.count(kind);
    return true;
  }

  /** Where in [low, high) something that was drawn takes place. */
  uniform(low: number, high: number): number {
    return this.#prng.uniform(low, high);
  }

  count(kind: string, times = 1): void {
    this.counts.set(kind, (this.counts.get(kind) ?? 0) + times);
  }
}
