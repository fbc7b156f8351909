/**
 * Laptop farm.
 *
 * Hypothesis: the workstations of several people stand behind one residential address and few hands drive them.
 * Statistic: people of the organisation behind the source network in the last days; how many different places they are
 *   declared at; and whether they type together or in turn, followed minute by minute (fleet/turns.ts).
 * Null: shares of honest people who have so many colleagues behind their residential address (households, shared flats)
 *   and who are declared so far from each other there: priors, as no public measurement is at hand; and the chance that the
 *   turns of people with working days of their own stay apart, by habit too. The three are multiplied: who lives together says
 *   nothing about who types when, and people who live together are declared in one place. Whoever types together with the
 *   others, as chance has it, has hands of their own and takes no part in the turns of these.
 * Reference: the exchange (fleet/egress.ts); people of other tenants only where both tenants share.
 * Cost: a family in which everybody works in another shift looks alike and stays below MEDIUM; offices and co-working spaces
 *   on residential lines type together and stay quiet, and so does a farm whose operators work at the same time and whose
 *   people are declared in one place. A company's exit that a database takes for a home: where the round trip is too long for somebody behind
 *   the address, the way goes on to people who are elsewhere; and who keeps one working day, each with hands of their own, types together more often than chance
 *   would have it. Both are quiet. Carrier-grade NAT, business, hosting and VPN addresses are shared by everybody: nothing
 *   is said there.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { DetectConfig } from '../config.ts';
import { type EgressFigures, OWN_EXPECTED_MIN } from '../fleet/egress.ts';
import { wereSentApart } from './fleet-view.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, strengthOfP, thousands } from './reading.ts';
import { isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters, TransportView } from './view.ts';
import { lastMileMostMs, routesMostMs, SAMPLES_MIN } from './way.ts';

export const laptopFarmSignal: SignalDescription = {
  name: 'laptopFarm',
  family: 'fleet',
  weight: 0.7,
  needs: 'exchange',
  speaksFor: { LAPTOP_FARM: 0.8, SHARED_OPERATOR: 0.2 },
};

/** Share of honest people with at least so many people of their organisation behind their residential address. */
const USERS: NullTable = [[2, 0.06], [3, 0.012], [4, 0.003], [5, 8e-4], [6, 3e-4], [8, 5e-5]];
/** Share of those whose colleagues there are declared at so many places further than 60 km apart. */
const AREAS: NullTable = [[1.5, 1], [2, 0.1], [3, 0.01], [4, 0.002]];
const USERS_MIN = 3;
/** People who share a day type together about as much as chance gives, or more; below this share of it they do not. */
const TOGETHER_SHARE = 0.5;
/**
 * Chance strews minutes over sixteen waking hours. The machines of two pairs of hands that work at the same time meet about as often, people of one working
 * day twice as often: what lies so many standard deviations above chance is everybody's own hands.
 */
const OWN_HANDS_DEVIATIONS = 3;
/** Minutes by chance from which that is known: typing comes in stretches. */
const OWN_HANDS_EXPECTED_MIN = 8;
/** Handing over from one machine to the next makes some minutes count for both; more than that, and than this share of chance, are other hands. */
const HANDED_OVER_MAX = 3;
const OWN_SHARE = 0.25;
/** Share of people who keep another part of the day than those they live with (night owls, shift workers): a prior; so many may be apart by habit. */
const LOG10_OTHER_HOURS = Math.log10(0.15);
const STRENGTH_MAX = 4.9;
const STRENGTH_MIN = 0.3;
/** The fewer days there are, the less a day in turn says: chance would repeat itself only where habits do. */
const ALONE_MAX = 2.6;

export function laptopFarm(view: SessionView, { config }: SignalParameters): Answer {
  const told = view.fleet?.egress ?? null;
  if (told === null) return NO_DATA;
  const { figures } = told;
  const { users, people, together, expected, log10Apart, crowd, ownShared, ownExpected } = figures;
  const areas = areasOf(figures);
  if (crowd || users < USERS_MIN || view.sighting?.category !== 'RESIDENTIAL' || isTrustedEgress(view.sighting.policy)) return QUIET;
  const likeAnOffice = people >= 2 && together > TOGETHER_SHARE * expected;
  const ownHands = people >= 2 && expected >= OWN_HANDS_EXPECTED_MIN && together > expected + OWN_HANDS_DEVIATIONS * Math.sqrt(expected);
  if ((likeAnOffice && areas < 2) || ownHands || goesBeyond(view.sighting, view.transport, config.network)) return QUIET;
  const takesPart = ownExpected < OWN_EXPECTED_MIN || ownShared <= Math.max(HANDED_OVER_MAX, OWN_SHARE * ownExpected);
  const apart = people >= USERS_MIN && takesPart ? Math.max(log10Apart, (people - 1) * LOG10_OTHER_HOURS) : 0;
  const log10P = log10Share(USERS, users) + log10Share(AREAS, areas) + apart;
  const most = apart === 0 && (areas < 2 || (log10Apart < 0 && !takesPart)) ? ALONE_MAX : STRENGTH_MAX;
  const strength = Math.min(most, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  return {
    strength,
    ubiquitous: false,
    observed: users,
    expected: 2,
    unit: 'people',
    samples: figures.minutes,
    windowStart: told.until - config.fleet.memoryMs,
    windowEnd: told.until,
    explanation: explain(view.sighting.sourceIp, figures, log10P, apart),
  };
}

/** The workstations of a farm stand behind the address; where the transport goes on from there, it is an exit that people share. */
function goesBeyond(sighting: Sighting, transport: TransportView | null, network: DetectConfig['network']): boolean {
  if (transport === null || transport.samples < SAMPLES_MIN || sighting.sourceDistanceKm === null) return false;
  const floor = floorRttMs(sighting.sourceDistanceKm);
  return transport.confirmedLeastMs > floor + routesMostMs(floor, network) + lastMileMostMs(sighting, network);
}

const areasOf = (figures: EgressFigures): number => (wereSentApart(figures) ? 1 : figures.areas);

function explain(ip: string, figures: EgressFigures, log10P: number, apart: number): string {
  const { users, devices, areas, shipTos, people, minutes, together, expected, turns, log10Apart, days, daysApart, ownShared, ownExpected } = figures;
  const places = areas > 1 ? `, who are declared at ${areas} different places more than 60 km apart${areasOf(figures) < areas ? ' (and had their devices sent to about as many, so this does not count)' : ''}` : '';
  const sent = shipTos > 0 && shipTos < users ? `; their devices were sent to ${shipTos} ${shipTos === 1 ? 'place' : 'places'}` : '';
  const inTurn =
    apart < 0
      ? `; on ${daysApart} of ${days} days they typed in turn: typically ${people} people in ${turns} turns and ${thousands(minutes)} minutes, ${together} of them together, where chance would give ${expected} or more (chance that the turns stay apart: ${(10 ** log10Apart).toExponential(1)}; by habit, ${(10 ** apart).toExponential(1)} at the least is taken)`
      : log10Apart < 0 && people >= USERS_MIN
        ? `; the others typed in turn, but this person typed together with them for ${ownShared} minutes (chance: ${ownExpected}) and takes no part in that`
        : people >= 2
          ? `; they typed together for ${together} of ${thousands(minutes)} minutes (chance: ${expected})`
          : '';
  return `Behind the residential address ${ip} ${users} people of the organisation with ${devices} devices were active in the last days${places}${sent}${inTurn}; a share of ${(10 ** Math.max(-12, log10P)).toExponential(1)} of honest people would show as much, and it is consistent with a laptop farm (strength follows from that share; ${rounded(log10P, 2)} on a log10 scale).`;
}
