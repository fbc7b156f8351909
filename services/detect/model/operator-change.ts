/**
 * Operator change.
 *
 * Hypothesis: somebody else types than the person who was enrolled.
 * Statistic: scaled Manhattan distance, on a log scale, between a block of 400 keystrokes and the person's profile: the
 *   pace once, the quantiles (10–90%) of intervals beside it, those of holds, and the rollover rate, each over its own spread
 *   within people. The least of the last three blocks counts, so that one hurried quarter of an hour says nothing.
 * Null: distances between two halves of one person's typing (350 keystrokes each). They hold the drift within a sitting;
 *   what another day or another text changes is not measured there, so the strength is capped, lower on the first day.
 * Reference: Aalto 136M Keystrokes (CHI 2018); scaled Manhattan after Killourhy and Maxion (DSN 2009). On halves, 87% of
 *   pairs of strangers lie beyond 99% of the pairs of one person; 51% where holds are not known.
 * Cost: another keyboard or an injured hand looks the same. Never above LOW by itself; with a network that is new for the
 *   person it is two families.
 */
import { log10Share, type NullTable } from './null-table.ts';
import { freshTraits } from './novelty.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, show, strengthOfP } from './reading.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const operatorChangeSignal: SignalDescription = {
  name: 'operatorChange',
  family: 'rhythm',
  weight: 0.5,
  speaksFor: { ACCOUNT_HANDOVER: 0.8, REMOTE_OPERATOR: 0.2 },
};

/**
 * Typical difference between two halves of one person: of the pace (which moves most, and is granted more than was seen
 * within a sitting), of the intervals' log quantiles beside the pace, of the holds', of twice the root of rollovers.
 */
const SCALES = [0.14, 0.052, 0.03, 0.022, 0.038, 0.08, 0.045, 0.039, 0.035, 0.035, 0.046, 0.072] as const;
const INTERVAL_FEATURES = 5;
/** No single feature counts for more than this many of its scales. */
const FEATURE_MAX = 6;
const WITH_HOLDS: NullTable = [[1.35, 0.1], [1.56, 0.05], [1.8, 0.02], [2.1, 0.01], [2.34, 0.005], [2.62, 0.002], [2.8, 0.001], [3.2, 0.0004]];
const INTERVALS_ONLY: NullTable = [[1.53, 0.1], [1.81, 0.05], [2.14, 0.02], [2.4, 0.01], [3, 0.005], [3.3, 0.002], [3.6, 0.001], [4.7, 0.0004]];

export const BLOCKS_JUDGED = 3;
const STRENGTH_MAX = 2.9;
const STRENGTH_MAX_FIRST_DAY = 2.4;
/** All of the last three blocks lie beyond: rarer than one of them, less rare than three independent ones. */
const THREE_BLOCKS = 1.3;
/** Without holds a stranger is hardly further away than a change of pace. */
const STRENGTH_MAX_INTERVALS = 1.8;
/**
 * Added where country or network are new for the person as well: the hundreds of blocks of ordinary days, each of which
 * may stray, need not be allowed for then. Less than what is missing to MEDIUM.
 */
const NEW_NETWORK_SUPPORT = 0.5;
const STRENGTH_MIN = 0.3;

export function log10PofDistance(distance: number, withHolds: boolean): number {
  return log10Share(withHolds ? WITH_HOLDS : INTERVALS_ONLY, distance);
}

/** @param a features of two rhythms; what only one has is left out */
export function rhythmDistance(a: readonly number[], b: readonly number[]): { distance: number; withHolds: boolean } {
  const features = Math.min(a.length, b.length);
  // The three middle quantiles carry the pace; the outer ones are pauses and rolls.
  const pace = (a[1]! - b[1]! + a[2]! - b[2]! + a[3]! - b[3]!) / 3;
  let sum = Math.min(FEATURE_MAX, Math.abs(pace) / SCALES[0]);
  for (let i = 0; i < features; i++) {
    const difference = a[i]! - b[i]! - (i < INTERVAL_FEATURES ? pace : 0);
    sum += Math.min(FEATURE_MAX, Math.abs(difference) / SCALES[i + 1]!);
  }
  return { distance: sum / (features + 1), withHolds: features === SCALES.length - 1 };
}

export function operatorChange(view: SessionView, parameters: SignalParameters): Answer {
  const { config } = parameters;
  const { rhythm } = view;
  if (rhythm === null || rhythm.profile === null || !rhythm.profile.enrolled) return NO_DATA;
  if (view.helpdesk) return QUIET;
  const blocks = rhythm.blocks.slice(-BLOCKS_JUDGED);
  if (blocks.length < BLOCKS_JUDGED || blocks.some((block) => block.distance === null)) return NO_DATA;
  let least = blocks[0]!.distance!;
  let log10P = -Infinity;
  for (const { distance, withHolds } of blocks) {
    least = Math.min(least, distance!);
    log10P = Math.max(log10P, log10PofDistance(distance! / 1000, withHolds));
  }
  const { profile } = rhythm;
  const most = !blocks.every(({ withHolds }) => withHolds) ? STRENGTH_MAX_INTERVALS : profile.days >= config.rhythm.profileDaysMin ? STRENGTH_MAX : STRENGTH_MAX_FIRST_DAY;
  const alone = Math.min(most, strengthOfP(THREE_BLOCKS * log10P));
  if (alone < STRENGTH_MIN) return QUIET;
  const supported = freshTraits(view, parameters).some(({ kind }) => kind !== 'fingerprint');
  const strength = alone + (supported ? NEW_NETWORK_SUPPORT : 0);
  const last = blocks.at(-1)!;
  const table = last.withHolds ? WITH_HOLDS : INTERVALS_ONLY;
  const samples = blocks.reduce((sum, block) => sum + block.keys, 0);
  const hold = last.holdMs !== null && profile.holdMs !== null ? ` and the median hold ${show(last.holdMs)} ms (enrolled: ${show(profile.holdMs)} ms)` : '';
  return {
    strength,
    ubiquitous: false,
    observed: least / 1000,
    expected: table[0]![0],
    unit: 'deviations',
    samples,
    windowStart: blocks[0]!.start,
    windowEnd: last.end,
    explanation: `In each of the last ${blocks.length} blocks of typing (${samples.toLocaleString('en-US')} keystrokes) the rhythm was at least ${rounded(least / 1000, 2)} typical deviations away from the profile of this user (${profile.keys.toLocaleString('en-US')} keystrokes on ${profile.days} days${profile.days < config.rhythm.profileDaysMin ? ', still learning' : ''}); 90% of people stay within ${table[0]![0]} and a share of ${(10 ** log10P).toExponential(1)} comes so far with one block. The median interval is ${show(last.intervalMs)} ms (enrolled: ${show(profile.intervalMs)} ms)${hold}${supported ? '; the network is new for this user too, so a chance among many ordinary days is no explanation' : ''}.`,
  };
}
