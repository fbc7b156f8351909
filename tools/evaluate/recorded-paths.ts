/**
 * Real round trips: bases between real places out of cloud matrices, and how real paths move over time out of the
 * measurements of personal devices, servers and calls. A leg is a base plus a recorded movement above it.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import { type CloudPair, type CloudRegion, readAzure, readDirectCalls, readGcp, readPlanetlab, readSeattle } from '../simulate/measured.ts';
import type { PathFactory, PathProcess } from '../simulate/path.ts';
import { quantileOf, sorted } from '../simulate/quantiles.ts';

/** What a path does over time: milliseconds above its own low quantile, one value per step. */
interface Movement {
  readonly aboveMs: readonly number[];
  readonly stepMs: number;
}

export type AccessClass = 'server' | 'home' | 'device';

export interface Paths {
  /** Places of both clouds, by id. */
  readonly regions: readonly CloudRegion[];
  /** RTT between two places, ms; undefined where nobody measured it. */
  rttMs(from: CloudRegion, to: CloudRegion): number | undefined;
  readonly movements: Readonly<Record<AccessClass, readonly Movement[]>>;
}

const STEP_MS: Readonly<Record<AccessClass, number>> = { server: 3_600_000, home: 10_000, device: 60_000 };
/** Recorded values above this are outages, not queues, ms. */
const OUTAGE_MS = 3_000;

export function readPaths(dir?: string): Paths {
  const tagged = (cloud: string, pairs: CloudPair[]): CloudPair[] =>
    pairs.map(({ from, to, rttMs }) => ({ from: { ...from, id: `${cloud}:${from.id}` }, to: { ...to, id: `${cloud}:${to.id}` }, rttMs }));
  const pairs = [...tagged('gcp', readGcp(dir)), ...tagged('azure', readAzure(dir))];
  const regions = new Map<string, CloudRegion>();
  const rtt = new Map<string, number>();
  for (const { from, to, rttMs } of pairs) {
    regions.set(from.id, from);
    regions.set(to.id, to);
    rtt.set(`${from.id}>${to.id}`, rttMs);
  }
  return {
    regions: [...regions.values()],
    rttMs: (from, to) => rtt.get(`${from.id}>${to.id}`) ?? rtt.get(`${to.id}>${from.id}`),
    movements: { server: serverMovements(readPlanetlab(dir)), home: readDirectCalls(dir).map(movementOf('home')), device: readSeattle(dir).map(({ rttMs }) => movementOf('device')(rttMs)) },
  };
}

const movementOf =
  (access: AccessClass) =>
  (rttMs: readonly number[]): Movement => {
    const low = quantileOf(sorted(rttMs), 0.05);
    return { aboveMs: rttMs.map((ms) => Math.min(OUTAGE_MS, Math.max(0, ms - low))), stepMs: STEP_MS[access] };
  };

/** Three moments per pair; only every 7th pair is kept: the list is drawn from, not counted. */
function serverMovements(moments: readonly number[][][]): Movement[] {
  const [first, second, third] = moments as [number[][], number[][], number[][]];
  const movements: Movement[] = [];
  for (let i = 0; i < first.length; i++) {
    for (let j = (i % 7) + 1; j < first.length; j += 7) {
      const values = [first, second, third].map((matrix) => matrix[i]?.[j] ?? NaN);
      if (i !== j && values.every((ms) => ms > 1)) movements.push({ ...movementOf('server')(values), stepMs: STEP_MS.server });
    }
  }
  return movements;
}

export interface RecordedLeg {
  baseMs: number;
  movements: readonly Movement[];
  /** Mean jitter from packet to packet beside the recorded movement, ms. */
  packetJitterMs: number;
}

class RecordedPath implements PathProcess {
  readonly #prng: Prng;
  readonly #leg: RecordedLeg;
  readonly #startAt: number;
  /** A random phase in each recording. */
  readonly #phases: number[];
  #above = 0;

  constructor(prng: Prng, leg: RecordedLeg, startAt: number) {
    this.#prng = prng;
    this.#leg = leg;
    this.#startAt = startAt;
    this.#phases = leg.movements.map((movement) => prng.below(movement.aboveMs.length));
    this.advance(startAt);
  }

  advance(at: number): void {
    this.#above = this.#leg.movements.reduce((sum, { aboveMs, stepMs }, i) => {
      const step = Math.max(0, (at - this.#startAt) / stepMs) + this.#phases[i]!;
      const low = aboveMs[Math.floor(step) % aboveMs.length]!;
      const high = aboveMs[(Math.floor(step) + 1) % aboveMs.length]!;
      return sum + low + (high - low) * (step % 1);
    }, 0);
  }

  sample(): number {
    return this.#leg.baseMs + this.#above * this.#prng.uniform(0.8, 1.2) + this.#prng.exponential(this.#leg.packetJitterMs);
  }

  smoothed(): number {
    return this.#leg.baseMs + this.#above + this.#leg.packetJitterMs * this.#prng.uniform(0.8, 1.4);
  }

  summary(): { min: number; median: number; p95: number } {
    const { baseMs, packetJitterMs } = this.#leg;
    const min = baseMs + this.#above * 0.8 + this.#prng.exponential(packetJitterMs * 0.1);
    const median = Math.max(min, baseMs + this.#above + packetJitterMs * 0.7);
    return { min, median, p95: median + this.#above * 0.2 + packetJitterMs * 2.3 };
  }
}

export const pathOf =
  (leg: RecordedLeg): PathFactory =>
  (prng, startAt) =>
    new RecordedPath(prng, leg, startAt);
