/** One working day of one workstation: its sessions, breaks and labels. */
import { Prng } from '#lib/kernel/prng.ts';
import type { Scene, SessionPlan, Workstation } from './draft.ts';
import { hex } from './person.ts';
import { localTime } from './zones.ts';

const DAY = 24 * 3_600_000;
const HOUR = 3_600_000;

/** The same for the same person and day, however often it is asked; a pure function of its arguments. */
export function planDay(person: Workstation, day: number, scene: Scene): SessionPlan[] {
  const dayUtc = scene.startAt + day * DAY;
  const weekday = new Date(dayUtc).getUTCDay();
  if ((weekday === 0 || weekday === 6) && !person.hours.weekend) return [];
  const stream = `${person.stream}/day${day}`;
  const prng = new Prng(scene.seed, stream);
  const { timeZone, startHour, lengthHours } = person.hours;
  const startAt = Math.round(localTime(timeZone, dayUtc, startHour) + prng.normal(0, person.hours.scatterMinutes) * 60_000);
  const endAt = Math.round(startAt + lengthHours * HOUR * prng.uniform(0.95, 1));
  const lunchAt = startAt + (endAt - startAt) * prng.uniform(0.4, 0.55);
  const lunch: [number, number] = [lunchAt, lunchAt + prng.uniform(25, 60) * 60_000];
  const sessions: SessionPlan[] = [];
  // A quarter of the days falls into two logins, before and after lunch.
  if (lengthHours >= 6 && prng.chance(0.25)) {
    sessions.push(session(person, `${stream}/s0`, startAt, Math.round(lunch[0]), prng));
    sessions.push(session(person, `${stream}/s1`, Math.round(lunch[1]), endAt, prng));
  } else {
    sessions.push(session(person, `${stream}/s0`, startAt, endAt, prng));
    if (lengthHours >= 5) sessions[0]!.breaks.push(lunch);
  }
  person.daily?.(sessions, day, prng);
  return sessions;
}

function session(person: Workstation, stream: string, startAt: number, endAt: number, prng: Prng): SessionPlan {
  const sessionId = `s-${hex(prng, 12)}`;
  const { tenantId } = person.tenant;
  const breaks: [number, number][] = [];
  for (let at = startAt + prng.exponential(80) * 60_000; at < endAt; at += prng.exponential(80) * 60_000) {
    breaks.push([at, (at += prng.uniform(4, 16) * 60_000)]);
  }
  return {
    label: {
      tenantId,
      sessionId,
      remote: person.remote,
      kind: person.kind,
      startsAt: person.remote ? startAt : null,
      hiddenLegMs: Math.round(person.hiddenLegMs * 10) / 10,
      foreignSource: person.link.source.country !== person.declared.country,
    },
    tenantId,
    sessionId,
    deviceId: person.deviceId,
    userId: person.userId,
    vantageId: person.vantage.id,
    stream,
    startAt,
    endAt,
    breaks,
    activity: person.activity,
    intervalMs: person.intervalMs,
    sampleEveryMs: person.sampleEveryMs,
    sensor: person.sensor,
    latencyClock: person.latencyClock,
    clockErrorMs: person.clockErrorMs,
    clockSkewMs: person.clockSkewMs,
    links: [person.link],
    drivers: [person.driver],
  };
}
