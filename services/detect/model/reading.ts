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
  explanation: string;
}

/** The signal was evaluated and the session looks as declared; what it held before fades. */
export const QUIET = 'quiet';
/** The window has nothing to evaluate it on; what it held before stays. */
export const NO_DATA = null;

export type Answer = Reading | typeof QUIET | typeof NO_DATA;

export interface SignalDescription {
  readonly name: SignalName;
  readonly family: SignalFamily;
  /** How the signal's strength is shared among the hypotheses; sums to 1. */
  readonly speaksFor: Partial<Record<Hypothesis, number>>;
}

/**
 * Calibrator of Vovk and Wang (2021): e = κ·p^(κ−1) is an e-value for every κ in (0, 1).
 *
 * @param log10P log10 of the p-value, ≤ 0
 * @returns log10 of e, not below 0
 */
export function strengthOfP(log10P: number, kappa: number): number {
  return Math.max(0, Math.log10(kappa) + (kappa - 1) * log10P);
}

/** A number as the explanations print it: 1 decimal below 100, none above. */
export const show = (value: number): string => (Math.abs(value) < 100 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US'));
/** Rounds what goes into a finding, so that no float noise shows. */
export const rounded = (value: number, digits = 3): number => Math.round(value * 10 ** digits) / 10 ** digits + 0;
