/**
 * Round trips over distance and over time. A leg has a base (propagation with the inflation that real routes have, plus
 * the last mile), a slow drift, bursts of queueing, rare route changes, and jitter per packet. Nothing is ever faster
 * than ⅔c over the leg's true distance.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { Prng } from '#lib/kernel/prng.ts';
import { EXCHANGE_MS, LAST_MILE, NETWORK } from './fitted.ts';
import { fromTable } from './quantiles.ts';

/** Inflation over the ⅔c floor at quantile u for a distance: linear between the fitted quantiles and distance bins. */
function inflation(distanceKm: number, u: number): number {
  const bins = NETWORK.inflation;
  let upper = bins.findIndex((bin) => bin.km >= distanceKm);
  if (upper < 0) upper = bins.length - 1;
  const high = bins[upper]!;
  const low = bins[Math.max(0, upper - 1)]!;
  const share = high.km === low.km ? 1 : Math.min(1, Math.max(0, (distanceKm - low.km) / (high.km - low.km)));
  return fromTable(low.quantiles, u) * (1 - share) + fromTable(high.quantiles, u) * share;
}

/** Propagation round trip between two places, ms: the floor, inflated as real routes are, plus the exchanges. */
export function propagationMs(prng: Prng, distanceKm: number): number {
  return floorRttMs(distanceKm) * inflation(distanceKm, prng.next()) + EXCHANGE_MS * prng.uniform(0.5, 1.5);
}

/** Share of packets that are lost on a leg over the internet, least and most. */
export const LOSS_SHARES = [0.001, 0.01] as const;
/** Least retransmission timeout of common kernels beyond the round trip, ms (Linux: TCP_RTO_MIN). */
const RETRANSMIT_MS = 200;

/**
 * What becomes of a packet that takes `ms`, where `lossShare` of them are lost: those are sent again after a timeout. A keystroke that waits for that
 * is late where it is registered and in the interval before it alike, if the leg lies before what times the keys.
 *
 * @param smoothedMs what the kernel takes the round trip for
 */
export const afterLoss = (prng: Prng, ms: number, lossShare: number, smoothedMs: number): number => (prng.next() < lossShare ? ms + Math.max(RETRANSMIT_MS, 1.5 * smoothedMs) : ms);

export interface LegOptions {
  baseMs: number;
  /** Mean of the per-packet jitter, ms. */
  jitterMs: number;
  /** Share of packets that wait `spikeFactor` times longer. */
  spikeShare?: number;
  /** Share of packets that are lost and sent again; none where absent. */
  lossShare?: number;
  /** Queueing bursts: how often they come (mean time between, s), how long (mean, s) and how deep (median, ms). */
  burst?: { everyS: number; lastsS: number; depthMs: number };
  /** Mean time between route changes, s; each moves the base by up to ±`routeStepMs` (never below the floor). */
  route?: { everyS: number; stepMs: number; floorMs: number };
}

const SPIKE_FACTOR = 6;
/** The slow drift's share of the base: cloud paths have p90/p50 of 1.04 (`cloudSpread`, its median). */
const DRIFT_SHARE = (NETWORK.cloudSpread[1] - 1) / 1.28;
/** Time constant of the slow drift, ms. */
const DRIFT_MS = 120_000;

/** Round trips of one leg over time, ms. Simulated (Leg) or recorded (tools/evaluate). */
export interface PathProcess {
  /** Moves to a time, epoch ms; times must not go back. */
  advance(at: number): void;
  /** One round trip now. */
  sample(): number;
  /** The kernel's smoothed round trip now. */
  smoothed(): number;
  summary(): { min: number; median: number; p95: number };
}

export type PathFactory = (prng: Prng, startAt: number) => PathProcess;

export class Leg implements PathProcess {
  readonly #prng: Prng;
  readonly #options: LegOptions;
  #baseMs: number;
  #driftMs = 0;
  #at = 0;
  #burstUntil = 0;
  #nextBurst = Infinity;
  #burstMs = 0;
  #nextRoute = Infinity;

  constructor(prng: Prng, options: LegOptions, startAt: number) {
    this.#prng = prng;
    this.#options = options;
    this.#baseMs = options.baseMs;
    this.#at = startAt;
    if (options.burst) this.#nextBurst = startAt + prng.exponential(options.burst.everyS) * 1000;
    if (options.route) this.#nextRoute = startAt + prng.exponential(options.route.everyS) * 1000;
  }

  /** Moves the leg's state to a time; times must not go back. */
  advance(at: number): void {
    const { jitterMs, burst, route } = this.#options;
    const passed = Math.max(0, at - this.#at);
    this.#at = at;
    const keep = Math.exp(-passed / DRIFT_MS);
    this.#driftMs = this.#driftMs * keep + Math.abs(this.#prng.normal(0, jitterMs * 0.5 + this.#baseMs * DRIFT_SHARE)) * (1 - keep);
    if (burst && at >= this.#nextBurst) {
      this.#burstUntil = at + this.#prng.exponential(burst.lastsS) * 1000;
      this.#burstMs = this.#prng.logNormal(burst.depthMs, 0.5);
      this.#nextBurst = this.#burstUntil + this.#prng.exponential(burst.everyS) * 1000;
    }
    if (route && at >= this.#nextRoute) {
      const moved = this.#options.baseMs + this.#prng.uniform(-route.stepMs, route.stepMs);
      this.#baseMs = Math.max(route.floorMs, moved);
      this.#nextRoute = at + this.#prng.exponential(route.everyS) * 1000;
    }
  }

  /** One round trip now, ms. */
  sample(): number {
    const u = this.#prng.next();
    const spike = u < (this.#options.spikeShare ?? LAST_MILE.spikeShare) ? SPIKE_FACTOR : 1;
    const jitter = -Math.log(1 - this.#prng.next()) * this.#options.jitterMs * spike;
    const ms = this.#baseMs + this.#driftMs + jitter + this.#queueMs();
    const { lossShare } = this.#options;
    return lossShare === undefined ? ms : afterLoss(this.#prng, ms, lossShare, this.#baseMs + this.#driftMs);
  }

  /** Least, median and 95th percentile of a short sample, ms. */
  summary(): { min: number; median: number; p95: number } {
    const { jitterMs } = this.#options;
    const still = this.#baseMs + this.#driftMs;
    const queue = this.#queueMs();
    const min = still + queue * 0.3 + this.#prng.exponential(jitterMs * 0.08);
    const median = still + queue + jitterMs * this.#prng.uniform(0.6, 0.85);
    const p95 = still + queue * 1.2 + jitterMs * this.#prng.uniform(2.6, 5);
    return { min, median: Math.max(min, median), p95: Math.max(median, p95) };
  }

  /** The kernel's smoothed round trip (RFC 6298, gain 1/8) after the recent packets, ms. */
  smoothed(): number {
    const { jitterMs } = this.#options;
    return this.#baseMs + this.#driftMs + this.#queueMs() + jitterMs * Math.max(0.2, this.#prng.normal(1.15, 0.3));
  }

  #queueMs(): number {
    return this.#at < this.#burstUntil ? this.#burstMs * this.#prng.uniform(0.4, 1.3) : 0;
  }
}
