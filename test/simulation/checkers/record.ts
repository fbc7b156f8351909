/** How the checkers name and compare records: by key, value and timestamp, to the byte. */
import { createHash } from 'node:crypto';
import type { LogRecord } from '#lib/log/log.ts';

export function digest({ key, value, timestampMs }: LogRecord): string {
  const hash = createHash('sha1');
  hash.update(key ?? '').update('\0').update(value ?? '').update(`\0${timestampMs}`);
  return hash.digest('base64');
}

/** The first difference of two lists, in words; null where there is none. */
export function firstDifference(expected: readonly string[], found: readonly string[]): string | null {
  const length = Math.max(expected.length, found.length);
  for (let at = 0; at < length; at++) {
    if (expected[at] === found[at]) continue;
    const counts = `${expected.length} expected, ${found.length} found`;
    if (at >= expected.length) return `${counts}; more than expected from ${at} on${expected.includes(found[at]!) ? ' (a repetition)' : ''}`;
    if (at >= found.length) return `${counts}; missing from ${at} on`;
    const why = expected.indexOf(found[at]!) > at ? 'something before it is missing' : expected.includes(found[at]!) ? 'it is repeated' : 'it is unknown';
    return `${counts}; number ${at} differs: ${why}`;
  }
  return null;
}
