/**
 * Shared ship-to address.
 *
 * Hypothesis: the workstations of several people were sent to one address, which is none of theirs.
 * Statistic: people whose device was sent to that address although they are declared more than 60 km from it, and the
 *   number of different places at which these are declared.
 * Null: share of honest people whose device went to an address far from their own that others far from it share as well:
 *   forwarders, parents, a former flat. A prior, as no public measurement is at hand. An office or depot receives the devices
 *   of many people, most of whom live near it: where the near ones are as many as the far ones, nothing is said.
 * Reference: the assignments (shippedTo) of the organisation's own people, through the exchange (fleet/ship-to.ts).
 * Cost: a central depot to which everything is sent for imaging looks alike until it has more people than are kept apart.
 */
import { AWAY_KM } from '../fleet/ship-to.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, strengthOfP } from './reading.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const sharedShipToSignal: SignalDescription = {
  name: 'sharedShipTo',
  family: 'fleet',
  weight: 0.13,
  needs: 'exchange',
  speaksFor: { LAPTOP_FARM: 1 },
};

const AWAY: NullTable = [[2, 0.01], [3, 0.002], [4, 0.0006], [5, 0.0002], [8, 0.00003]];
const STRENGTH_MAX = 2;

export function sharedShipTo(view: SessionView, { config }: SignalParameters): Answer {
  const told = view.fleet?.shipTo ?? null;
  if (told === null) return NO_DATA;
  const { users, away, areas, crowd, ownKm } = told.figures;
  if (crowd || ownKm <= AWAY_KM || away < 2 || 2 * away <= users) return QUIET;
  // Where they are all declared at one place, it may be the place that moved.
  const log10P = log10Share(AWAY, areas >= 2 ? away : 2);
  const strength = Math.min(STRENGTH_MAX, strengthOfP(log10P));
  return {
    strength,
    ubiquitous: false,
    observed: away,
    expected: 1,
    unit: 'people',
    samples: users,
    windowStart: told.until - config.fleet.memoryMs,
    windowEnd: told.until,
    explanation: `The workstation was sent to an address to which those of ${users} people went, ${away} of them declared more than 60 km away from it (at ${areas} different ${areas === 1 ? 'place' : 'places'}); a share of ${(10 ** log10P).toExponential(1)} of honest people shares such an address with so many.`,
  };
}
