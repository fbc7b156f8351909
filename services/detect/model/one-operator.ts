/**
 * One operator, many machines.
 *
 * Hypothesis: identities that share a signal (here: a rhythm) are active in turn because one person drives them all.
 * Statistic: with the identity of the nearest rhythm: ten-minute slots in which both typed, against those that chance
 *   would give in the hours around which both were at work; and how many identities about as near stay apart from each other.
 * Null: the rank of that overlap among the overlaps of this person with everybody else of the bucket. The nearest is
 *   chosen by rhythm alone, so under the null it is any of them. Each further identity of the group that stays apart from
 *   all others multiplies the share once more.
 * Reference: the exchange (fleet/rhythm.ts).
 * Cost: a colleague in another shift is apart too; where many are, the rank says so. Says nothing while fewer than
 *   two hours of chance overlap are expected.
 */
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, strengthOfP } from './reading.ts';
import type { SessionView } from './view.ts';

export const oneOperatorSignal: SignalDescription = {
  name: 'oneOperator',
  family: 'fleet',
  weight: 0.2,
  speaksFor: { SHARED_OPERATOR: 0.8, REMOTE_OPERATOR: 0.2 },
};

const PAIRS_MIN = 8;
const SHARED_SHARE_MAX = 0.1;
/** Nearer than 97 of 100 nearest strangers (shared-typist.ts). */
const RATIO_MAX = 0.5;
const GROUP_MAX = 5;
const STRENGTH_MAX = 2.4;
const STRENGTH_MIN = 0.3;

export function oneOperator(view: SessionView): Answer {
  const told = view.fleet?.rhythm ?? null;
  if (told === null) return NO_DATA;
  const { distance, median, group, shared, expected, pairRank, pairs, slots } = told.figures;
  if (view.helpdesk || distance > RATIO_MAX * median || pairs < PAIRS_MIN || expected < 2 || shared > SHARED_SHARE_MAX * expected) return QUIET;
  const once = Math.log10((pairRank + 1) / (pairs + 1));
  const log10P = once * Math.max(1, Math.min(GROUP_MAX, group) - 1);
  const strength = Math.min(STRENGTH_MAX, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  return {
    strength,
    ubiquitous: false,
    observed: shared,
    expected: rounded(expected, 1),
    unit: 'slots',
    samples: slots,
    windowStart: told.until - 7 * 86_400_000,
    windowEnd: told.until,
    explanation: `This user and the one of the nearest rhythm typed in ${slots} slots of ten minutes around the same hours and shared ${shared} of them, where chance would share ${rounded(expected, 1)}; of ${pairs} other pairs of this user ${pairRank} share as little${group > 2 ? `, and ${group} identities about as near stay apart from each other in the same way` : ''}.`,
  };
}
