/**
 * How one person types: log-logistic intervals with autocorrelation and slow drift, holds that may outlast the next
 * press (rollover), pauses inside a burst, and the grid of the person's own clock. Timing only; no keys.
 */
import type { Prng } from '#lib/kernel/prng.ts';
import { TYPING } from './fitted.ts';
import { fromTable, normalCdf } from './quantiles.ts';

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
  /** Median length of such a pause, ms. */
  pauseMs: number;
  /** SD of the slow drift of log speed. */
  driftSigma: number;
  /** Resolution of the person's clock, ms; 0 is fine. */
  gridMs: number;
}

/** A person out of the fitted spread over people; the figures keep their measured correlation with speed. */
export function drawProfile(prng: Prng): TypistProfile {
  const speed = prng.normal();
  const { correlationWithSpeed: r } = TYPING;
  const draw = (table: readonly number[], rho: number): number =>
    fromTable(table, normalCdf(rho * speed + Math.sqrt(1 - rho * rho) * prng.normal()));
  const { none, eight } = TYPING.gridShares;
  const u = prng.next();
  return {
    medianMs: fromTable(TYPING.medianMs, normalCdf(speed)),
    shape: draw(TYPING.shape, r.shape),
    autocorrelation: draw(TYPING.autocorrelation, 0),
    holdMs: draw(TYPING.holdMs, r.holdMs),
    holdSigma: draw(TYPING.holdSigma, r.holdSigma),
    pauseShare: draw(TYPING.pauseShare, r.pauseShare),
    pauseMs: draw(TYPING.pauseMs, r.pauseMs),
    driftSigma: draw(TYPING.driftSigma, 0),
    gridMs: u < none ? 0 : u < none + eight ? 8 : 16,
  };
}

/** logit(Φ(z)), so that a normal score becomes a log-logistic one; Page (1977), error under 2e-4 in Φ. */
const logitOfNormal = (z: number): number => 1.5976 * z + 0.07056 * z * z * z;

/** Speed drifts over minutes: kept share per interval, and the step that keeps the SD at `driftSigma`. */
const DRIFT_KEEP = 0.97;
const DRIFT_STEP = Math.sqrt(1 - DRIFT_KEEP * DRIFT_KEEP);
/** SD of the log length of pauses within a person. */
const PAUSE_SIGMA = 0.45;
/** Two fingers hardly come closer than this, ms. */
const MIN_INTERVAL_MS = 8;

/** Keystrokes of one person, ms. Simulated (Typist) or recorded (tools/evaluate). */
export interface KeyProcess {
  /** Raster of the person's own clock, ms; 0 where it is fine or already in the intervals. */
  readonly gridMs: number;
  /** Called at the beginning of each interval of typing. */
  settle(): void;
  nextInterval(): number;
  nextHold(): number;
}

export type KeyFactory = (prng: Prng) => KeyProcess;

export class Typist implements KeyProcess {
  readonly profile: TypistProfile;
  readonly #prng: Prng;
  #score = 0;
  #drift = 0;

  constructor(prng: Prng, profile: TypistProfile) {
    this.#prng = prng;
    this.profile = profile;
  }

  get gridMs(): number {
    return this.profile.gridMs;
  }

  /** Called once per interval: moves the slow drift of speed. */
  settle(): void {
    this.#drift = DRIFT_KEEP * this.#drift + this.#prng.normal(0, this.profile.driftSigma * DRIFT_STEP);
  }

  /** Time to the next press, ms. */
  nextInterval(): number {
    const p = this.profile;
    const rho = p.autocorrelation;
    this.#score = rho * this.#score + Math.sqrt(1 - rho * rho) * this.#prng.normal();
    const interval = p.medianMs * Math.exp(this.#drift + logitOfNormal(this.#score) / p.shape);
    if (this.#prng.next() < p.pauseShare) return this.#prng.logNormal(p.pauseMs, PAUSE_SIGMA);
    return Math.max(MIN_INTERVAL_MS, interval);
  }

  nextHold(): number {
    return Math.max(15, this.profile.holdMs * Math.exp(this.#prng.normal(0, this.profile.holdSigma)));
  }
}
