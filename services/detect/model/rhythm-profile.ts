/**
 * The enrolled rhythm of a person at one kind of sensor. It learns block by block and forgets by halves, so that slow
 * drift is followed; blocks that do not fit are not learnt, unless they go on for days: then the person has changed
 * their ways (or the operator has stayed for so long that the finding was made), and enrolment begins anew.
 */
import type { Sensor } from '#schemas/records.ts';
import { DAY_MS } from '../fleet/minutes.ts';
import { handsFeatures, intervalFeatures } from './hands.ts';
import { log10PofDistance } from './operator-change.ts';
import { distanceOverLines, rhythmDistance } from './rhythm-distance.ts';
import { RHYTHM_BINS, intervalsOf, mergeCounts } from './rhythm.ts';

export interface RhythmProfile {
  sensor: Sensor;
  /** Days on which it learnt, and the number of the last one (UTC days since the epoch). */
  days: number;
  lastDay: number;
  counts: Uint16Array;
  /** Days in a row on which blocks were refused, and the last of them. */
  refusedDays: number;
  lastRefusedDay: number;
}

export interface ProfileView {
  enrolled: boolean;
  keys: number;
  days: number;
  /** The enrolled counts as they are now. */
  counts: Uint16Array;
}

/** Intervals beyond which all counts are halved: about two days of typing. */
const KEYS_MAX = 24_000;
const REFUSED_DAYS_MAX = 7;
/** A block is learnt unless fewer than this share of honest blocks are so far away. */
const LOG10_LEARN = Math.log10(0.02);

export const newProfile = (sensor: Sensor): RhythmProfile => ({ sensor, days: 0, lastDay: -1, counts: new Uint16Array(RHYTHM_BINS), refusedDays: 0, lastRefusedDay: -1 });

export function viewOfProfile(profile: RhythmProfile, keysMin: number): ProfileView {
  const keys = intervalsOf(profile.counts);
  return { enrolled: keys >= keysMin, keys, days: profile.days, counts: profile.counts };
}

/**
 * Judges a block and learns it where it fits.
 *
 * @param end of the block, epoch ms
 * @param hands `handsFeatures` of the block
 * @returns distance in thousandths of a decade; null while the profile is not enrolled
 */
export function takeBlock(profile: RhythmProfile, counts: Uint16Array, end: number, keysMin: number, hands = handsFeatures(counts)): { distance: number | null; withHolds: boolean } {
  const day = Math.floor((end - 1) / DAY_MS);
  const enrolled = intervalsOf(profile.counts) >= keysMin;
  const between = profile.sensor === 'VDI_GATEWAY' ? distanceOverLines : rhythmDistance;
  const { distance, withHolds } = enrolled ? between(hands ?? intervalFeatures(counts), (hands === null ? null : handsFeatures(profile.counts)) ?? intervalFeatures(profile.counts)) : { distance: 0, withHolds: false };
  if (enrolled && log10PofDistance(distance, withHolds) < LOG10_LEARN) refuse(profile, day);
  else {
    profile.refusedDays = 0;
    learn(profile, counts, day);
  }
  return { distance: enrolled ? Math.round(distance * 1000) : null, withHolds };
}

/** Whether a judged block is as far away as the profile learns nothing from. */
export const isStrange = ({ distance, withHolds }: { distance: number | null; withHolds: boolean }): boolean =>
  distance !== null && log10PofDistance(distance / 1000, withHolds) < LOG10_LEARN;

function refuse(profile: RhythmProfile, day: number): void {
  if (day === profile.lastRefusedDay) return;
  profile.refusedDays++;
  profile.lastRefusedDay = day;
  if (profile.refusedDays <= REFUSED_DAYS_MAX) return;
  profile.counts.fill(0);
  profile.days = 0;
  profile.lastDay = -1;
  profile.refusedDays = 0;
}

function learn(profile: RhythmProfile, counts: Uint16Array, day: number): void {
  mergeCounts(profile.counts, counts);
  if (day !== profile.lastDay) {
    profile.days = Math.min(0xffff, profile.days + 1);
    profile.lastDay = day;
  }
  if (intervalsOf(profile.counts) <= KEYS_MAX) return;
  for (let i = 0; i < RHYTHM_BINS; i++) profile.counts[i]! >>= 1;
}
