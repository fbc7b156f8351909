/** What a signal says about a session at the end of a window, and how a p-value becomes a strength. */
import type { Hypothesis, SignalFamily } from '#schemas/records.ts';

export const SIGNAL_NAMES = [
  'hiddenLeg',
  'onset',
  'pathExcess',
  'locationRefuted',
  'declaredPlace',
  'relayAddress',
  'route',
  'impossibleTravel',
  'remoteControl',
  'transportMarks',
  'operatorChange',
  'hours',
  'novelty',
  'laptopFarm',
  'sharedShipTo',
  'sharedTypist',
  'oneOperator',
  'ownGap',
] as const;

export type SignalName = (typeof SIGNAL_NAMES)[number];

export interface Reading {
  /** log10 of the evidence that the present statistic supports, before it is let in window by window. */
  strength: number;
  /** Common among honest people (a VPN, a remote tool in use): never opens a finding alone. */
  ubiquitous: boolean;
  observed: number;
  expected: number;
  unit: string;
  samples: number;
  windowStart: number;
  windowEnd: number;
  /** One English sentence; every number in it follows from the fields above. */
  readonly explanation: string;
}

class UntoldReading<T> implements Reading {
  readonly strength: number;
  readonly ubiquitous: boolean;
  readonly observed: number;
  readonly expected: number;
  readonly unit: string;
  readonly samples: number;
  readonly windowStart: number;
  readonly windowEnd: number;
  #facts: T | null;
  #explain: (facts: T) => string;
  #text = '';

  constructor({ strength, ubiquitous, observed, expected, unit, samples, windowStart, windowEnd }: Figures, facts: T, explain: (facts: T) => string) {
    this.strength = strength;
    this.ubiquitous = ubiquitous;
    this.observed = observed;
    this.expected = expected;
    this.unit = unit;
    this.samples = samples;
    this.windowStart = windowStart;
    this.windowEnd = windowEnd;
    this.#facts = facts;
    this.#explain = explain;
  }

  get explanation(): string {
    if (this.#facts === null) return this.#text;
    this.#text = this.#explain(this.#facts);
    this.#facts = null;
    return this.#text;
  }
}

/** A reading without its sentence. */
export type Figures = Omit<Reading, 'explanation'>;

/**
 * A reading whose sentence is put together when somebody asks for it: who holds something has a new one with every window, of which few are shown.
 *
 * @param facts what the sentence tells; nobody may change them from then on
 */
export const untold = <T extends object>(figures: Figures, facts: T, explain: (facts: T) => string): Reading => new UntoldReading(figures, facts, explain);

/** The signal was evaluated and the session looks as declared; what it held before fades. */
export const QUIET = 'quiet';
/** The window has nothing to evaluate it on; what it held before stays. */
export const NO_DATA = null;

export type Answer = Reading | typeof QUIET | typeof NO_DATA;

export interface SignalDescription {
  readonly name: SignalName;
  readonly family: SignalFamily;
  /** Weight of the signal in the mean of its family's e-values; those of one family sum to at most 1. */
  readonly weight: number;
  /** Without it the signal has no data, and is not asked: what was typed in the window, or what the exchange has told. */
  readonly needs?: 'typing' | 'exchange';
  /** The null starts afresh each day, so days may be multiplied (e-detector.ts). */
  readonly renews?: boolean;
  /** How the signal's strength is shared among the hypotheses; sums to 1. */
  readonly speaksFor: Partial<Record<Hypothesis, number>>;
}

/** p-values between these are calibrated in full; above the most nothing counts, below the least nothing more is claimed. */
const LOG10_P_MOST = -1;
const LOG10_P_LEAST = -6;
/** ∫ min(1/p, 1/least) dp over (0, most] = 1 + ln(most / least). */
const LOG10_CALIBRATOR = -Math.log10(1 + Math.LN10 * (LOG10_P_MOST - LOG10_P_LEAST));

/**
 * Calibrator: e(p) = c / max(p, 10⁻⁶) for p ≤ 0.1, else 0, with c = 1 / (1 + ln 10⁵) = 0.080. It is decreasing and integrates to
 * 1 over (0, 1), so e of a valid p-value is an e-value (Vovk and Wang, "E-values: calibration, combination and
 * applications", Ann. Stat. 49, 2021, Proposition 2.1). Chosen over κ·p^(κ−1) because it loses the same 1.1 decades everywhere.
 *
 * @param log10P log10 of the p-value, ≤ 0
 * @returns log10 of e, not below 0: what is weaker counts as nothing
 */
export function strengthOfP(log10P: number): number {
  return log10P > LOG10_P_MOST ? 0 : Math.max(0, LOG10_CALIBRATOR - Math.max(LOG10_P_LEAST, log10P));
}

/**
 * A fact that a share π of honest session-days show: e = 1/π where it is there, 0 where it is not, has mean 1.
 *
 * @returns log10 of e
 */
export const strengthOfShare = (share: number): number => -Math.log10(share);

/** The same as an explanation tells it, so that the strength can be recomputed. */
export const shareText = (share: number): string => `about ${rounded(share * 1000, 2)} of 1,000 honest session-days`;

/** A number as the explanations print it: 1 decimal below 100, none above. */
export const show = (value: number): string => (Math.abs(value) < 100 ? value.toFixed(1) : thousands(Math.round(value)));

/** A whole number with commas, as toLocaleString('en-US') writes it, which takes ten times as long: explanations come with every window. */
export function thousands(value: number): string {
  if (!(Math.abs(value) < 1e15)) return value.toLocaleString('en-US');
  const digits = String(Math.abs(value));
  let text = digits.slice(-3);
  for (let end = digits.length - 3; end > 0; end -= 3) text = `${digits.slice(Math.max(0, end - 3), end)},${text}`;
  return value < 0 ? `-${text}` : text;
}
/** Rounds what goes into a finding, so that no float noise shows. */
export const rounded = (value: number, digits = 3): number => Math.round(value * 10 ** digits) / 10 ** digits + 0;
