/** When two people type: together, in turn, or too little to say. */
import { bitsOf } from './minutes.ts';

/** Hours with typing (numbers since the epoch, rising) and the ten-minute slots of each as six bits. */
export interface Presence {
  readonly hours: readonly number[];
  readonly typed: readonly number[];
  /** The same with the pauses between two slots filled, as far as they are short. */
  readonly filled: readonly number[];
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
  const hours = [...filled.keys()];
  return { hours, typed: hours.map((hour) => byHour.get(hour) ?? 0), filled: hours.map((hour) => filled.get(hour)!) };
}

/** Whether a working day spans `hour` and one of `hours`, of which the first behind it stands at `next`. */
function isNear(hours: readonly number[], next: number, hour: number): boolean {
  return (hours[next] ?? Infinity) - hour <= DAY_SPAN_HOURS || hour - (hours[next - 1] ?? -Infinity) <= DAY_SPAN_HOURS;
}

/** On the days on which both typed, from the hour `from` on. */
export function overlapOf(a: Presence, b: Presence, which: 'typed' | 'filled', from: number): Overlap {
  let [slotsA, slotsB, shared, hours] = [0, 0, 0, 0];
  let [i, j] = [0, 0];
  while (i < a.hours.length && a.hours[i]! < from) i++;
  while (j < b.hours.length && b.hours[j]! < from) j++;
  while (i < a.hours.length || j < b.hours.length) {
    const hour = Math.min(a.hours[i] ?? Infinity, b.hours[j] ?? Infinity);
    const [inA, inB] = [a.hours[i] === hour, b.hours[j] === hour];
    const counts = (inA && inB) || (inA ? isNear(b.hours, j, hour) : isNear(a.hours, i, hour));
    const x = inA ? a[which][i++]! : 0;
    const y = inB ? b[which][j++]! : 0;
    if (!counts) continue;
    slotsA += bitsOf(x);
    slotsB += bitsOf(y);
    shared += bitsOf(x & y);
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
  return { apart: apart && fitsOneDay(a, b, from), together: !apart && (typed.shared >= TOGETHER_SLOTS || overlapOf(a, b, 'typed', since).shared >= TOGETHER_SLOTS) };
}
