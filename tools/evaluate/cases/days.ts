/** Working days of the evaluation, and changes to what a person does on them. */
import type { Prng } from '#lib/kernel/prng.ts';
import type { SessionPlan, Workstation } from '../../simulate/draft.ts';
import { localTime } from '../../simulate/zones.ts';

const DAY_MS = 24 * 3_600_000;

/** Calendar day (from a Monday) of the n-th working day. */
export const calendarDay = (workday: number): number => 7 * Math.floor(workday / 5) + (workday % 5);
/** Working day of a calendar day; fractional on weekends. */
export const workday = (day: number): number => 5 * Math.floor(day / 7) + Math.min(4.5, day % 7);

type Daily = NonNullable<Workstation['daily']>;

/** Adds a change to the day after those that are there already. */
export function onDays(person: Workstation, change: Daily): void {
  const before = person.daily;
  person.daily = before === null ? change : (sessions, day, prng) => {
    before(sessions, day, prng);
    change(sessions, day, prng);
  };
}

/** The person is seen on working days [first, end) only. */
export function activeOn(person: Workstation, first: number, end: number): void {
  onDays(person, (sessions, day) => {
    const at = workday(day);
    if (at < first || at >= end) sessions.length = 0;
  });
}

export interface Hours {
  timeZone: string;
  startHour: number;
  lengthHours: number;
}

/** One session at other hours than the person's own. */
export function workAt(sessions: SessionPlan[], { timeZone, startHour, lengthHours }: Hours, dayUtc: number, prng: Prng): void {
  const [session] = sessions;
  if (session === undefined) return;
  sessions.length = 1;
  const startAt = Math.round(localTime(timeZone, dayUtc, startHour) + prng.normal(0, 4) * 60_000);
  const endAt = Math.round(startAt + lengthHours * 3_600_000);
  const wasLong = session.endAt - session.startAt;
  const scale = (at: number): number => startAt + ((at - session.startAt) / wasLong) * (endAt - startAt);
  session.breaks = session.breaks.map(([from, to]) => [scale(from), scale(to)]);
  session.startAt = startAt;
  session.endAt = endAt;
  if (session.label.startsAt !== null) session.label.startsAt = startAt;
}

export const dayUtcOf = (startAt: number, day: number): number => startAt + day * DAY_MS;
