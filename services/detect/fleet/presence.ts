/** When two people type: together, in turn, or too little to say. */
import { bitsOf } from './minutes.ts';

/** Hours of a day's typing in one word of bits, six bits an hour: 30 bits stay small integers. */
const HOURS_PER_WORD = 5;
const HOUR_BITS = 6;
const FULL_HOUR = 0b111111;
const DAY_HOURS = 24;

/** Ten-minute slots from the hour `lately` on, as words of HOURS_PER_WORD hours: what a pair shares is counted a word at a time. */
interface RecentSlots {
  readonly typed: Int32Array;
  /** The same with the pauses between two slots filled, as far as they are short. */
  readonly filled: Int32Array;
  /** All of every hour with such slots. */
  readonly worked: Int32Array;
  /** All of every hour that a working day spans together with one of those. */
  readonly near: Int32Array;
  readonly typedCount: number;
  /** Hours with such slots, by hour of the day. */
  readonly byHourOfDay: Int32Array;
}

/** Hours with typing (numbers since the epoch, rising) and the typed ten-minute slots of each as six bits. */
export interface Presence {
  readonly hours: Int32Array;
  readonly typed: Uint8Array;
  readonly lately: number;
  readonly recent: RecentSlots;
}

export interface Overlap {
  slots: number;
  shared: number;
  /** Slots that chance would share in the hours around which both were at work, tenths. */
  expected: number;
}

export interface Standing {
  /** They typed in the same ten minutes so often that they are two people. */
  together: boolean;
  /** Lately they were at work around the same hours and never together, and what both worked fits into one person's day. */
  apart: boolean;
}

export const UNKNOWN: Standing = { together: false, apart: false };
const TOGETHER: Standing = { together: true, apart: false };
const APART: Standing = { together: false, apart: true };

/** A working day spans so many hours: an hour in which one of two pauses counts as well, where the other types so near to it. */
const DAY_SPAN_HOURS = 8;
/** Slots that two people must have before their overlap is looked at, and what chance would share, tenths. */
const SLOTS_MIN = 8;
const EXPECTED_MIN = 10;
const SHARED_SHARE_MAX = 0.1;
/** Ten-minute slots in which both typed, from which nobody plays both. */
const TOGETHER_SLOTS = 3;

/** Typing of an hour as six slots of ten minutes. */
export function slotsOf(minutes: readonly number[]): number {
  let slots = 0;
  for (let slot = 0; slot < 6; slot++) {
    const word = minutes[slot < 3 ? 0 : 1] ?? 0;
    if ((word & (0x3ff << ((slot % 3) * 10))) !== 0) slots |= 1 << slot;
  }
  return slots;
}

/**
 * @param byHour slots by hour (number since the epoch); none without any
 * @param lately hour from which it is asked whether people are apart: habits change
 */
export function presenceOf(byHour: ReadonlyMap<number, number>, lately: number): Presence {
  const hours = new Int32Array(byHour.size);
  let count = 0;
  for (const hour of byHour.keys()) hours[count++] = hour;
  hours.sort();
  const typed = new Uint8Array(hours.length);
  for (let i = 0; i < hours.length; i++) typed[i] = byHour.get(hours[i]!)!;
  return { hours, typed, lately, recent: recentOf(hours, typed, lately) };
}

/** The slots of the hour at `i` with those of short pauses, which may begin in the hour before or end in the one after. */
function filledAt(hours: Int32Array, typed: Uint8Array, i: number): number {
  const before = i > 0 && hours[i - 1] === hours[i]! - 1 ? typed[i - 1]! : 0;
  const after = i + 1 < hours.length && hours[i + 1] === hours[i]! + 1 ? typed[i + 1]! : 0;
  const slots = before | (typed[i]! << HOUR_BITS) | (after << (2 * HOUR_BITS));
  // One or two slots between typed ones, less than half an hour, are a pause at the desk.
  const beforeTwo = slots & (slots >> 3);
  return ((slots | ((slots << 1) & (slots >> 1)) | (beforeTwo << 1) | (beforeTwo << 2)) >> HOUR_BITS) & FULL_HOUR;
}

const placeAt = (hour: number): number => Math.floor(hour / HOURS_PER_WORD);
const shiftAt = (hour: number): number => HOUR_BITS * (hour % HOURS_PER_WORD);

function recentOf(hours: Int32Array, typed: Uint8Array, lately: number): RecentSlots {
  const words = Math.max(0, Math.ceil(((hours.at(-1) ?? -1) + 1 + DAY_SPAN_HOURS - lately) / HOURS_PER_WORD));
  const recent = { typed: new Int32Array(words), filled: new Int32Array(words), worked: new Int32Array(words), near: new Int32Array(words), byHourOfDay: new Int32Array(DAY_HOURS), typedCount: 0 };
  // The hour up to which `near` is marked.
  let marked = -1;
  for (let i = placeOf(hours, lately - DAY_SPAN_HOURS); i < hours.length; i++) {
    const at = hours[i]! - lately;
    if (at >= 0) {
      const [place, shift] = [placeAt(at), shiftAt(at)];
      recent.typed[place]! |= typed[i]! << shift;
      recent.filled[place]! |= filledAt(hours, typed, i) << shift;
      recent.worked[place]! |= FULL_HOUR << shift;
      recent.byHourOfDay[hours[i]! % DAY_HOURS]!++;
      recent.typedCount += bitsOf(typed[i]!);
    }
    for (let near = Math.max(marked + 1, at - DAY_SPAN_HOURS); near <= at + DAY_SPAN_HOURS; near++) recent.near[placeAt(near)]! |= FULL_HOUR << shiftAt(near);
    marked = Math.max(marked, at + DAY_SPAN_HOURS);
  }
  return recent;
}

/** Place of the first hour that is not before `from`. */
function placeOf(hours: Int32Array, from: number): number {
  let [low, high] = [0, hours.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hours[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Bits of a word that lie at or after the hour `after` of all words. */
const bitsFrom = (word: number, after: number): number => (after <= word * HOURS_PER_WORD ? -1 : -1 << (HOUR_BITS * (after - word * HOURS_PER_WORD)));

/** On the days on which both typed, from the hour `from` on, which is not before `lately`: their own hours as far as a working day spans them and an hour of the other. */
export function overlapOf(a: Presence, b: Presence, which: 'typed' | 'filled', from: number): Overlap {
  const after = from - a.lately;
  const ofA = a.recent[which];
  const ofB = b.recent[which];
  const { near: nearA, worked: workedA } = a.recent;
  const { near: nearB, worked: workedB } = b.recent;
  const words = Math.min(ofA.length, ofB.length);
  let slotsA = 0;
  let slotsB = 0;
  let shared = 0;
  let hours = 0;
  for (let word = Math.floor(after / HOURS_PER_WORD); word < words; word++) {
    const bits = bitsFrom(word, after);
    const worked = ((workedA[word]! & nearB[word]!) | (workedB[word]! & nearA[word]!)) & bits;
    if (worked === 0) continue;
    const x = ofA[word]! & nearB[word]! & bits;
    const y = ofB[word]! & nearA[word]! & bits;
    slotsA += bitsOf(x);
    slotsB += bitsOf(y);
    shared += bitsOf(x & y);
    hours += bitsOf(worked);
  }
  // An hour is HOUR_BITS slots.
  return { slots: slotsA + slotsB, shared, expected: hours === 0 ? 0 : Math.round((10 * slotsA * slotsB) / hours) };
}

/** Slots in which both typed, from the hour `from` on; no more are counted than `enough`. */
function sharedRecently(a: RecentSlots, b: RecentSlots, after: number, enough: number): number {
  const words = Math.min(a.typed.length, b.typed.length);
  let shared = 0;
  for (let word = Math.floor(after / HOURS_PER_WORD); word < words && shared < enough; word++) {
    const both = a.typed[word]! & b.typed[word]!;
    if (both !== 0) shared += bitsOf(both & bitsFrom(word, after));
  }
  return shared;
}

/** Whether both typed in at least `enough` slots since the hour `since`. */
function shareSince(a: Presence, b: Presence, since: number, enough: number): boolean {
  let [i, j] = [placeOf(a.hours, since), placeOf(b.hours, since)];
  let shared = 0;
  while (i < a.hours.length && j < b.hours.length && shared < enough) {
    const ahead = a.hours[i]! - b.hours[j]!;
    if (ahead === 0) shared += bitsOf(a.typed[i]! & b.typed[j]!);
    if (ahead <= 0) i++;
    if (ahead >= 0) j++;
  }
  return shared >= enough;
}

export const isApart = ({ slots, shared, expected }: Overlap): boolean => slots >= SLOTS_MIN && expected >= EXPECTED_MIN && 10 * shared <= SHARED_SHARE_MAX * expected;

/** Longest working day of one person, and the share of the hours worked that must lie in it. */
const ONE_DAY_HOURS = 14;
const ONE_DAY_SHARE = 0.9;
const both = new Int32Array(DAY_HOURS);

/** Hours with typing from the hour `from` on, by hour of the day. */
function countDay({ hours, lately, recent }: Presence, from: number): Int32Array {
  if (from <= lately) return recent.byHourOfDay;
  const counts = new Int32Array(DAY_HOURS);
  for (let i = placeOf(hours, from); i < hours.length; i++) counts[hours[i]! % DAY_HOURS]!++;
  return counts;
}

/** Whether the hours that two people work, put together, are no more than one of them could. */
function fitsOneDay(a: Presence, b: Presence, from: number): boolean {
  const [ofA, ofB] = [countDay(a, from), countDay(b, from)];
  let all = 0;
  for (let hour = 0; hour < DAY_HOURS; hour++) all += both[hour] = ofA[hour]! + ofB[hour]!;
  let within = 0;
  for (let hour = 0; hour < ONE_DAY_HOURS; hour++) within += both[hour]!;
  for (let first = 0; first < DAY_HOURS; first++) {
    if (within >= ONE_DAY_SHARE * all) return true;
    within += both[(first + ONE_DAY_HOURS) % DAY_HOURS]! - both[first]!;
  }
  return false;
}

/** @param since hour from which both have the hands that they have */
export function standingOf(a: Presence, b: Presence, since: number): Standing {
  const from = Math.max(since, a.lately);
  // Chance shares no slot that one of both did not type, so beyond this they cannot be apart: nearly always this settles it.
  const enough = Math.max(TOGETHER_SLOTS, Math.ceil((SHARED_SHARE_MAX * 10 * Math.min(a.recent.typedCount, b.recent.typedCount) + 1) / 10));
  const sharedTyped = sharedRecently(a.recent, b.recent, from - a.lately, enough);
  if (sharedTyped >= enough) return TOGETHER;
  const apart = isApart(overlapOf(a, b, 'typed', from)) || (sharedTyped < TOGETHER_SLOTS && isApart(overlapOf(a, b, 'filled', from)));
  if (apart) return fitsOneDay(a, b, from) ? APART : UNKNOWN;
  return sharedTyped >= TOGETHER_SLOTS || (since < from && shareSince(a, b, since, TOGETHER_SLOTS)) ? TOGETHER : UNKNOWN;
}
