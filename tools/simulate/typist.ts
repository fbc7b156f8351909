/**
 * How one person types: log-logistic intervals with autocorrelation and slow drift, holds that may outlast the next
 * press (rollover), pauses inside a burst, and the grid of the person's own clock. Timing only; no keys.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import { TYPING } from './fitted.ts';

export interface TypistProfile {
  /** Median of the interval between presses, ms. */
  medianMs: number;
  /** Shape of the log-logistic; small is ragged. */
  shape: number;
  /** Lag-1 correlation of the normal scores of successive intervals. */
  autocorrelation: number;
  holdMs: number;
  /** SD of log hold. */
  holdSigma: number;
  /** Share of intervals that are a pause for thought. */
  pauseShare: number;
  /** Resolution of the person's clock, ms; 0 is fine. */
  gridMs: number;
}

export function drawProfile(prng: Prng): TypistProfile {
  const u = prng.next();
  const { none, eight } = TYPING.gridShares;
  return {
    medianMs: Math.exp(prng.normal(TYPING.medianMs.log, TYPING.medianMs.sigma)),
    shape: Math.exp(prng.normal(TYPING.shape.log, TYPING.shape.sigma)),
    autocorrelation: Math.min(0.5, Math.max(0, prng.normal(TYPING.autocorrelation, 0.08))),
    holdMs: Math.exp(prng.normal(TYPING.hold.log, TYPING.hold.sigma)),
    holdSigma: TYPING.hold.within,
    pauseShare: TYPING.pauseShare,
    gridMs: u < none ? 0 : u < none + eight ? 8 : 16,
  };
}

/** logit(Φ(z)), so that a normal score becomes a log-logistic one; Page (1977), error under 2e-4 in Φ. */
const logitOfNormal = (z: number): number => 1.5976 * z + 0.07056 * z * z * z;

export class Typist {
  readonly profile: TypistProfile;
  readonly #prng: Prng;
  #score = 0;
  #drift = 0;

  constructor(prng: Prng, profile: TypistProfile) {
    this.#prng = prng;
    this.profile = profile;
  }

  /** Called once per interval: moves the slow drift of speed. */
  settle(): void {
    this.#drift = 0.97 * this.#drift + this.#prng.normal(0, TYPING.driftSigma * 0.243);
  }

  /** Time to the next press, ms. */
  nextInterval(): number {
    const p = this.profile;
    const rho = p.autocorrelation;
    this.#score = rho * this.#score + Math.sqrt(1 - rho * rho) * this.#prng.normal();
    const interval = p.medianMs * Math.exp(this.#drift + logitOfNormal(this.#score) / p.shape);
    if (this.#prng.next() < p.pauseShare) return interval + this.#prng.logNormal(700, 0.6);
    return Math.max(12, interval);
  }

  nextHold(): number {
    return Math.max(15, this.profile.holdMs * Math.exp(this.#prng.normal(0, this.profile.holdSigma)));
  }
}
