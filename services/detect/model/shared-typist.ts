/**
 * One typist on many identities.
 *
 * Hypothesis: the person who types here types as somebody else as well.
 * Statistic: distance between the rhythm sketches of this person and of the nearest other one (fleet/rhythm-sketch.ts).
 * Null: the nearest-neighbour distances of the people in the same bucket, from the exchange. Where nobody plays two of
 *   them they are exchangeable, so the rank among them is a p-value whatever the fleet's keyboards and sensors are. (The two
 *   ends of a nearest pair share their distance: the rank counts both.) Below a distance that one person keeps
 *   to themselves, nothing is claimed from the rank alone.
 * Reference: the organisation's own people; others only where both tenants share.
 * Cost: in a large fleet some strangers are near by chance, which the rank allows for; so this is LOW at most by itself.
 */
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, strengthOfP } from './reading.ts';
import type { SessionView } from './view.ts';

export const sharedTypistSignal: SignalDescription = {
  name: 'sharedTypist',
  family: 'rhythm',
  weight: 0.15,
  speaksFor: { SHARED_OPERATOR: 0.8, ACCOUNT_HANDOVER: 0.2 },
};

/** Nearest strangers are not so near; one person's own days mostly are (spreads within one person). */
const DISTANCE_MAX = 0.9;
const STRENGTH_MAX = 1.6;
const STRENGTH_MIN = 0.3;

export function sharedTypist(view: SessionView): Answer {
  const told = view.fleet?.rhythm ?? null;
  if (told === null) return NO_DATA;
  const { distance, rank, people, median, group } = told.figures;
  if (view.helpdesk || distance > DISTANCE_MAX) return QUIET;
  const log10P = Math.log10((rank + 1) / (people + 1));
  const strength = Math.min(STRENGTH_MAX, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  return {
    strength,
    ubiquitous: false,
    observed: rounded(distance, 2),
    expected: rounded(median, 2),
    unit: 'deviations',
    samples: people,
    windowStart: told.until - 7 * 86_400_000,
    windowEnd: told.until,
    explanation: `The rhythm of this user lies ${rounded(distance, 2)} typical deviations from that of the nearest other user; of ${people} people who type alike, ${rank} have a neighbour so near (half of them none nearer than ${rounded(median, 2)})${group > 2 ? `, and ${group} identities about as near are never active at the same time` : ''}.`,
  };
}
