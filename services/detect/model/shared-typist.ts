/**
 * One typist on many identities.
 *
 * Hypothesis: the person who types here types as somebody else as well.
 * Statistic: likeness of this person's recent hands and those of the most alike other one, a calibrated likelihood ratio of one person
 *   against two (hands.ts), over the number of others.
 * Null: an e-value: the mean of ratios whose mean over strangers is at most 1 is one, and the largest over their number is not more.
 *   No pair counts for more than what pairs of the same people show who type at the same time (fleet/same-hands.ts).
 * Reference: the organisation's own people; others only where both tenants share.
 * Cost: in a large fleet somebody is always alike, so it speaks in small ones alone; LOW at most by itself.
 */
import type { RhythmFigures } from '../fleet/rhythm.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, thousands, untold } from './reading.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const sharedTypistSignal: SignalDescription = {
  name: 'sharedTypist',
  family: 'rhythm',
  weight: 0.1,
  needs: 'exchange',
  speaksFor: { SHARED_OPERATOR: 0.8, ACCOUNT_HANDOVER: 0.2 },
};

const STRENGTH_MAX = 1.6;
const STRENGTH_MIN = 0.3;

export function sharedTypist(view: SessionView, { config }: SignalParameters): Answer {
  const told = view.fleet?.rhythm ?? null;
  if (told === null) return NO_DATA;
  const { likeness, people, typist } = told.figures;
  const strength = Math.min(STRENGTH_MAX, typist);
  if (view.helpdesk || strength < STRENGTH_MIN) return QUIET;
  return untold({ strength, ubiquitous: false, observed: rounded(likeness, 2), expected: 0, unit: 'decades', samples: people, windowStart: told.until - config.fleet.memoryMs, windowEnd: told.until }, told.figures, explain);
}

const explain = ({ likeness, people, strangers, typist }: RhythmFigures): string =>
  `The recent typing of this user and that of another one are 10^${rounded(likeness, 2)} times as likely to be one person's as two people's (checked on ${thousands(strangers)} pairs of the organisation that typed at the same time); that is the most alike of ${people - 1} others, so 10^${rounded(likeness - Math.log10(Math.max(1, people - 1)), 2)} is left of it; on the mean of the four looks of the day and the last one of the day before, those to come counted as nothing, it is 10^${rounded(typist, 2)}.`;
