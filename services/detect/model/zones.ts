/** UTC offsets of IANA zones at a time, from the runtime's own tables. Pure but for a bounded memo. */
import { HOUR_MS } from '../fleet/minutes.ts';
import { remembered } from './remembered.ts';

const ZONES_MAX = 4096;
const HOURS_MAX = 256;

const formatterOf = remembered(ZONES_MAX, (zone: string): Intl.DateTimeFormat | null => {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
  } catch {
    return null; // An unknown zone: nothing can be said from it.
  }
});

/** By zone, then by hour since the epoch. */
const offsetsOf = remembered(ZONES_MAX, (zone: string) => remembered(HOURS_MAX, (hour: number) => offsetAt(zone, hour)));

/** Hours east of UTC at a time (daylight saving included, to the hour of the day); null for an unknown zone. */
export const utcOffsetHours = (zone: string, at: number): number | null => offsetsOf(zone)(Math.floor(at / HOUR_MS));

function offsetAt(zone: string, hour: number): number | null {
  const text = formatterOf(zone)
    ?.formatToParts(hour * HOUR_MS)
    .find((part) => part.type === 'timeZoneName')?.value;
  const match = text === undefined ? null : /^GMT(?:([+-])(\d\d):(\d\d))?/.exec(text);
  if (match === null) return null;
  return match[1] === undefined ? 0 : (match[1] === '-' ? -1 : 1) * (Number(match[2]) + Number(match[3]) / 60);
}
