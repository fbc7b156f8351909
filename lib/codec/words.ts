/**
 * Four bytes at a time, as little-endian words of 32 bits: what a byte is is told for all four at once, so that names and
 * texts take a step for four bytes and no branch for every one of them (SWAR; Mycroft 1987, Warren, Hacker's Delight, 6-1). Each mask has the high
 * bit of the bytes that were looked for; of these the lowest is right, higher ones may be wrong by a carry.
 */

/** Of a mask that is not 0: how many bits lie before the lowest byte that is marked (0, 8, 16 or 24). */
export function bitsBefore(mask: number): number {
  return 24 - Math.clz32(mask & -mask);
}

/** Marks what ends a plain JSON string or makes it less plain: quotes, backslashes, control characters, and all that is no ASCII. */
export function nonPlain(word: number): number {
  const quote = word ^ 0x22222222;
  const backslash = word ^ 0x5c5c5c5c;
  return (((word - 0x20202020) & ~word) | ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash) | word) & 0x80808080 | 0;
}

/**
 * Source of a JavaScript expression that is true where `text` (ASCII, 4 bytes or more) stands at `at` of the DataView `view`. There
 * have to be as many bytes.
 */
export function sourceOfEqual(text: string, view: string, at: string): string {
  const bytes = Buffer.from(text, 'latin1');
  const words: string[] = [];
  for (let i = 0; i < bytes.length; i += 4) {
    const from = Math.min(i, bytes.length - 4); // the last word may overlap the one before
    words.push(`${view}.getInt32(${at} + ${from}, true) === ${bytes.readInt32LE(from)}`);
  }
  return words.join(' && ');
}
