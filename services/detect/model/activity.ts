/** When a person is active: minutes with keystrokes per hour of the week, UTC; integer counts that forget by halves. */
import { DAY_MS, HOUR_MS } from '../fleet/minutes.ts';
import { Spares } from './spares.ts';
import type { HoursView } from './view.ts';

export interface Activity {
  days: number;
  /** Number of the last day with typing (UTC days since the epoch); −1 for none. */
  lastDay: number;
  counts: Uint16Array;
  /** Transient: sum of the counts. */
  minutes: number;
}

export const WEEK_HOURS = 168;
/** 1 January 1970 was a Thursday; hour 0 is Monday, 0:00 UTC. */
const THURSDAY = 72;
/** Active minutes beyond which all counts are halved: some weeks of work. */
const MINUTES_MAX = 6000;

const spare = new Spares<Activity>(() => ({ days: 0, lastDay: -1, counts: new Uint16Array(WEEK_HOURS), minutes: 0 }), (activity) => {
  activity.counts.fill(0);
  activity.minutes = 0;
  activity.days = 0;
  activity.lastDay = -1;
});

export const newActivity = (): Activity => spare.take();

/** Hands back one that nobody holds any more. */
export const releaseActivity = (activity: Activity): void => spare.release(activity);

export function minutesOf({ counts }: Pick<Activity, 'counts'>): number {
  let minutes = 0;
  for (let i = 0; i < WEEK_HOURS; i++) minutes += counts[i]!;
  return minutes;
}

/** Hour of the week of a time, epoch ms. */
export const hourOfWeek = (at: number): number => (Math.floor(at / HOUR_MS) + THURSDAY) % WEEK_HOURS;

/** Counts a minute in which the person typed; `start` is its beginning, epoch ms. */
export function countMinute(activity: Activity, start: number): void {
  const day = Math.floor(start / DAY_MS);
  if (day > activity.lastDay) {
    activity.days = Math.min(0xffff, activity.days + 1);
    activity.lastDay = day;
    if (activity.minutes > MINUTES_MAX) {
      for (let i = 0; i < WEEK_HOURS; i++) activity.counts[i]! >>= 1;
      activity.minutes = minutesOf(activity);
    }
  }
  const hour = hourOfWeek(start);
  if (activity.counts[hour]! >= 0xffff) return;
  activity.counts[hour]!++;
  activity.minutes++;
}

export function hoursView(activity: Activity | null, { sessionStart, moved }: Pick<HoursView, 'sessionStart' | 'moved'>): HoursView | null {
  return activity === null ? null : { days: activity.days, minutes: activity.minutes, counts: activity.counts, sessionStart, moved };
}
