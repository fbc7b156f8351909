/**
 * From signals to one strength, and from strength to severity.
 *
 * Over time: each signal keeps a held strength that moves towards what the present window supports: up by at most a bounded
 * growth, down by a bounded decay. Persistence therefore counts until the support of the statistic is reached, one window
 * cannot open anything by itself, and nothing grows beyond what its null allows.
 * Within a family the strongest signal counts alone: the signals of a family look at the same thing and may depend on each
 * other in any way. (A mean of e-values would be valid too; the maximum exceeds it by at most log10 of their number, 0.6
 * for four, which the thresholds include.)
 * Across families strengths add up, that is, e-values multiply: under the null what a machine adds to a keystroke, where
 * an address is registered and what is plugged in do not depend on each other.
 */
import type { Severity, SignalFamily } from '#schemas/records.ts';
import type { DetectConfig } from '../config.ts';
import { QUIET, type Answer } from './reading.ts';
import { SIGNALS } from './signals.ts';

type FusionSettings = DetectConfig['fusion'];

/** Strength below which held evidence is forgotten. */
const HELD_MIN = 0.05;

/** The held strength after one more window. */
export function advanceHeld(held: number, answer: Answer, latency: boolean, settings: FusionSettings): number {
  if (answer === null) return held;
  const target = answer === QUIET ? 0 : answer.strength;
  if (target >= held) return Math.min(target, held + (latency ? settings.growthPerWindow : settings.growthPerWindowFacts));
  const next = Math.max(target, held - settings.decayPerWindow);
  return next < HELD_MIN ? 0 : next;
}

export interface Fused {
  strength: number;
  /** Families that reach familyMin. */
  families: number;
  /** Strongest held strength that is not ubiquitous. */
  carrier: number;
  byFamily: ReadonlyMap<SignalFamily, number>;
}

/** @param held strength by signal, in the order of SIGNALS; `ubiquitous` likewise */
export function fuse(held: readonly number[], ubiquitous: readonly boolean[], settings: FusionSettings): Fused {
  const byFamily = new Map<SignalFamily, number>();
  let carrier = 0;
  held.forEach((strength, i) => {
    const { family } = SIGNALS[i]!;
    if (strength > (byFamily.get(family) ?? 0)) byFamily.set(family, strength);
    if (ubiquitous[i] === false && strength > carrier) carrier = strength;
  });
  let strength = 0;
  let families = 0;
  for (const value of byFamily.values()) {
    strength += value;
    if (value >= settings.familyMin) families++;
  }
  return { strength, families, carrier, byFamily };
}

/** Null where nothing may open: too weak, or carried by ubiquitous signals alone. */
export function severityOf(fused: Fused, settings: FusionSettings): Severity | null {
  if (fused.strength < settings.low || fused.carrier < settings.carrierMin) return null;
  if (fused.families >= 2 && fused.strength >= settings.critical) return 'CRITICAL';
  if (fused.families >= 2 && fused.strength >= settings.high) return 'HIGH';
  return fused.strength >= settings.medium ? 'MEDIUM' : 'LOW';
}

const SEVERITIES: readonly Severity[] = ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'];
export const severityRank = (severity: Severity | null): number => (severity === null ? -1 : SEVERITIES.indexOf(severity));

/** Top of each severity's band of the risk score; within a band the score is linear in the strength. */
const BANDS = [0, 25, 50, 75, 90, 100] as const;

/** Risk score 0–100: the band is the severity's, the place in it the strength's. */
export function riskScoreOf(strength: number, severity: Severity, settings: FusionSettings): number {
  const edges = [0, settings.low, settings.medium, settings.high, settings.critical, settings.critical * 2];
  let band = 0;
  while (band < 4 && strength >= edges[band + 1]!) band++;
  const within = Math.min(1, Math.max(0, (strength - edges[band]!) / (edges[band + 1]! - edges[band]!)));
  const score = BANDS[band]! + within * (BANDS[band + 1]! - BANDS[band]!);
  return Math.round(Math.min(score, BANDS[severityRank(severity) + 2]! - 1));
}
