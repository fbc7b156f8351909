/** When the people of a bucket type: hours and ten-minute slots as words of bits, a row a person, for standing.ts to compare. */
import { assert } from '#lib/kernel/errors.ts';
import { bitsOf } from './minutes.ts';

/** Hours of a day's typing in one word of bits, six bits an hour: 30 bits stay small integers. */
export const HOURS_PER_WORD = 5;
export const HOUR_BITS = 6;
const FULL_HOUR = 0b111111;
export const DAY_HOURS = 24;
/** A working day spans so many hours: an hour in which one of two pauses counts as well, where the other types so near to it. */
const DAY_SPAN_HOURS = 8;
/** Longest working day of one person. */
const ONE_DAY_HOURS = 14;
/** Counts of hours lie beside each other in a word, with so many bits for each: the sum of two people's fits in, and a bit is left. */
const COUNT_BITS = 10;
const COUNTS_PER_WORD = 3;
export const DAY_WORDS = DAY_HOURS / COUNTS_PER_WORD;
const EVERY_COUNT = 1 | (1 << COUNT_BITS) | (1 << (2 * COUNT_BITS));
const TOP_OF_COUNT = 1 << (COUNT_BITS - 1);

/** Of what chance would share, at most this share is shared by people who are apart. */
export const SHARED_SHARE_MAX = 0.1;
/** Ten-minute slots in which both typed, from which nobody plays both. */
export const TOGETHER_SLOTS = 3;
/** Words of a row whose places fit into a word. */
const WORDS_MAX = 32;
/** Older hours are told apart by the hour of the week, 28 of them a word. */
const WEEK_HOURS = 168;
const OLDER_HOURS_PER_WORD = 28;
export const OLDER_WORDS = WEEK_HOURS / OLDER_HOURS_PER_WORD;

export interface Typist {
  /** Slots by hour (number since the epoch). */
  readonly hours: ReadonlyMap<number, number>;
  /** Since which hour the hands are those that they are; absent or 0 for always. */
  readonly since?: number;
  /** Absent or 0 where it is not known. */
  readonly device?: number;
}

export interface Presences {
  readonly sinces: Float64Array;
  readonly devices: Float64Array;
  /** Hour (number since the epoch) from which it is asked whether people are apart: habits change. */
  readonly lately: number;
  /** All hours with typing, rising, and the typed slots of each as six bits; those of the person `i` from `starts[i]` to `starts[i + 1]`. */
  readonly starts: Int32Array;
  readonly hours: Int32Array;
  readonly slots: Uint8Array;
  /** Of the hours before `lately`, rows of OLDER_WORDS words: the hours of the week in which there was one. */
  readonly older: Int32Array;
  /** Of the hours from `lately` on, rows of so many words of HOURS_PER_WORD hours: what a pair shares is counted a word at a time. */
  readonly words: number;
  readonly typed: Int32Array;
  /** By person: the words of the row in which something was typed, by their places. */
  readonly typedWords: Int32Array;
  /** The same with the pauses between two slots filled, as far as they are short. */
  readonly filled: Int32Array;
  /** All of every hour with such slots. */
  readonly worked: Int32Array;
  /** All of every hour that a working day spans together with one of those. */
  readonly near: Int32Array;
  /** By person: slots shared with another one, from `lately` on, from which the two are no operator's whatever the rest is like. */
  readonly settled: Int32Array;
  /** By person: hours worked from `lately` on. */
  readonly hourCounts: Int32Array;
  /** Rows of DAY_WORDS words: how many of those hours lie in the ONE_DAY_HOURS of the day from each of its hours on; several counts a word. */
  readonly days: Int32Array;
}

/** Typing of an hour as six slots of ten minutes. */
export function slotsOf(minutes: readonly number[]): number {
  let slots = 0;
  for (let slot = 0; slot < 6; slot++) {
    const word = minutes[slot < 3 ? 0 : 1] ?? 0;
    if ((word & (0x3ff << ((slot % 3) * 10))) !== 0) slots |= 1 << slot;
  }
  return slots;
}

/** @param lately hour from which it is asked whether people are apart */
export function presencesOf(people: readonly Typist[], lately: number): Presences {
  const n = people.length;
  const starts = new Int32Array(n + 1);
  for (let i = 0; i < n; i++) starts[i + 1] = starts[i]! + people[i]!.hours.size;
  const hours = new Int32Array(starts[n]!);
  const slots = new Uint8Array(starts[n]!);
  let last = -1;
  for (let i = 0; i < n; i++) {
    putHours(people[i]!.hours, hours, slots, starts[i]!);
    if (starts[i + 1]! > starts[i]!) last = Math.max(last, hours[starts[i + 1]! - 1]!);
  }
  const words = Math.max(0, Math.ceil((last + 1 + DAY_SPAN_HOURS - lately) / HOURS_PER_WORD));
  assert(words <= WORDS_MAX, 'people are compared over more hours than a row holds');
  const row = (): Int32Array => new Int32Array(n * words);
  const presences = {
    sinces: new Float64Array(n), devices: new Float64Array(n),
    lately, starts, hours, slots, older: new Int32Array(n * OLDER_WORDS), words,
    typed: row(), typedWords: new Int32Array(n), filled: row(), worked: row(), near: row(),
    settled: new Int32Array(n), hourCounts: new Int32Array(n), days: new Int32Array(n * DAY_WORDS),
  };
  for (let i = 0; i < n; i++) {
    presences.sinces[i] = people[i]!.since ?? 0;
    presences.devices[i] = people[i]!.device ?? 0;
    markOlder(presences, i);
    putRecent(presences, i);
  }
  return presences;
}

/** Puts the hours of a person from `start` on, rising, as nearly always they were added. */
function putHours(byHour: ReadonlyMap<number, number>, hours: Int32Array, slots: Uint8Array, start: number): void {
  let at = start;
  let rising = true;
  // Going through a Map any other way makes an array of every entry.
  byHour.forEach((typed, hour) => {
    if (at > start && hour < hours[at - 1]!) rising = false;
    hours[at] = hour;
    slots[at++] = typed;
  });
  if (rising) return;
  hours.subarray(start, at).sort();
  for (let i = start; i < at; i++) slots[i] = byHour.get(hours[i]!)!;
}

function markOlder({ hours, starts, older, lately }: Presences, i: number): void {
  const end = starts[i + 1]!;
  for (let place = starts[i]!; place < end && hours[place]! < lately; place++) {
    const at = hours[place]! % WEEK_HOURS;
    older[i * OLDER_WORDS + Math.floor(at / OLDER_HOURS_PER_WORD)]! |= 1 << at % OLDER_HOURS_PER_WORD;
  }
}

/** Place of the first hour of the person that is not before `from`. */
export function placeOf({ hours, starts }: Presences, i: number, from: number): number {
  let low = starts[i]!;
  let high = starts[i + 1]!;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hours[middle]! < from) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The slots of the hour at `place` with those of short pauses, which may begin in the hour before or end in the one after. */
function filledAt({ hours, slots: typed, starts }: Presences, i: number, place: number): number {
  const hour = hours[place]!;
  const before = place > starts[i]! && hours[place - 1] === hour - 1 ? typed[place - 1]! : 0;
  const after = place + 1 < starts[i + 1]! && hours[place + 1] === hour + 1 ? typed[place + 1]! : 0;
  const slots = before | (typed[place]! << HOUR_BITS) | (after << (2 * HOUR_BITS));
  // One or two slots between typed ones, less than half an hour, are a pause at the desk.
  const beforeTwo = slots & (slots >> 3);
  return ((slots | ((slots << 1) & (slots >> 1)) | (beforeTwo << 1) | (beforeTwo << 2)) >> HOUR_BITS) & FULL_HOUR;
}

const byHourOfDay = new Int32Array(DAY_HOURS);

/** Puts the row of a person into what is known of the hours from `lately` on. */
function putRecent(presences: Presences, i: number): void {
  const { hours, slots, starts, lately, words, typed, typedWords, filled, worked, near } = presences;
  const row = i * words;
  const end = starts[i + 1]!;
  byHourOfDay.fill(0);
  let count = 0;
  let typedCount = 0;
  // The hour up to which `near` is marked.
  let marked = -1;
  for (let place = placeOf(presences, i, lately - DAY_SPAN_HOURS); place < end; place++) {
    const at = hours[place]! - lately;
    if (at >= 0) {
      const wordAt = Math.floor(at / HOURS_PER_WORD);
      const word = row + wordAt;
      const shift = HOUR_BITS * (at % HOURS_PER_WORD);
      typed[word]! |= slots[place]! << shift;
      typedWords[i]! |= 1 << wordAt;
      filled[word]! |= filledAt(presences, i, place) << shift;
      worked[word]! |= FULL_HOUR << shift;
      byHourOfDay[hours[place]! % DAY_HOURS]!++;
      count++;
      typedCount += bitsOf(slots[place]!);
    }
    markNear(near, row, Math.max(marked + 1, at - DAY_SPAN_HOURS), at + DAY_SPAN_HOURS);
    marked = at + DAY_SPAN_HOURS;
  }
  // Chance shares no slot that one of both did not type.
  presences.settled[i] = Math.max(TOGETHER_SLOTS, Math.ceil((SHARED_SHARE_MAX * 10 * typedCount + 1) / 10));
  presences.hourCounts[i] = count;
  countDays(byHourOfDay, presences.days, i * DAY_WORDS);
}

/** Marks all of the hours from `first` to `last`, both included, counted from the beginning of the row. */
function markNear(near: Int32Array, row: number, first: number, last: number): void {
  let word = row + Math.floor(first / HOURS_PER_WORD);
  let shift = HOUR_BITS * (first % HOURS_PER_WORD);
  for (let hour = first; hour <= last; hour++) {
    near[word]! |= FULL_HOUR << shift;
    shift += HOUR_BITS;
    if (shift < HOUR_BITS * HOURS_PER_WORD) continue;
    shift = 0;
    word++;
  }
}

/** Puts how many of the hours counted by hour of the day lie in the ONE_DAY_HOURS from each on, as `days` has it, from `at` on. */
export function countDays(counts: Int32Array, days: Int32Array, at: number): void {
  let within = 0;
  for (let hour = 0; hour < ONE_DAY_HOURS; hour++) within += counts[hour]!;
  for (let first = 0; first < DAY_HOURS; first++) {
    const word = at + Math.floor(first / COUNTS_PER_WORD);
    const shift = COUNT_BITS * (first % COUNTS_PER_WORD);
    days[word] = shift === 0 ? within : days[word]! | (within << shift);
    within += counts[(first + ONE_DAY_HOURS) % DAY_HOURS]! - counts[first]!;
  }
}

/** Whether at least so many hours of two people lie in the ONE_DAY_HOURS from any hour of the day on. Their rows of `days` begin at `a` and `b`. */
export function anyDayHolds(days: Int32Array, a: number, b: number, least: number): boolean {
  // A count that is as large reaches the top bit of its place.
  const missing = EVERY_COUNT * (TOP_OF_COUNT - Math.ceil(least));
  for (let word = 0; word < DAY_WORDS; word++) if (((days[a + word]! + days[b + word]! + missing) & (EVERY_COUNT * TOP_OF_COUNT)) !== 0) return true;
  return false;
}
