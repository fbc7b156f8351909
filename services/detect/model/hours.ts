/**
 * Hours.
 *
 * Hypothesis: the person works the day of another zone than the declared one.
 * Statistic: circular mean of the active minutes over the hours of the week (UTC), as the zone whose clock would put the
 *   middle of the working day at 13:15; its distance from the declared zone's offset, which is asked for the end of the
 *   window, so that daylight saving is in it. Only where the activity gathers in one part of the day.
 *   And whether the session has come to an hour outside of those that the person has kept so far, three hours granted on either side; or
 *   had kept until some days ago, where the last days were the first at such an hour.
 * Null: share of honest people who live so far off their own clock: night owls and shift workers. No measurement of it is
 *   at hand; the shares are the configured prior, from the 3% of a fleet that work nights. A session outside of hours that had been
 *   regular for days is a fact with a stated share of honest session-days.
 * Reference: the assignment's zone, the operating system's where the assignment names none.
 * Cost: a shift worker's rhythm is honest and looks the same, so it is weak and opens nothing alone; people who change
 *   shifts have no common hours and stay quiet. After a change of daylight saving the old hours blur the mean by an hour.
 */
import { HOUR_MS } from '../fleet/minutes.ts';
import { log10Share } from './null-table.ts';
import { WEEK_HOURS, hourOfWeek } from './activity.ts';
import { NO_DATA, QUIET, type Answer, type Reading, type SignalDescription, rounded, strengthOfP, strengthOfShare, thousands } from './reading.ts';
import type { HoursView, SessionView, SignalParameters } from './view.ts';
import { utcOffsetHours } from './zones.ts';

export const hoursSignal: SignalDescription = {
  name: 'hours',
  family: 'time',
  weight: 1,
  needs: 'typing',
  speaksFor: { REMOTE_OPERATOR: 0.6, DEVICE_ELSEWHERE: 0.3, ACCOUNT_HANDOVER: 0.1 },
};

const MIDDLE_OF_DAY = 13.25;
const DAY_HOURS = 24;
/** Length of the mean direction below which there are no common hours (a working day of 9 hours has 0.78). */
const GATHERED_MIN = 0.5;
const STRENGTH_MAX = 0.9;
const STRENGTH_MIN = 0.3;

/** Share of honest session-days, of people with regular hours, that come to an hour so far outside of these: a stated prior. */
const OUTSIDE_SHARE = 0.005;
/** The same of days whose hour is one that only the days before, at most LATELY_DAYS_MAX of them, have brought. */
const LATELY_SHARE = 0.01;
const LATELY_DAYS_MAX = 4;
/** Minutes near an hour that make a day one of those. */
const DAY_MINUTES_MIN = 5;
const OUTSIDE_MARGIN_HOURS = 3;
/** Most of the earlier activity that may lie near the present hour. */
const OUTSIDE_NEAR_MAX = 0.02;
const OUTSIDE_MINUTES_MIN = 90;
/** A session may be so long, hours; a longer one has no hours of its own. */
const OUTSIDE_SESSION_MAX = 12;

export interface BestZone {
  /** Hours east of UTC, −12…14, in quarters of an hour's precision. */
  offsetHours: number;
  /** Length of the mean direction, 0…1. */
  gathered: number;
}

/** Direction of the middle of each hour on the clock. */
const ANGLES = Array.from({ length: DAY_HOURS }, (_, hour) => (2 * Math.PI * (hour + 0.5)) / DAY_HOURS);
/** By hour of the week. */
const COSINES = Float64Array.from({ length: WEEK_HOURS }, (_, hour) => Math.cos(ANGLES[hour % DAY_HOURS]!));
const SINES = Float64Array.from({ length: WEEK_HOURS }, (_, hour) => Math.sin(ANGLES[hour % DAY_HOURS]!));

/** The zone in which the activity is a working day. `counts`: active minutes per hour of the week, UTC. */
export function bestZone(counts: Uint16Array): BestZone {
  let x = 0;
  let y = 0;
  let all = 0;
  for (let hour = 0; hour < WEEK_HOURS; hour++) {
    const count = counts[hour]!;
    // Most hours of a week have none, and adding nothing changes no sum.
    if (count === 0) continue;
    x += count * COSINES[hour]!;
    y += count * SINES[hour]!;
    all += count;
  }
  const middleUtc = (Math.atan2(y, x) * DAY_HOURS) / (2 * Math.PI);
  return { offsetHours: wrapped(MIDDLE_OF_DAY - middleUtc), gathered: all === 0 ? 0 : Math.hypot(x, y) / all };
}

/** Into −12 (exclusive) … 12 hours. */
function wrapped(hours: number): number {
  const rest = (((hours + 12) % DAY_HOURS) + DAY_HOURS) % DAY_HOURS;
  return rest - 12;
}

const zoneText = (hours: number): string => `UTC${hours < 0 ? '−' : '+'}${Math.abs(Math.round(hours))}`;

/** What the person did before this session, and before the days that brought its hour: minutes, how many of them lie near the present hour of the day, and how gathered they are. */
interface Earlier {
  minutes: number;
  near: number;
  gathered: number;
  /** Days that are left out, because they have the present hour and none before had it. */
  lately: number;
}

/** How many days ago, of the last six, the person was first active near this hour of the day; 0 where on none. */
function daysBackNear(counts: Uint16Array, now: number, isOwn: (hour: number) => boolean): number {
  for (let day = 6; day > 0; day--) {
    let minutes = 0;
    for (let off = -OUTSIDE_MARGIN_HOURS; off <= OUTSIDE_MARGIN_HOURS; off++) {
      const hour = (now - DAY_HOURS * day + off + WEEK_HOURS) % WEEK_HOURS;
      if (!isOwn(hour)) minutes += counts[hour]!;
    }
    if (minutes >= DAY_MINUTES_MIN) return day;
  }
  return 0;
}

/** Null where the session lies within the person's hours, which a look at its present hour nearly always tells, or has none. */
function outsideOfHours({ counts, sessionStart }: HoursView, windowEnd: number): Earlier | null {
  const span = Math.floor((windowEnd - 1) / HOUR_MS) - Math.floor(sessionStart / HOUR_MS) + 1;
  const first = hourOfWeek(sessionStart);
  const present = (first + span - 1) % DAY_HOURS;
  const isOwn = (hour: number): boolean => (hour - first + WEEK_HOURS) % WEEK_HOURS < span;
  const now = hourOfWeek(windowEnd - 1);
  const lately = daysBackNear(counts, now, isOwn);
  if (span > OUTSIDE_SESSION_MAX || lately > LATELY_DAYS_MAX) return null;
  // Days are known by their weekday: one that is left out is left out of earlier weeks too.
  const leftOut = lately === 0 ? 0 : (lately + 0.5) * DAY_HOURS;
  const earlier = { minutes: 0, near: 0, gathered: 0, lately };
  let [x, y] = [0, 0];
  for (let hour = 0; hour < WEEK_HOURS; hour++) {
    const count = counts[hour]!;
    if (count === 0 || isOwn(hour) || (now - hour + WEEK_HOURS) % WEEK_HOURS < leftOut) continue;
    earlier.minutes += count;
    if ((hour - present + OUTSIDE_MARGIN_HOURS + WEEK_HOURS) % DAY_HOURS <= 2 * OUTSIDE_MARGIN_HOURS) earlier.near += count;
    x += count * COSINES[hour]!;
    y += count * SINES[hour]!;
  }
  earlier.gathered = earlier.minutes === 0 ? 0 : Math.hypot(x, y) / earlier.minutes;
  return earlier;
}

function outside(view: SessionView, activity: HoursView, { daysMin }: SignalParameters['config']['hours']): Reading | null {
  if (activity.days <= daysMin || activity.moved) return null;
  const earlier = outsideOfHours(activity, view.windowEnd);
  if (earlier === null || earlier.minutes < OUTSIDE_MINUTES_MIN || earlier.gathered < GATHERED_MIN || earlier.near > OUTSIDE_NEAR_MAX * earlier.minutes) return null;
  const share = earlier.near / earlier.minutes;
  const { lately } = earlier;
  const honest = lately === 0 ? OUTSIDE_SHARE : LATELY_SHARE;
  return {
    strength: strengthOfShare(honest),
    ubiquitous: true,
    observed: rounded(share),
    expected: OUTSIDE_NEAR_MAX,
    unit: 'share',
    samples: earlier.minutes,
    windowStart: activity.sessionStart,
    windowEnd: view.windowEnd,
    explanation: `The session has come to an hour outside of this user's own: of ${thousands(earlier.minutes)} active minutes on ${lately === 0 ? 'earlier days' : `days before the last ${lately}, which brought it,`} ${rounded(100 * share, 1)}% fell within ${OUTSIDE_MARGIN_HOURS} hours of it by the clock, although they gather in one part of the day; about ${100 * honest}% of honest days of people with regular hours do, so this adds to other evidence and opens nothing alone.`,
  };
}

export function hours(view: SessionView, parameters: SignalParameters): Answer {
  const strange = view.hours === null ? null : outside(view, view.hours, parameters.config.hours);
  return strange ?? ofZone(view, parameters);
}

function ofZone(view: SessionView, { config }: SignalParameters): Answer {
  const activity = view.hours;
  const zone = view.declared?.timeZone ?? view.sighting?.osTimeZone ?? null;
  if (activity === null || zone === null || !isKnown(activity, config.hours)) return NO_DATA;
  const declaredOffset = utcOffsetHours(zone, view.windowEnd);
  if (declaredOffset === null) return NO_DATA;
  const best = bestZone(activity.counts);
  if (best.gathered < GATHERED_MIN) return QUIET;
  const away = Math.abs(wrapped(best.offsetHours - declaredOffset));
  // Nearly everybody is nearer than the first point.
  if (away < config.hours.tail[0]!.hours) return QUIET;
  const log10P = log10Share(config.hours.tail.map(({ hours: value, share }) => [value, share]), away);
  const strength = Math.min(STRENGTH_MAX, strengthOfP(log10P));
  if (strength < STRENGTH_MIN) return QUIET;
  const [sleepFrom, sleepTo] = [0, 6];
  const night = nightShare(activity.counts, declaredOffset, sleepFrom, sleepTo);
  return {
    strength,
    ubiquitous: true,
    observed: rounded(away, 2),
    expected: config.hours.tail[0]!.hours,
    unit: 'hours',
    samples: activity.minutes,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `Over ${activity.days} days (${thousands(activity.minutes)} active minutes) the working day fits ${zoneText(best.offsetHours)} best, ${rounded(away, 1)} hours from the declared zone ${zone} (${zoneText(declaredOffset)}), where ${Math.round(night * 100)}% of the activity would fall between midnight and 6:00; a share of ${(10 ** log10P).toExponential(1)} of honest people, among them night owls and shift workers, is so far off, so this adds to other evidence and opens nothing alone.`,
  };
}

const isKnown = ({ days, minutes }: HoursView, settings: SignalParameters['config']['hours']): boolean => days >= settings.daysMin && minutes >= settings.minutesMin;

/** Share of the activity between two local hours. */
function nightShare(counts: Uint16Array, offsetHours: number, from: number, to: number): number {
  let night = 0;
  let all = 0;
  for (let hour = 0; hour < counts.length; hour++) {
    const local = (((hour + offsetHours) % DAY_HOURS) + DAY_HOURS) % DAY_HOURS;
    all += counts[hour]!;
    if (local >= from && local < to) night += counts[hour]!;
  }
  return all === 0 ? 0 : night / all;
}
