/**
 * One typist on many identities.
 *
 * Hypothesis: the person who types here types as somebody else as well.
 * Statistic: distance between the rhythm sketches of this person and of the nearest other one (fleet/rhythm-sketch.ts).
 * Null: the nearest-neighbour distances of the people in the same bucket, from the exchange: how small the distance is
 *   beside their median. For strangers that ratio hardly depends on how many they are: measured on 30, 100, 300 and 1,000
 *   of 1,201 people (Aalto 136M Keystrokes, CHI 2018), a tenth stays below 0.66, 2% below 0.5, 0.6% below 0.4 and none
 *   below 0.3; further down it is extrapolated.
 * Reference: the organisation's own people; others only where both tenants share.
 * Cost: in a large fleet some strangers are near by chance, which the rank allows for; so this is LOW at most by itself.
 */
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, strengthOfP } from './reading.ts';
import type { SessionView } from './view.ts';

export const sharedTypistSignal: SignalDescription = {
  name: 'sharedTypist',
  family: 'rhythm',
  weight: 0.15,
  speaksFor: { SHARED_OPERATOR: 0.8, ACCOUNT_HANDOVER: 0.2 },
};

/** By the inverse of the ratio, so that more is rarer. */
export const NEARER: NullTable = [[1.5, 0.1], [1.72, 0.05], [2, 0.025], [2.2, 0.012], [2.5, 0.006], [2.86, 0.003], [3.33, 0.0015], [5, 0.0004]];
const OPENS_RATIO_MAX = 0.28;
const STRENGTH_MAX = 1.6;
const STRENGTH_MIN = 0.3;

export function sharedTypist(view: SessionView): Answer {
  const told = view.fleet?.rhythm ?? null;
  if (told === null) return NO_DATA;
  const { distance, rank, people, median, group } = told.figures;
  if (view.helpdesk) return QUIET;
  const log10P = log10Share(NEARER, median / Math.max(distance, median / 20));
  const strength = Math.min(STRENGTH_MAX, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  return {
    strength,
    // In some hundred people some strangers are as near: only what none of a thousand was may open by itself.
    ubiquitous: distance > OPENS_RATIO_MAX * median,
    observed: rounded(distance, 2),
    expected: rounded(median, 2),
    unit: 'deviations',
    samples: people,
    windowStart: told.until - 7 * 86_400_000,
    windowEnd: told.until,
    explanation: `The rhythm of this user lies ${rounded(distance, 2)} typical deviations from that of the nearest other user; of ${people} people compared, ${rank} have a neighbour so near (half of them none nearer than ${rounded(median, 2)}), and a share of ${(10 ** log10P).toExponential(1)} of strangers is so near beside that median${group > 2 ? `, and ${group} identities about as near are never active at the same time` : ''}.`,
  };
}
