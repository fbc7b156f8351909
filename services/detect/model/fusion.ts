/**
 * From signals to one strength, and from strength to severity. All strengths are log10 of e-values.
 *
 * A session-day: every signal that has nothing to say is an e-value of 0. Within a family the e-values are averaged with
 * fixed weights (valid under any dependence: the signals of a family look at the same thing). Families that do not depend on
 * each other under the null (what a machine adds to a keystroke, where an address is registered, what is plugged in, how a
 * person types, when, and who else uses the address) multiply, each as the bet (1 − v) + v·F, which is an e-value wherever F is
 * one, so a quiet family costs log10(1 − v) and no more. Sources: Vovk and Wang, "E-values: calibration, combination and
 * applications", Ann. Stat. 49 (2021), Sections 3–4; Shafer, "Testing by betting", JRSS A 184 (2021). Two fifths of the stake are on
 * stories, combinations that are stated beforehand (stories.ts).
 *
 * Over time: within a session each signal keeps a held strength that moves towards what the present statistic supports, up by
 * at most a bounded growth, down by a bounded decay. The statistics are running ones (their p-values do not shrink with the
 * number of windows), so holding delays and does not accumulate. What accumulates from day to day is the e-detector's
 * (e-detector.ts).
 */
import type { Severity, SignalFamily } from '#schemas/records.ts';
import { SEVERITIES, thresholdsOf } from '#lib/siem/severity.ts';
import type { DetectConfig } from '../config.ts';
import { QUIET, type Answer } from './reading.ts';
import { SIGNALS } from './signals.ts';
import { LEFT_TO_FAMILIES, storiesOf } from './stories.ts';

type FusionSettings = DetectConfig['fusion'];

/** Strength below which held evidence is forgotten. */
const HELD_MIN = 0.05;

/** Share v of the stake that is bet on each family: prior weight of the family being the one that shows. */
export const STAKE: Readonly<Record<SignalFamily, number>> = { latency: 0.5, network: 0.25, endpoint: 0.25, fleet: 0.2, rhythm: 0.2, time: 0.04 };
const FAMILIES = Object.keys(STAKE) as SignalFamily[];
/** By signal, its family's place in FAMILIES. */
const FAMILY_OF = SIGNALS.map(({ family }) => FAMILIES.indexOf(family));
/** By signal. The signals themselves are objects of many shapes. */
const WEIGHTS = Float64Array.from(SIGNALS, ({ weight }) => weight);
/** What a family that holds nothing adds, log10. */
const OF_QUIET = FAMILIES.map((family) => Math.log10(1 - STAKE[family]));
/** Mean e-value by family, of the session that is asked about. */
const means = new Float64Array(FAMILIES.length);

/** The held strength after one more window. */
export function advanceHeld(held: number, answer: Answer, settings: FusionSettings): number {
  if (answer === null) return held;
  const target = answer === QUIET ? 0 : answer.strength;
  if (target >= held) return Math.min(target, held + settings.growthPerWindow);
  const next = Math.max(target, held - settings.decayPerWindow);
  return next < HELD_MIN ? 0 : next;
}

export interface Fused {
  /** log10 of the combined e-value; 0 where no signal holds anything. */
  strength: number;
  /** Families that reach familyMin. */
  families: number;
  /** Strongest held strength that is not ubiquitous. */
  carrier: number;
  /** log10 of each family's mean e-value; only families that hold something. */
  byFamily: ReadonlyMap<SignalFamily, number>;
}

export const NOTHING_HELD: Fused = { strength: 0, families: 0, carrier: 0, byFamily: new Map() };

/** Most sessions hold nothing at any time. */
function isNothing(held: ArrayLike<number>): boolean {
  for (let i = 0; i < held.length; i++) if (held[i] !== 0) return false;
  return true;
}

/**
 * @param held strength by signal, in the order of SIGNALS, 0 for nothing; `ubiquitous` likewise
 * @param carried log10 of what the e-detector carries over from earlier days, ≥ 0
 */
export function fuse(held: ArrayLike<number>, ubiquitous: readonly boolean[], settings: FusionSettings, carried = 0): Fused {
  if (isNothing(held)) return NOTHING_HELD;
  means.fill(0);
  let carrier = 0;
  for (let i = 0; i < held.length; i++) {
    const strength = held[i]!;
    if (strength === 0) continue;
    means[FAMILY_OF[i]!]! += WEIGHTS[i]! * 10 ** strength;
    if (!ubiquitous[i] && strength > carrier) carrier = strength;
  }
  const byFamily = new Map<SignalFamily, number>();
  let strength = carried;
  let families = 0;
  for (let i = 0; i < FAMILIES.length; i++) {
    const mean = means[i]!;
    if (mean === 0) {
      strength += OF_QUIET[i]!;
      continue;
    }
    const family = FAMILIES[i]!;
    strength += Math.log10(1 - STAKE[family] + STAKE[family] * mean);
    const log10 = Math.log10(mean);
    byFamily.set(family, log10);
    if (log10 >= settings.familyMin) families++;
  }
  const mixed = Math.log10(LEFT_TO_FAMILIES * 10 ** strength + storiesOf(held));
  return { strength: Math.max(0, mixed), families, carrier, byFamily };
}

/**
 * Null where nothing may open: too weak, or carried by ubiquitous signals alone. Rhythm alone is LOW at most: a hurt hand types
 * differently too. Above LOW the fleet's budget must allow it as well.
 *
 * @param budget log10 of the evidence that e-BH asks for at this time; 0 where nothing is known of the fleet
 */
export function severityOf(fused: Fused, settings: FusionSettings, budget = 0): Severity | null {
  const thresholds = thresholdsOf(settings);
  const { strength, families, byFamily } = fused;
  if (strength < thresholds.LOW || fused.carrier < settings.carrierMin) return null;
  if (strength < Math.max(thresholds.MEDIUM, budget) || isRhythmAlone(byFamily)) return 'LOW';
  if (families >= 2 && strength >= thresholds.CRITICAL) return 'CRITICAL';
  if (families >= 2 && strength >= thresholds.HIGH) return 'HIGH';
  return 'MEDIUM';
}

const isRhythmAlone = (byFamily: Fused['byFamily']): boolean => byFamily.size === 1 && byFamily.has('rhythm');

export const severityRank = (severity: Severity | null): number => (severity === null ? -1 : SEVERITIES.indexOf(severity));

/** Top of each severity's band of the risk score; within a band the score is linear in the strength. */
const BANDS = [0, 25, 50, 75, 90, 100] as const;

/** Risk score 0–100: the band is the severity's, the place in it the strength's. */
export function riskScoreOf(strength: number, severity: Severity, settings: FusionSettings): number {
  const { LOW, MEDIUM, HIGH, CRITICAL } = thresholdsOf(settings);
  const edges = [0, LOW, MEDIUM, HIGH, CRITICAL, CRITICAL * 2];
  let band = 0;
  while (band < 4 && strength >= edges[band + 1]!) band++;
  const within = Math.min(1, Math.max(0, (strength - edges[band]!) / (edges[band + 1]! - edges[band]!)));
  const score = BANDS[band]! + within * (BANDS[band + 1]! - BANDS[band]!);
  return Math.round(Math.min(score, BANDS[severityRank(severity) + 2]! - 1));
}
