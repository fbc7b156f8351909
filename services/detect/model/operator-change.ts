/**
 * Operator change.
 *
 * Hypothesis: somebody else types than the person who was enrolled.
 * Statistic: log10 of the likelihood ratio of two people against one (rhythm-distance.ts), between a block of 400 keystrokes and the
 *   person's profile: the pace once, the quantiles (10–90%) of intervals beside it, those of holds, and the rollover rate. The least of the
 *   last three blocks counts, so that one hurried quarter of an hour says nothing.
 * Null: distances between two halves of one person's typing (350 keystrokes each; `node tools/evaluate/halves.ts` prints the tables). They
 *   hold the drift within a sitting; what another day or another text changes is not measured there, so the strength is capped, lower on
 *   the first day.
 * Reference: Aalto 136M Keystrokes (CHI 2018). On halves, 94% of pairs of strangers lie beyond 99% of the pairs of one
 *   person (Mahalanobis: 91%; scaled Manhattan after Killourhy and Maxion, DSN 2009: 87%); 65% where holds are not known (Mahalanobis: 54%).
 *   At a desktop gateway, whose keys come over the person's line, the medians must be a stranger's as well (`distanceOverLines`).
 *   Where the way between the hands and the sensor spreads what passes by more than the features themselves differ by, timing is
 *   the line's and not the person's, and nothing is claimed.
 * Cost: another keyboard or an injured hand looks the same. Never above LOW by itself; together with an
 *   address or hours that are new for the person it is a story of two families (stories.ts).
 */
import { MINUTES_HELD, spreadWithin } from './gap-statistic.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, show, strengthOfP, thousands } from './reading.ts';
import { mediansOf } from './rhythm.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const operatorChangeSignal: SignalDescription = {
  name: 'operatorChange',
  family: 'rhythm',
  weight: 0.7,
  needs: 'typing',
  speaksFor: { ACCOUNT_HANDOVER: 0.8, REMOTE_OPERATOR: 0.2 },
};

/** Shares of people whose two halves lie so far apart, decades; one of 1,201 lies at 32 with a hold that changed. */
const WITH_HOLDS: NullTable = [[-2.58, 0.1], [-2, 0.051], [-1.04, 0.021], [-0.12, 0.011], [0.71, 0.006], [1.81, 0.0025], [4.43, 0.0017], [31.9, 0.0008]];
const INTERVALS_ONLY: NullTable = [[-0.6, 0.1], [-0.23, 0.051], [0.27, 0.021], [0.63, 0.011], [0.98, 0.006], [2.7, 0.0025], [3.7, 0.0017], [5.7, 0.0008]];

export const BLOCKS_JUDGED = 3;
const STRENGTH_MAX = 2.9;
const STRENGTH_MAX_FIRST_DAY = 2.4;
/** All of the last three blocks lie beyond: rarer than one of them, less rare than three independent ones. */
const THREE_BLOCKS = 1.3;
/** Without holds a stranger is hardly further away than a change of pace. */
const STRENGTH_MAX_INTERVALS = 2.3;
const STRENGTH_MIN = 0.3;

/**
 * Spread of what lies between the hands and the sensor, between its lowest or fifth and its half, from which rhythms are the line's, ms:
 * of the transport before a gateway, and of what the gap shows beyond the transport.
 */
const TRANSPORT_SPREAD_MS_MAX = 25;
const HIDDEN_SPREAD_MS_MAX = 15;

function isOfLine({ gap, transport, rhythm }: SessionView): boolean {
  const transportMs = transport?.lowerSpreadMs ?? 0;
  const atGateway = rhythm?.sensor === 'VDI_GATEWAY' || rhythm?.sensor === 'BASTION';
  if (atGateway && transportMs >= TRANSPORT_SPREAD_MS_MAX) return true;
  const minutes = gap?.minutes ?? [];
  return spreadWithin(minutes, Math.max(0, minutes.length - MINUTES_HELD)) - transportMs >= HIDDEN_SPREAD_MS_MAX;
}

export function log10PofDistance(distance: number, withHolds: boolean): number {
  return log10Share(withHolds ? WITH_HOLDS : INTERVALS_ONLY, distance);
}

export function operatorChange(view: SessionView, { config }: SignalParameters): Answer {
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
  const strength = Math.min(most, strengthOfP(THREE_BLOCKS * log10P));
  if (strength < STRENGTH_MIN || isOfLine(view)) return QUIET;
  const last = blocks.at(-1)!;
  const table = last.withHolds ? WITH_HOLDS : INTERVALS_ONLY;
  const samples = blocks.reduce((sum, block) => sum + block.keys, 0);
  const enrolled = mediansOf(profile.counts);
  const hold = last.holdMs !== null && enrolled.holdMs !== null ? ` and the median hold ${show(last.holdMs)} ms (enrolled: ${show(enrolled.holdMs)} ms)` : '';
  return {
    strength,
    ubiquitous: false,
    observed: least / 1000,
    expected: table[0]![0],
    unit: 'decades',
    samples,
    windowStart: blocks[0]!.start,
    windowEnd: last.end,
    explanation: `In each of the last ${blocks.length} blocks of typing (${thousands(samples)} keystrokes) the rhythm was at least 10^${rounded(least / 1000, 2)} times as likely to be another person's as that of this user's profile (${thousands(profile.keys)} keystrokes on ${profile.days} days${profile.days < config.rhythm.profileDaysMin ? ', still learning' : ''}); for 90% of people it is at most 10^${table[0]![0]}, and a share of ${(10 ** log10P).toExponential(1)} comes so far with one block, which is taken for ${(10 ** (THREE_BLOCKS * log10P)).toExponential(1)} with all of them. The median interval is ${show(last.intervalMs)} ms (enrolled: ${show(enrolled.intervalMs)} ms)${hold}.`,
  };
}
