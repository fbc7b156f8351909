/** UTC offsets of IANA zones at a time, from the runtime's own tables. Pure but for a bounded memo. */
import { HOUR_MS } from '../fleet/minutes.ts';

const MEMO_MAX = 4096;
const HOURS_MAX = 256;
const formatters = new Map<string, Intl.DateTimeFormat | null>();
/** By zone, then by hour since the epoch. */
const memo = new Map<string, Map<number, number | null>>();

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
  let hours = memo.get(zone);
  if (hours === undefined) {
    if (memo.size >= MEMO_MAX) memo.clear();
    memo.set(zone, (hours = new Map()));
  }
  let offset = hours.get(hour);
  if (offset === undefined) {
    offset = offsetAt(zone, hour);
    if (hours.size >= HOURS_MAX) hours.clear();
    hours.set(hour, offset);
  }
  return offset;
}

function offsetAt(zone: string, hour: number): number | null {
  const text = formatterOf(zone)
    ?.formatToParts(hour * HOUR_MS)
    .find((part) => part.type === 'timeZoneName')?.value;
  const match = text === undefined ? null : /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(text);
  if (match === null) return null;
  return match[1] === undefined ? 0 : (match[1] === '-' ? -1 : 1) * (Number(match[2]) + Number(match[3]) / 60);
}
