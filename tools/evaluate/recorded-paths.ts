/**
 * Real round trips: bases between real places out of cloud matrices, and how real paths move over time out of the
 * measurements of personal devices, servers and calls. A leg is a base plus recorded movements above it, the steps of
 * recorded route changes, jitter from packet to packet, and lost packets that are sent again.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import { type CloudPair, type CloudRegion, readAzure, readDirectCalls, readGcp, readPlanetlab, readSeattle } from '../simulate/measured.ts';
import { afterLoss, type PathFactory, type PathProcess } from '../simulate/path.ts';
import { quantileOf, sorted } from '../simulate/quantiles.ts';
import { inPart, type Part } from './split.ts';

/** What a path does over time: milliseconds above its own low quantile, one value per step. */
interface Movement {
  readonly aboveMs: readonly number[];
  readonly stepMs: number;
  /** False for route changes: the path jumps from one value to the next. */
  readonly gradual: boolean;
}

export type AccessClass = 'server' | 'home' | 'device';

export interface Paths {
  /** Places of both clouds, by id. */
  readonly regions: readonly CloudRegion[];
  /** RTT between two places, ms; undefined where nobody measured it. */
  rttMs(from: CloudRegion, to: CloudRegion): number | undefined;
  readonly movements: Readonly<Record<AccessClass, readonly Movement[]>>;
}

/**
 * Calls report every 10 s; the devices' 688 moments cover 3 hours (Zhu et al. 2017); the servers' moments lie days
 * apart and are played as route changes some hours apart, for otherwise no session would see one.
 */
const STEP_MS: Readonly<Record<AccessClass, number>> = { server: 3 * 3_600_000, home: 10_000, device: 15_700 };
/** Recorded values above this are outages, not queues, ms. */
const OUTAGE_MS = 1_500;

/** @param part which half of the recorded paths; each path falls into exactly one. */
export function readPaths(dir?: string, part: Part = 'all'): Paths {
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
  const half = (movements: Movement[], access: AccessClass): Movement[] => movements.filter((_, i) => inPart(`${access}:${i}`, part));
  return {
    regions: [...regions.values()],
    rttMs: (from, to) => rtt.get(`${from.id}>${to.id}`) ?? rtt.get(`${to.id}>${from.id}`),
    movements: {
      server: half(serverMovements(readPlanetlab(dir)), 'server'),
      home: half(readDirectCalls(dir).map(movementOf('home')), 'home'),
      device: half(readSeattle(dir).map(({ rttMs }) => movementOf('device')(rttMs)), 'device'),
    },
  };
}

const movementOf =
  (access: AccessClass) =>
  (rttMs: readonly number[]): Movement => {
    const low = quantileOf(sorted(rttMs), 0.05);
    return { aboveMs: rttMs.map((ms) => Math.min(OUTAGE_MS, Math.max(0, ms - low))), stepMs: STEP_MS[access], gradual: access !== 'server' };
  };

/** Three moments per pair; only every 7th pair is kept: the list is drawn from, not counted. */
function serverMovements(moments: readonly number[][][]): Movement[] {
  const [first, second, third] = moments as [number[][], number[][], number[][]];
  const movements: Movement[] = [];
  for (let i = 0; i < first.length; i++) {
    for (let j = (i % 7) + 1; j < first.length; j += 7) {
      const values = [first, second, third].map((matrix) => matrix[i]?.[j] ?? NaN);
      if (i !== j && values.every((ms) => ms > 1)) movements.push(movementOf('server')(values));
    }
  }
  return movements;
}

export interface RecordedLeg {
  baseMs: number;
  /** Movements with the share of them that this leg takes. */
  movements: readonly { movement: Movement; share: number }[];
  /** Mean jitter from packet to packet beside the recorded movement, ms. */
  packetJitterMs: number;
  /** Share of packets that are lost and sent again after a timeout. */
  lossShare: number;
}

/** Gain of the kernel's smoothed round trip (RFC 6298). */
const SMOOTHING = 1 / 8;

class RecordedPath implements PathProcess {
  readonly #prng: Prng;
  readonly #leg: RecordedLeg;
  readonly #startAt: number;
  /** A random phase in each recording. */
  readonly #phases: number[];
  #above = 0;
  #smoothed = -1;

  constructor(prng: Prng, leg: RecordedLeg, startAt: number) {
    this.#prng = prng;
    this.#leg = leg;
    this.#startAt = startAt;
    this.#phases = leg.movements.map(({ movement }) => prng.uniform(0, movement.aboveMs.length));
    this.advance(startAt);
  }

  advance(at: number): void {
    let above = 0;
    const { movements } = this.#leg;
    for (let i = 0; i < movements.length; i++) {
      const { movement, share } = movements[i]!;
      const { aboveMs, stepMs, gradual } = movement;
      const step = Math.max(0, (at - this.#startAt) / stepMs) + this.#phases[i]!;
      const index = Math.floor(step);
      const low = aboveMs[index % aboveMs.length]!;
      const high = aboveMs[(index + 1) % aboveMs.length]!;
      above += share * (gradual ? low + (high - low) * (step - index) : low);
    }
    this.#above = above;
  }

  #packet(): number {
    const prng = this.#prng;
    // Half of what a path is above its base is queue, which every packet meets differently.
    return this.#leg.baseMs + this.#above * (0.5 + 0.5 * prng.uniform(0.2, 1.8)) - Math.log(1 - prng.next()) * this.#leg.packetJitterMs;
  }

  /** What the kernel smooths is what was not sent twice (Karn), as RFC 6298 asks. */
  sample(): number {
    const ms = this.#packet();
    this.#smoothed = this.#smoothed < 0 ? ms : this.#smoothed + (ms - this.#smoothed) * SMOOTHING;
    return afterLoss(this.#prng, ms, this.#leg.lossShare, this.#smoothed);
  }

  smoothed(): number {
    if (this.#smoothed < 0) this.#smoothed = this.#packet();
    return this.#smoothed;
  }

  summary(): { min: number; median: number; p95: number } {
    const packets: number[] = [];
    for (let i = 0; i < 12; i++) packets.push(this.#packet());
    packets.sort((a, b) => a - b);
    return { min: packets[0]!, median: packets[6]!, p95: packets[11]! };
  }
}

export const pathOf =
  (leg: RecordedLeg): PathFactory =>
  (prng, startAt) =>
    new RecordedPath(prng, leg, startAt);
