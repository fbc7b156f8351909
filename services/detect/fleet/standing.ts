/** Whether two people are at work together, in turn, or too little to say (presence.ts). */
import { bitsOf, lowestBit } from './minutes.ts';
import { anyDayHolds, countDays, DAY_HOURS, DAY_WORDS, HOUR_BITS, HOURS_PER_WORD, OLDER_WORDS, placeOf, SHARED_SHARE_MAX, TOGETHER_SLOTS, type Presences } from './presence.ts';

export interface Overlap {
  slots: number;
  shared: number;
  /** Slots that chance would share in the hours around which both were at work, tenths. */
  expected: number;
}

/** How two people stand to each other. */
export const UNKNOWN = 0;
/** They typed in the same ten minutes so often that they are two people. */
export const TOGETHER = 1;
/** Lately they were at work around the same hours and never together, and what both worked fits into one person's day. */
export const APART = 2;

/** Slots that two people must have before their overlap is looked at, and what chance would share, tenths. */
const SLOTS_MIN = 8;
const EXPECTED_MIN = 10;
/** Share of the hours worked that must lie in one working day. */
const ONE_DAY_SHARE = 0.9;

/** Bits of the first word that holds hours from `after` on: they are counted from the beginning of a row. */
const bitsFrom = (after: number): number => -1 << (HOUR_BITS * (after % HOURS_PER_WORD));

/**
 * On the days on which both typed, from the hour `from` on, which is not before `lately`: their own hours as far as a working day spans them
 * and an hour of the other. `overlap`: what is filled and answered.
 */
export function overlapOf(presences: Presences, i: number, j: number, which: 'typed' | 'filled', from: number, overlap: Overlap = { slots: 0, shared: 0, expected: 0 }): Overlap {
  const { near, worked, words, lately, typedWords } = presences;
  const slots = which === 'typed' ? presences.typed : presences.filled;
  const after = from - lately;
  const first = Math.floor(after / HOURS_PER_WORD);
  let slotsA = 0;
  let slotsB = 0;
  let shared = 0;
  let hours = 0;
  for (let left = first < words ? (typedWords[i]! | typedWords[j]!) & (-1 << first) : 0; left !== 0; left &= left - 1) {
    const word = lowestBit(left);
    const a = i * words + word;
    const b = j * words + word;
    const bits = word === first ? bitsFrom(after) : -1;
    const nearA = near[a]! & bits;
    const nearB = near[b]! & bits;
    const both = (worked[a]! & nearB) | (worked[b]! & nearA);
    if (both === 0) continue;
    const x = slots[a]! & nearB;
    const y = slots[b]! & nearA;
    slotsA += bitsOf(x);
    slotsB += bitsOf(y);
    shared += bitsOf(x & y);
    hours += bitsOf(both);
  }
  overlap.slots = slotsA + slotsB;
  overlap.shared = shared;
  // An hour is HOUR_BITS slots.
  overlap.expected = hours === 0 ? 0 : Math.round((10 * slotsA * slotsB) / hours);
  return overlap;
}

export const isApart = ({ slots, shared, expected }: Overlap): boolean => slots >= SLOTS_MIN && expected >= EXPECTED_MIN && 10 * shared <= SHARED_SHARE_MAX * expected;

/** False where two people surely typed in no hour before `lately` that was the same: of those who are strangers to each other's days most have none. */
function mayShareOlder({ older }: Presences, i: number, j: number): boolean {
  const a = i * OLDER_WORDS;
  const b = j * OLDER_WORDS;
  for (let word = 0; word < OLDER_WORDS; word++) if ((older[a + word]! & older[b + word]!) !== 0) return true;
  return false;
}

/** Whether both typed in at least `enough` slots of the hours from `since` on, before `until`, which is not before `lately`. */
function shareBetween(presences: Presences, i: number, j: number, since: number, until: number, enough: number): boolean {
  const { hours, slots, starts, lately } = presences;
  if (until === lately && !mayShareOlder(presences, i, j)) return false;
  let a = placeOf(presences, i, since);
  let b = placeOf(presences, j, since);
  const endA = starts[i + 1]!;
  const endB = starts[j + 1]!;
  let shared = 0;
  while (a < endA && b < endB && shared < enough && hours[a]! < until) {
    const ahead = hours[a]! - hours[b]!;
    if (ahead === 0) shared += bitsOf(slots[a]! & slots[b]!);
    if (ahead <= 0) a++;
    if (ahead >= 0) b++;
  }
  return shared >= enough;
}

const counts = new Int32Array(DAY_HOURS);
/** A row of nobody behind the one of both. */
const bothDays = new Int32Array(2 * DAY_WORDS);

/** Whether the hours that two people worked from the hour `from` on, put together, are no more than one of them could. */
function fitsOneDay(presences: Presences, i: number, j: number, from: number): boolean {
  const { lately, days, hourCounts, hours, starts } = presences;
  if (from <= lately) return anyDayHolds(days, i * DAY_WORDS, j * DAY_WORDS, ONE_DAY_SHARE * (hourCounts[i]! + hourCounts[j]!));
  counts.fill(0);
  let all = 0;
  for (const person of [i, j]) {
    for (let place = placeOf(presences, person, from); place < starts[person + 1]!; place++, all++) counts[hours[place]! % DAY_HOURS]!++;
  }
  countDays(counts, bothDays, 0);
  return anyDayHolds(bothDays, 0, DAY_WORDS, ONE_DAY_SHARE * all);
}

const overlap: Overlap = { slots: 0, shared: 0, expected: 0 };

/** @param shared slots in which both typed from the hour `from` on */
const stayApart = (presences: Presences, i: number, j: number, from: number, shared: number): boolean =>
  isApart(overlapOf(presences, i, j, 'typed', from, overlap)) || (shared < TOGETHER_SLOTS && isApart(overlapOf(presences, i, j, 'filled', from, overlap)));

/** Of two who lately typed together in some slots only. */
function standingOf(presences: Presences, i: number, j: number, since: number, shared: number): number {
  const from = Math.max(since, presences.lately);
  const fits = fitsOneDay(presences, i, j, from);
  if (fits && stayApart(presences, i, j, from, shared)) return APART;
  const together = shared >= TOGETHER_SLOTS || (since < from && shareBetween(presences, i, j, since, from, TOGETHER_SLOTS - shared));
  // Who stays apart and is too long at work for one person is neither.
  return together && (fits || !stayApart(presences, i, j, from, shared)) ? TOGETHER : UNKNOWN;
}

/** Slots in which both typed from the hour `from` on, which is after `lately`. */
function sharedFrom({ typed, words, lately }: Presences, i: number, j: number, from: number): number {
  const after = from - lately;
  const first = Math.floor(after / HOURS_PER_WORD);
  let bits = bitsFrom(after);
  let shared = 0;
  for (let word = first; word < words; word++, bits = -1) shared += bitsOf(typed[i * words + word]! & typed[j * words + word]! & bits);
  return shared;
}

/** How the person `i` and each one before stand to each other, put into `out`. */
export function standingsBefore(presences: Presences, i: number, out: Uint8Array): void {
  const { typed, typedWords, settled, words, lately, sinces, devices } = presences;
  const own = i * words;
  for (let j = 0; j < i; j++) {
    // Two accounts on one workstation are nobody's farm.
    if (devices[i] === devices[j] && devices[i] !== 0) {
      out[j] = UNKNOWN;
      continue;
    }
    const since = Math.max(sinces[i]!, sinces[j]!);
    const enough = Math.min(settled[i]!, settled[j]!);
    let shared = 0;
    if (since > lately) shared = sharedFrom(presences, i, j, since);
    else {
      const row = j * words;
      for (let left = typedWords[i]! & typedWords[j]!; left !== 0 && shared < enough; left &= left - 1) {
        const word = lowestBit(left);
        shared += bitsOf(typed[own + word]! & typed[row + word]!);
      }
    }
    out[j] = shared >= enough ? TOGETHER : standingOf(presences, i, j, since, shared);
  }
}
