/** Minutes of an hour as two words of 30 bits: small, exact, and merged by OR, in whatever order. */
export type Minutes = [number, number];

export const MINUTES_PER_WORD = 30;
export const DAY_MS = 86_400_000;
export const HOUR_MS = 3_600_000;
export const MINUTE_MS = 60_000;

export const hourOf = (at: number): number => Math.floor(at / HOUR_MS) * HOUR_MS;

/** Marks the minute that begins at `start`, epoch ms. */
export function markMinute(minutes: Minutes, start: number): void {
  const minute = Math.floor(start / MINUTE_MS) % 60;
  if (minute < MINUTES_PER_WORD) minutes[0] |= 1 << minute;
  else minutes[1] |= 1 << (minute - MINUTES_PER_WORD);
}

/** Set bits of 32. */
export function bitsOf(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Place of the lowest set bit of a word that is not 0. */
export const lowestBit = (word: number): number => 31 - Math.clz32(word & -word);

export function countMinutes(minutes: readonly number[]): number {
  let count = 0;
  for (let i = 0; i < minutes.length; i++) count += bitsOf(minutes[i]!);
  return count;
}
