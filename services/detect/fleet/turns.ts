/**
 * Do several people behind one subject type together or in turn? Followed minute by minute through a working day, which
 * ends with a pause of four hours in which nobody types.
 *
 * A run is a stretch of one person's typing that no hour-long pause and nobody else's turn divides. The null puts the
 * runs of the people independently into sixteen waking hours: of W minutes, runs of lengths l₁ … l_R of n people who do not
 * overlap with themselves anyhow stay apart with probability (W − Σl)^R / Π_i (W − L_i)^(r_i). Where single minutes are
 * strewn, few of them meet anyhow: the chance is never said to be less than that of so few minutes together, if as many
 * as independence gives were expected (Poisson). People who share a working day overlap more than either, so the null is
 * generous.
 */
import { lowestBit, MINUTES_PER_WORD } from './minutes.ts';

export interface TurnMember {
  key: string;
  /** Minutes typed, stretches of typing and their length, of the day; the last minute (number since the epoch) of any. */
  minutes: number;
  runs: number;
  length: number;
  last: number;
  /** Minutes in which somebody else typed too. */
  shared?: number;
}

export interface TurnDay {
  /** Number of the first and of the last minute with typing; −1 for none. */
  first: number;
  last: number;
  /** Minutes in which two or more typed. */
  together: number;
  /** Who had the last run to themselves; empty where several did. */
  actor: string;
  members: TurnMember[];
}

export interface TurnFigures {
  /** People who typed for at least MINUTES_MIN. */
  people: number;
  minutes: number;
  together: number;
  /** Minutes together that independence would give. */
  expected: number;
  runs: number;
  /** log10 of the probability that so many runs stay apart by chance, hundredths; 0 where they did not. */
  log10Apart: number;
}

const ALL_MINUTES = 2 ** MINUTES_PER_WORD - 1;
const PAUSE_MINUTES = 60;
const DAY_ENDS_MINUTES = 240;
const WAKING_MINUTES = 960;
const MINUTES_MIN = 10;
/** Of all minutes, so many may be shared by people who are said to be apart: hands over, clocks differ. */
const SHARED_MAX = 0.03;
const SHARED_MINUTES_MAX = 2;
const LOG10_LEAST = -600;

export const newTurnDay = (): TurnDay => ({ first: -1, last: -1, together: 0, actor: '', members: [] });

/** Whether a day that was last typed in at `day.last` is over when an hour begins. */
export const isDayOver = (day: TurnDay, hourStart: number): boolean => day.last >= 0 && hourStart / 60_000 - day.last > DAY_ENDS_MINUTES;

/** Adds an hour. `typed`: minutes of the hour by person; sorted by key. */
export function addHour(day: TurnDay, hourStart: number, typed: readonly { key: string; minutes: readonly number[] }[]): void {
  const base = hourStart / 60_000;
  const members = typed.map(({ key }) => memberOf(day, key));
  for (let word = 0; word < 2; word++) {
    let any = 0;
    for (let i = 0; i < typed.length; i++) any |= typed[i]!.minutes[word] ?? 0;
    for (let left = any & ALL_MINUTES; left !== 0; left &= left - 1) {
      const bit = lowestBit(left);
      addMinuteOfAll(day, base + word * MINUTES_PER_WORD + bit, typed, members, word, 1 << bit);
    }
  }
}

/** Adds a minute in which somebody typed: `mark` in the `word` of their minutes. */
function addMinuteOfAll(day: TurnDay, at: number, typed: readonly { key: string; minutes: readonly number[] }[], members: readonly TurnMember[], word: number, mark: number): void {
  let active = 0;
  let actor = '';
  for (let i = 0; i < typed.length; i++) {
    if (((typed[i]!.minutes[word] ?? 0) & mark) === 0) continue;
    active++;
    actor = typed[i]!.key;
    addMinute(day, members[i]!, at);
  }
  if (day.first < 0) day.first = at;
  day.last = at;
  day.actor = active === 1 ? actor : '';
  if (active <= 1) return;
  day.together++;
  for (let i = 0; i < typed.length; i++) if (((typed[i]!.minutes[word] ?? 0) & mark) !== 0) members[i]!.shared = (members[i]!.shared ?? 0) + 1;
}

function memberOf(day: TurnDay, key: string): TurnMember {
  let member = day.members.find((known) => known.key === key);
  if (member === undefined) day.members.push((member = { key, minutes: 0, runs: 0, length: 0, last: -1 }));
  return member;
}

function addMinute(day: TurnDay, member: TurnMember, at: number): void {
  const between = day.actor !== '' && day.actor !== member.key && day.last > member.last;
  const begins = member.last < 0 || at - member.last > PAUSE_MINUTES || between;
  member.length += begins ? 1 : at - member.last;
  if (begins) member.runs++;
  member.minutes++;
  member.last = at;
}

export function turnFigures({ members, together }: TurnDay): TurnFigures {
  const counted = members.filter((member) => member.minutes >= MINUTES_MIN);
  let minutes = 0;
  let runs = 0;
  let length = 0;
  let alone = 1;
  for (const member of counted) {
    minutes += member.minutes;
    runs += member.runs;
    length += member.length;
    alone *= 1 - Math.min(1, member.minutes / WAKING_MINUTES);
  }
  const expected = Math.max(0, minutes - WAKING_MINUTES * (1 - alone));
  const apart = counted.length >= 2 && together <= Math.max(SHARED_MINUTES_MAX, SHARED_MAX * minutes);
  const chance = apart ? Math.max(log10Apart(counted, runs, length), log10AtMost(together, expected)) : 0;
  return { people: counted.length, minutes, together, expected: Math.round(expected), runs, log10Apart: chance };
}

/** Of one person's minutes of the day, those in which others typed too, and how many independence would give. */
export function sharedOf({ members }: TurnDay, key: string): { shared: number; expected: number } {
  const own = members.find((member) => member.key === key);
  if (own === undefined) return { shared: 0, expected: 0 };
  let alone = 1;
  for (const member of members) if (member !== own) alone *= 1 - Math.min(1, member.minutes / WAKING_MINUTES);
  return { shared: own.shared ?? 0, expected: own.minutes * (1 - alone) };
}

/** Poisson: log10 P(X ≤ count) in hundredths. */
function log10AtMost(count: number, mean: number): number {
  let term = 1;
  let sum = 1;
  for (let i = 1; i <= count; i++) {
    term *= mean / i;
    sum += term;
  }
  return Math.max(LOG10_LEAST, Math.round(Math.min(0, Math.log10(sum) - mean * Math.LOG10E) * 100));
}

function log10Apart(members: readonly TurnMember[], runs: number, length: number): number {
  const left = Math.max(1, WAKING_MINUTES - length);
  let log10P = runs * Math.log10(left);
  for (const member of members) log10P -= member.runs * Math.log10(Math.max(1, WAKING_MINUTES - member.length));
  return Math.max(LOG10_LEAST, Math.round(Math.min(0, log10P) * 100));
}
