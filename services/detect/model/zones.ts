/** UTC offsets of IANA zones at a time, from the runtime's own tables. Pure but for a bounded memo. */
import { HOUR_MS } from '../fleet/minutes.ts';

const MEMO_MAX = 4096;
const formatters = new Map<string, Intl.DateTimeFormat | null>();
const memo = new Map<string, number | null>();

function formatterOf(zone: string): Intl.DateTimeFormat | null {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    try {
      formatter = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    } catch {
      formatter = null; // An unknown zone: nothing can be said from it.
    }
    if (formatters.size >= MEMO_MAX) formatters.clear();
    formatters.set(zone, formatter);
  }
  return formatter;
}

/** Hours east of UTC at a time (daylight saving included, to the hour of the day); null for an unknown zone. */
export function utcOffsetHours(zone: string, at: number): number | null {
  const hour = Math.floor(at / HOUR_MS);
  const key = `${zone}@${hour}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const text = formatterOf(zone)
    ?.formatToParts(hour * HOUR_MS)
    .find((part) => part.type === 'timeZoneName')?.value;
  let offset: number | null = null;
  if (text !== undefined) {
    const match = /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(text);
    if (match) offset = match[1] === undefined ? 0 : (match[1] === '-' ? -1 : 1) * (Number(match[2]) + Number(match[3]) / 60);
  }
  if (memo.size >= MEMO_MAX) memo.clear();
  memo.set(key, offset);
  return offset;
}
