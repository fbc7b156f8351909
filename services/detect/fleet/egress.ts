/** A source network that several people share: who they are, where they are declared, whether they type together or in turn. */
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { DAY_MS } from './minutes.ts';
import { NO_AREA } from './areas.ts';
import { GAP_HOURS_MAX, gatewaySummary, gatewayValues, mayBeGateway } from './gateway.ts';
import type { Closing, SubjectKind } from './kind.ts';
import { eraseFromHours, forgetUnseen, isDeserted, mergeMember, newHourOfMembers, sortedMembers, type HourOfMembers, type MemberHour } from './members.ts';
import { memberKey } from './subjects.ts';
import { addHour, isDayOver, newTurnDay, sharedOf, turnFigures, type TurnDay, type TurnFigures } from './turns.ts';

interface EgressMember {
  tenantId: string;
  userId: string;
  devices: string[];
  lastAt: number;
  days: number;
  lastDay: number;
  area: [number, number];
  shippedTo: number;
  /** Low gaps of the last hours (cohort.ts: gapValue), newest last. */
  gaps?: number[];
  /** Of the days that are over: minutes in which others typed too, and those that chance would give. */
  shared?: { shared: number; expected: number };
  /** What was told last. */
  told: string;
}

export interface EgressMemory {
  category: number;
  members: Map<string, EgressMember>;
  /** Until when more people than could be kept were seen, epoch ms; 0 for never. */
  crowdUntil: number;
  day: TurnDay;
  /** Days that are over, newest last. */
  days: TurnFigures[];
  /** What everybody was told last of the network as a gateway; absent for nothing. */
  gateway?: string;
}

const DEVICES_MAX = 4;
const DAYS_MAX = 7;
/** What stays the same is told again this often, so that nobody forgets what still holds, ms. */
export const TOLD_AGAIN_MS = 2 * DAY_MS;
/** Declared places further apart than this are different places, km. */
const AREA_KM = 60;
const AREAS_MAX = 12;
/** Minutes together by chance from which a person's own share says something. */
export const OWN_EXPECTED_MIN = 3;

/** What the fact says, in the order of its values. */
export interface EgressFigures {
  category: number;
  /** People and devices of the last days; `crowd`: there were more than are kept. */
  users: number;
  devices: number;
  crowd: boolean;
  /** Declared places, those within AREA_KM taken together. */
  areas: number;
  /** Different places that their devices were sent to; 0 where none is known. */
  shipTos: number;
  /** Days on which at least two typed, and of those the ones on which they stayed apart. */
  days: number;
  daysApart: number;
  /** Of the typical such day (by log10Apart): people, minutes typed, minutes together, those that chance would give, turns. */
  people: number;
  minutes: number;
  together: number;
  expected: number;
  turns: number;
  /** log10 of the chance that so many turns stay apart. */
  log10Apart: number;
  /** Of the person's own minutes there, those in which others typed too, and those that chance would give. */
  ownShared: number;
  ownExpected: number;
}

export function readEgress(values: readonly number[]): EgressFigures {
  const at = (place: number): number => values[place] ?? 0;
  return {
    category: at(0),
    users: at(1),
    devices: at(2),
    crowd: at(3) === 1,
    areas: at(4),
    shipTos: at(5),
    days: at(6),
    daysApart: at(7),
    people: at(8),
    minutes: at(9),
    together: at(10),
    expected: at(11),
    turns: at(12),
    log10Apart: at(13) / 100,
    ownShared: at(14),
    ownExpected: at(15),
  };
}

export const egressKind: SubjectKind<HourOfMembers, EgressMemory> = {
  newHour: newHourOfMembers,
  merge: (hour, report, settings) => mergeMember(hour, report, settings.membersMax),
  newMemory: () => ({ category: 0, members: new Map(), crowdUntil: 0, day: newTurnDay(), days: [] }),
  close(memory, hour, closing) {
    const { windowStart, settings } = closing;
    if (isDayOver(memory.day, windowStart)) endDay(memory);
    const present = sortedMembers(hour);
    for (const member of present) remember(memory, member, windowStart);
    forgetUnseen(memory.members, windowStart, settings.memoryMs);
    bound(memory, settings.membersMax, windowStart);
    if (hour.beyond > 0) memory.crowdUntil = windowStart + settings.memoryMs;
    addHour(memory.day, windowStart, typedByPerson(present));
    if (memory.members.size < 2) return tellEverybody(memory, null, closing);
    const turns = turnsOf(memory);
    tellMembers(memory, turns, present, closing);
    tellEverybody(memory, turns, closing);
  },
  erase(memory, hours, tenantId, userId) {
    const key = memberKey(tenantId, userId);
    let changed = memory.members.delete(key);
    const typed = memory.day.members.filter((member) => member.key !== key);
    changed ||= typed.length !== memory.day.members.length;
    memory.day.members = typed;
    if (memory.day.actor === key) {
      memory.day.actor = '';
      changed = true;
    }
    return eraseFromHours(hours, tenantId, userId) || changed;
  },
  isDeserted,
};

function endDay(memory: EgressMemory): void {
  const figures = turnFigures(memory.day);
  if (figures.people >= 2) memory.days.push(figures);
  for (const [key, member] of memory.members) member.shared = sharedWithToday(memory, key, member);
  if (memory.days.length > DAYS_MAX) memory.days.shift();
  memory.day = newTurnDay();
}

function sharedWithToday({ day }: EgressMemory, key: string, { shared: known = { shared: 0, expected: 0 } }: EgressMember): { shared: number; expected: number } {
  const today = sharedOf(day, key);
  // To tenths: state and its encoded form are the same number.
  return { shared: known.shared + today.shared, expected: Math.round(10 * (known.expected + today.expected)) / 10 };
}

function remember(memory: EgressMemory, { tenantId, userId, deviceId, values }: MemberHour, windowStart: number): void {
  const gap = values[4] ?? 0;
  memory.category = Math.max(memory.category, values[0] ?? 0);
  const key = memberKey(tenantId, userId);
  let member = memory.members.get(key);
  if (member === undefined) memory.members.set(key, (member = { tenantId, userId, devices: [], lastAt: 0, days: 0, lastDay: -1, area: [NO_AREA, NO_AREA], shippedTo: 0, told: '' }));
  if (!member.devices.includes(deviceId) && member.devices.length < DEVICES_MAX) member.devices.push(deviceId);
  const day = Math.floor(windowStart / DAY_MS);
  if (day > member.lastDay) {
    member.days++;
    member.lastDay = day;
  }
  member.lastAt = windowStart;
  member.area[0] = values[1] ?? NO_AREA;
  member.area[1] = values[2] ?? NO_AREA;
  member.shippedTo = values[3] ?? 0;
  if (gap > 0) member.gaps = [...(member.gaps ?? []), gap].slice(-GAP_HOURS_MAX);
}

/** Of too many, those longest unseen go. */
function bound(memory: EgressMemory, membersMax: number, windowStart: number): void {
  if (memory.members.size <= membersMax) return;
  memory.crowdUntil = windowStart + DAYS_MAX * DAY_MS;
  const oldest = [...memory.members.entries()].toSorted(([a, x], [b, y]) => x.lastAt - y.lastAt || (a < b ? -1 : 1));
  for (const [key] of oldest.slice(0, memory.members.size - membersMax)) {
    memory.members.delete(key);
    memory.day.members = memory.day.members.filter((member) => member.key !== key);
  }
}

/** A person at several devices types at all of them. */
export function typedByPerson(present: readonly MemberHour[]): { key: string; minutes: number[] }[] {
  const typed = new Map<string, { key: string; minutes: number[] }>();
  for (const { tenantId, userId, minutes } of present) {
    const key = memberKey(tenantId, userId);
    const known = typed.get(key);
    if (known === undefined) typed.set(key, { key, minutes: [minutes[0] ?? 0, minutes[1] ?? 0] });
    else for (let word = 0; word < 2; word++) known.minutes[word]! |= minutes[word] ?? 0;
  }
  return [...typed.values()];
}

/** How many places there are when those within AREA_KM of one before are taken as that one. */
export function countAreas(places: readonly (readonly [number, number])[]): number {
  const apart: (readonly [number, number])[] = [];
  for (const place of places) {
    if (place[0] === NO_AREA || apart.length >= AREAS_MAX) continue;
    if (!apart.some((known) => greatCircleKm(known[0] / 10, known[1] / 10, place[0] / 10, place[1] / 10) <= AREA_KM)) apart.push(place);
  }
  return apart.length;
}

interface Turns {
  /** Days on which at least two typed. */
  days: readonly TurnFigures[];
  /** The typical one of them; today's where there is none. */
  typical: TurnFigures;
}

function turnsOf(memory: EgressMemory): Turns {
  const today = turnFigures(memory.day);
  const days = today.people >= 2 ? [...memory.days, today] : memory.days;
  return { days, typical: days.toSorted((a, b) => a.log10Apart - b.log10Apart)[Math.floor(days.length / 2)] ?? today };
}

/** Whether a network ends the transport of its people is for everybody: who comes there for the first time must know it. `turns`: null where there are not two. */
function tellEverybody(memory: EgressMemory, turns: Turns | null, { windowStart, tell }: Closing): void {
  const { category, members } = memory;
  const values = turns !== null && mayBeGateway(category, members.size) ? gatewayValues([...members.values()].map(({ devices, gaps = [] }) => ({ devices, gaps })), category, turns.typical) : [0];
  if (values[0] === 0 && memory.gateway === undefined) return;
  const what = values[0] === 0 ? '' : `${Math.floor(windowStart / TOLD_AGAIN_MS)} ${gatewaySummary(values)}`;
  if (what === memory.gateway) return;
  memory.gateway = what;
  tell(null, values);
}

function figuresOf(memory: EgressMemory, members: readonly EgressMember[], { days, typical }: Turns, windowStart: number): number[] {
  const devices = new Set(members.flatMap((member) => member.devices)).size;
  const shipTos = new Set(members.map(({ shippedTo }) => shippedTo).filter((place) => place !== 0)).size;
  const apart = days.filter(({ log10Apart }) => log10Apart < 0).length;
  const crowd = memory.crowdUntil > windowStart ? 1 : 0;
  const { people, minutes, together, expected, runs, log10Apart } = typical;
  return [memory.category, members.length, devices, crowd, countAreas(members.map(({ area }) => area)), shipTos, days.length, apart, people, minutes, together, expected, runs, log10Apart];
}

/** Everybody who was there in the last days hears of what has changed; of a crowd, those who are there, once. */
function tellMembers(memory: EgressMemory, turns: Turns, present: readonly MemberHour[], { windowStart, tell }: Closing): void {
  // Without an order of their own they are sorted by code units.
  const everybody = [...memory.members.keys()].sort();
  const values = figuresOf(memory, everybody.map((key) => memory.members.get(key)!), turns, windowStart);
  const crowd = memory.crowdUntil > windowStart;
  const what = `${Math.floor(windowStart / TOLD_AGAIN_MS)} ${crowd ? 'crowd' : summary(values)}`;
  const keys = crowd ? [...new Set(present.map(({ tenantId, userId }) => memberKey(tenantId, userId)))].sort() : everybody;
  for (const key of keys) {
    const member = memory.members.get(key);
    if (member === undefined) continue;
    const { shared, expected } = sharedWithToday(memory, key, member);
    const own = crowd || expected < OWN_EXPECTED_MIN ? what : `${what} ${Math.min(4, Math.round((4 * shared) / expected))}`;
    if (member.told === own) continue;
    member.told = own;
    tell(member, [...values, shared, Math.round(expected)]);
  }
}

/** What must change before people are told again: small numbers exactly, larger ones roughly. */
function summary(values: readonly number[]): string {
  const [category, users = 0, devices = 0, crowd, areas, shipTos, days, apart, people, , , , , log10Apart = 0] = values;
  const roughly = (value: number): number => (value <= 8 ? value : 8 + Math.floor(4 * Math.log2(value / 8)));
  return [category, roughly(users), roughly(devices), crowd, areas, shipTos, days, apart, people, Math.round(log10Apart / 25)].join(' ');
}
