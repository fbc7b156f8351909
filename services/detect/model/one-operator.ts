/**
 * One operator, many machines.
 *
 * Hypothesis: one person drives several identities, in turn.
 * Statistic: the set of identities that are never at work together with this one or each other and whose recent hands agree best
 *   (fleet/same-hands.ts): 10^(mean likeness of the pairs · (k − 1)) for k identities, over the sets of that size that the people
 *   who stay apart from this one make, over the five sizes that are looked at, three first (and over two where the person's hands changed lately: half of
 *   the bet is on the people whose hands did).
 * Null: an e-value, the middle of that and of what speaks for the person being one of the set and not somebody like them
 *   (fleet/same-hands.ts); the likeness of a pair is a likelihood ratio whose mean over strangers is at most 1 (hands.ts: measured on
 *   351,056 pairs of people it was not fitted to: 0.93), and never more than what pairs of the organisation show who type at the same time. The
 *   exchange looks four times a day; the mean of the day's looks and the last one before counts, so that its greatest is an e-value too (fleet/looks.ts).
 * Reference: the exchange (fleet/rhythm.ts). Recent hands are the last two to six blocks of 400 keystrokes, since hands changed where they did, so that it is the
 *   operator who is compared, and not the person who was enrolled.
 * Cost: somebody with two accounts on two machines looks the same, so two identities stay below what opens MEDIUM. The more people
 *   stay apart from each other, the more sets there are, and the less one of them says.
 */
import { HOUR_MS } from '../fleet/minutes.ts';
import { PRESENCE_HOURS, type RhythmFigures } from '../fleet/rhythm.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, thousands, untold } from './reading.ts';
import type { SessionView } from './view.ts';

export const oneOperatorSignal: SignalDescription = {
  name: 'oneOperator',
  family: 'fleet',
  weight: 0.17,
  needs: 'exchange',
  speaksFor: { SHARED_OPERATOR: 0.8, REMOTE_OPERATOR: 0.2 },
};

const STRENGTH_MAX = 3.8;
const STRENGTH_MAX_PAIR = 1.6;
const STRENGTH_MIN = 0.3;

export function oneOperator(view: SessionView): Answer {
  const told = view.fleet?.rhythm ?? null;
  if (told === null) return NO_DATA;
  const { strength: supported, group, slots } = told.figures;
  const strength = Math.min(group > 2 ? STRENGTH_MAX : STRENGTH_MAX_PAIR, supported);
  if (view.helpdesk || strength < STRENGTH_MIN) return QUIET;
  return untold({ strength, ubiquitous: false, observed: group, expected: 1, unit: 'identities', samples: slots, windowStart: told.until - PRESENCE_HOURS * HOUR_MS, windowEnd: told.until }, told.figures, explain);
}

function explain({ strength: supported, lastLook, own, group, groupLikeness, among, sets, changed, slots, shared, expected, strangers }: RhythmFigures): string {
  const times = (decades: number): string => `10^${rounded(decades, 2)}`;
  return `The recent typing of this user and of ${group - 1} other ${group === 2 ? 'identity' : 'identities'} agrees as one person's does: two by two they are typically ${times(groupLikeness)} times as likely to be one person as two (checked on ${thousands(strangers)} pairs of the organisation that typed at the same time), and they typed in turn: ${shared} of ${slots} slots of ten minutes shared, where chance would share ${rounded(expected, 1)}. The ${among} people ${changed ? 'whose hands changed lately too and ' : ''}who were never at work with this user make ${times(sets)} sets of ${group - 1} that might have agreed by chance; allowing for those, and for all sizes of group,${group === 2 ? '' : ` and with ${times(own)} for this user being one of them and not somebody like them (the middle of the two counts, and no more than the latter),`} ${times(lastLook)} is left of it; on the mean of the four looks of the day and the last one of the day before, those to come counted as nothing, it is ${times(supported)}.`;
}
