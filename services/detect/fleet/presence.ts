/** When two people type: together, in turn, or too little to say. */
import { bitsOf } from './minutes.ts';

/** Hours with typing (numbers since the epoch, rising) and the ten-minute slots of each as six bits. */
export interface Presence {
  readonly hours: Int32Array;
  readonly typed: Uint8Array;
  /** The same with the pauses between two slots filled, as far as they are short. */
  readonly filled: Uint8Array;
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

/** A working day spans so many hours: an hour in which one of two pauses counts as well, where the other types so near to it. */
const DAY_SPAN_HOURS = 8;
/** Slots between two typed ones that are a pause at the desk: less than half an hour. */
const PAUSE_SLOTS = 2;
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

/** @param byHour slots by hour (number since the epoch) */
export function presenceOf(byHour: ReadonlyMap<number, number>): Presence {
  const filled = new Map<number, number>();
  const mark = (slot: number): void => void filled.set(Math.floor(slot / 6), (filled.get(Math.floor(slot / 6)) ?? 0) | (1 << slot % 6));
  let last = -Infinity;
  for (const hour of [...byHour.keys()].sort((a, b) => a - b)) {
    for (let i = 0; i < 6; i++) {
      if ((byHour.get(hour)! & (1 << i)) === 0) continue;
      const slot = hour * 6 + i;
      for (let between = slot - last - 1 <= PAUSE_SLOTS ? last + 1 : slot; between <= slot; between++) mark(between);
      last = slot;
    }
  }
  const hours = Int32Array.from(filled.keys());
  return { hours, typed: Uint8Array.from(hours, (hour) => byHour.get(hour) ?? 0), filled: Uint8Array.from(filled.values()) };
}

/** Set bits of six. */
const BITS = Uint8Array.from({ length: 64 }, (_, slots) => bitsOf(slots));

/** Whether a working day spans `hour` and one of `hours`, of which the first behind it stands at `next`. */
function isNear(hours: Int32Array, next: number, hour: number): boolean {
  return (next < hours.length && hours[next]! - hour <= DAY_SPAN_HOURS) || (next > 0 && hour - hours[next - 1]! <= DAY_SPAN_HOURS);
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

/** Slots of one's own hours from `at` up to the other's next hour, as far as a working day spans them and an hour of the other. */
const alone = { at: 0, slots: 0, hours: 0 };

function walkAlone(hours: Int32Array, slots: Uint8Array, from: number, others: Int32Array, next: number): void {
  const end = next < others.length ? others[next]! : Infinity;
  let at = from;
  [alone.slots, alone.hours] = [0, 0];
  for (; at < hours.length && hours[at]! < end; at++) {
    if (!isNear(others, next, hours[at]!)) continue;
    alone.slots += BITS[slots[at]!]!;
    alone.hours++;
  }
  alone.at = at;
}

/** On the days on which both typed, from the hour `from` on. Every pair of a bucket is asked, so this is what the exchange costs. */
export function overlapOf(a: Presence, b: Presence, which: 'typed' | 'filled', from: number): Overlap {
  const [hoursA, hoursB] = [a.hours, b.hours];
  const [ofA, ofB] = which === 'typed' ? [a.typed, b.typed] : [a.filled, b.filled];
  let [slotsA, slotsB, shared, hours] = [0, 0, 0, 0];
  let [i, j] = [placeOf(hoursA, from), placeOf(hoursB, from)];
  while (i < hoursA.length || j < hoursB.length) {
    walkAlone(hoursA, ofA, i, hoursB, j);
    i = alone.at;
    slotsA += alone.slots;
    hours += alone.hours;
    walkAlone(hoursB, ofB, j, hoursA, i);
    j = alone.at;
    slotsB += alone.slots;
    hours += alone.hours;
    if (i === hoursA.length || j === hoursB.length || hoursA[i] !== hoursB[j]) continue;
    const [x, y] = [ofA[i++]!, ofB[j++]!];
    slotsA += BITS[x]!;
    slotsB += BITS[y]!;
    shared += BITS[x & y]!;
    hours++;
  }
  return { slots: slotsA + slotsB, shared, expected: hours === 0 ? 0 : Math.round((10 * slotsA * slotsB) / (6 * hours)) };
}

export const isApart = ({ slots, shared, expected }: Overlap): boolean => slots >= SLOTS_MIN && expected >= EXPECTED_MIN && 10 * shared <= SHARED_SHARE_MAX * expected;

/** Longest working day of one person, and the share of the hours worked that must lie in it. */
const ONE_DAY_HOURS = 14;
const ONE_DAY_SHARE = 0.9;
const byHourOfDay = new Float64Array(24);

/** Whether the hours that two people work, put together, are no more than one of them could. */
function fitsOneDay(a: Presence, b: Presence, from: number): boolean {
  byHourOfDay.fill(0);
  let all = 0;
  for (const { hours } of [a, b]) {
    for (const hour of hours) {
      if (hour < from) continue;
      byHourOfDay[hour % 24]!++;
      all++;
    }
  }
  for (let first = 0; first < 24; first++) {
    let within = 0;
    for (let i = 0; i < ONE_DAY_HOURS; i++) within += byHourOfDay[(first + i) % 24]!;
    if (within >= ONE_DAY_SHARE * all) return true;
  }
  return false;
}

/**
 * @param since hour from which both have the hands that they have
 * @param lately hour from which it is asked whether they are apart: habits change
 */
export function standingOf(a: Presence, b: Presence, since: number, lately: number): Standing {
  const from = Math.max(since, lately);
  const typed = overlapOf(a, b, 'typed', from);
  const apart = isApart(typed) || (typed.shared < TOGETHER_SLOTS && isApart(overlapOf(a, b, 'filled', from)));
  return { apart: apart && fitsOneDay(a, b, from), together: !apart && (typed.shared >= TOGETHER_SLOTS || (since < from && overlapOf(a, b, 'typed', since).shared >= TOGETHER_SLOTS)) };
}
