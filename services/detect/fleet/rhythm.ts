/**
 * A bucket of people whose rhythms are alike. For each of them: who is nearest, how near that is among the nearest
 * neighbours of the others, and whether the two (and others as near) are ever active together.
 *
 * Both shares are ranks among the people of the bucket, who are exchangeable where nobody plays two of them: no table
 * of what strangers look like is needed, and the fleet's own sensors and keyboards are in it.
 */
import { NO_AREA } from './areas.ts';
import type { Closing, SubjectKind } from './kind.ts';
import { eraseFromHours, isDeserted, mergeMember, newHourOfMembers, sortedMembers, type HourOfMembers } from './members.ts';
import { bitsOf, countMinutes, HOUR_MS } from './minutes.ts';
import { SKETCH_SIZE, sketchDistance } from './rhythm-sketch.ts';
import { memberKey } from './subjects.ts';
import { TOLD_AGAIN_MS } from './egress.ts';

interface RhythmMember {
  tenantId: string;
  userId: string;
  sketch: number[];
  area: [number, number];
  lastAt: number;
  /** Ten-minute slots with typing, by hour (number since the epoch): 6 bits each, at most HOURS_MAX hours. */
  hours: Map<number, number>;
  told: string;
}

interface RhythmMemory {
  members: Map<string, RhythmMember>;
}

/** Five working weeks of a heavy typist; what is older goes. */
const HOURS_MAX = 120;
/** Figures are told at the end of every so many hours, ms. */
const EVERY_MS = 6 * HOUR_MS;
/** People below which a bucket says nothing about who is near. */
const PEOPLE_MIN = 12;
/** Slots that two people must have in the same hours before their overlap is looked at. */
const SLOTS_MIN = 12;
/** A group is who lies at most so far: of the median distance to a nearest neighbour, and of the nearest's own. */
const GROUP_SHARE = 0.4;
const GROUP_FACTOR = 1.5;
const GROUP_MAX = 12;

/** What the fact says, in the order of its values. */
export interface RhythmFigures {
  /** Distance to the nearest, in spreads within one person. */
  distance: number;
  /** Of `people` in the bucket, so many have a neighbour at least as near (the person included). */
  rank: number;
  people: number;
  /** Median distance to the nearest neighbour in the bucket. */
  median: number;
  /** Identities about as near, the person included, none of whom is active together with another. */
  group: number;
  /** With the nearest: ten-minute slots of both in hours of both, those shared, those that chance would share. */
  slots: number;
  shared: number;
  expected: number;
  /** Of `pairs` of the person with others of the bucket, so many share as little for what chance would. */
  pairRank: number;
  pairs: number;
}

export function readRhythm(values: readonly number[]): RhythmFigures {
  const [distance = 0, rank = 0, people = 0, median = 0, group = 0, slots = 0, shared = 0, expected = 0, pairRank = 0, pairs = 0] = values;
  return { distance: distance / 400, rank, people, median: median / 400, group, slots, shared, expected: expected / 10, pairRank, pairs };
}

/** Typing of an hour as six slots of ten minutes. */
function slotsOf(minutes: readonly number[]): number {
  let slots = 0;
  for (let slot = 0; slot < 6; slot++) {
    const word = minutes[slot < 3 ? 0 : 1] ?? 0;
    if ((word & (0x3ff << ((slot % 3) * 10))) !== 0) slots |= 1 << slot;
  }
  return slots;
}

export const rhythmKind: SubjectKind<HourOfMembers, RhythmMemory> = {
  newHour: newHourOfMembers,
  merge: (hour, report, settings) => mergeMember(hour, report, settings.membersMax * 4),
  newMemory: () => ({ members: new Map() }),
  close(memory, hour, closing) {
    const { windowStart, windowEnd, settings } = closing;
    for (const { tenantId, userId, minutes, values } of sortedMembers(hour)) {
      const key = memberKey(tenantId, userId);
      const known = memory.members.get(key);
      const [latitude = NO_AREA, longitude = NO_AREA] = values.slice(SKETCH_SIZE);
      const member = known ?? { tenantId, userId, sketch: [], area: [latitude, longitude], lastAt: 0, hours: new Map<number, number>(), told: '' };
      member.sketch = values.slice(0, SKETCH_SIZE);
      member.lastAt = windowStart;
      if (countMinutes(minutes) > 0) member.hours.set(windowStart / HOUR_MS, slotsOf(minutes));
      while (member.hours.size > HOURS_MAX) member.hours.delete(member.hours.keys().next().value!);
      memory.members.set(key, member);
    }
    for (const [key, member] of memory.members) if (member.lastAt < windowStart - settings.memoryMs) memory.members.delete(key);
    const oldest = [...memory.members.entries()].toSorted(([a, x], [b, y]) => x.lastAt - y.lastAt || (a < b ? -1 : 1));
    for (const [key] of oldest.slice(0, Math.max(0, oldest.length - settings.membersMax * 4))) memory.members.delete(key);
    if (windowEnd % EVERY_MS === 0 && memory.members.size >= PEOPLE_MIN) tellNeighbours(memory, closing);
  },
  erase(memory, hours, tenantId, userId) {
    const known = memory.members.delete(memberKey(tenantId, userId));
    return eraseFromHours(hours, tenantId, userId) || known;
  },
  isDeserted,
};

interface Overlap {
  slots: number;
  shared: number;
  /** Tenths. */
  expected: number;
}

/** When a person types, as pairs of them are compared: hours, rising, and the slots of each. */
interface Presence {
  readonly hours: readonly number[];
  readonly slots: readonly number[];
}

/** A working day spans so many hours: an hour in which one of two pauses counts as well, where the other types so near to it. */
const DAY_SPAN_HOURS = 8;

function presenceOf({ hours }: RhythmMember): Presence {
  const rising = [...hours.keys()].sort((a, b) => a - b);
  return { hours: rising, slots: rising.map((hour) => hours.get(hour)!) };
}

/** On the days on which both typed: slots of both, shared, and what chance would share. */
function overlapOf(a: Presence, b: Presence): Overlap {
  let [slotsA, slotsB, shared, hours] = [0, 0, 0, 0];
  for (let i = 0, j = 0; i < a.hours.length || j < b.hours.length; ) {
    const hour = Math.min(a.hours[i] ?? Infinity, b.hours[j] ?? Infinity);
    const [inA, inB] = [a.hours[i] === hour, b.hours[j] === hour];
    const counts = (inA && inB) || (inA ? isNear(b.hours, j, hour) : isNear(a.hours, i, hour));
    const x = inA ? a.slots[i++]! : 0;
    const y = inB ? b.slots[j++]! : 0;
    if (!counts) continue;
    slotsA += bitsOf(x);
    slotsB += bitsOf(y);
    shared += bitsOf(x & y);
    hours++;
  }
  return { slots: slotsA + slotsB, shared, expected: hours === 0 ? 0 : Math.round((10 * slotsA * slotsB) / (6 * hours)) };
}

/** Whether a working day spans `hour` and one of `hours`, of which the first behind it stands at `next`. */
function isNear(hours: readonly number[], next: number, hour: number): boolean {
  return (hours[next] ?? Infinity) - hour <= DAY_SPAN_HOURS || hour - (hours[next - 1] ?? -Infinity) <= DAY_SPAN_HOURS;
}

const ratioOf = ({ shared, expected }: Overlap): number => (expected === 0 ? Infinity : (10 * shared) / expected);
const isApart = (overlap: Overlap): boolean => overlap.slots >= SLOTS_MIN && overlap.expected >= 20 && ratioOf(overlap) <= 0.1;

function tellNeighbours(memory: RhythmMemory, { windowStart, tell }: Closing): void {
  const members = [...memory.members.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member);
  const n = members.length;
  const presences = members.map(presenceOf);
  const distances = members.map(() => Array.from({ length: n }, () => Infinity));
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) distances[i]![j] = distances[j]![i] = sketchDistance(members[i]!.sketch, members[j]!.sketch);
  const nearest = distances.map((row) => Math.min(...row));
  const sorted = nearest.toSorted((a, b) => a - b);
  const median = sorted[Math.floor(n / 2)]!;
  members.forEach((member, i) => {
    const distance = nearest[i]!;
    let rank = 0;
    while (rank < n && sorted[rank]! <= distance) rank++;
    // Ordinary neighbours are nobody's business; that somebody has become one is told once.
    const near = distance * 3 <= median * 2 && rank * 4 <= n;
    if (!near && member.told === '') return;
    const j = distances[i]!.indexOf(distance);
    const overlap = overlapOf(presences[i]!, presences[j]!);
    let pairRank = 0;
    let pairs = 0;
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const other = overlapOf(presences[i]!, presences[k]!);
      if (other.slots < SLOTS_MIN || other.expected < 20) continue;
      pairs++;
      if (ratioOf(other) <= ratioOf(overlap)) pairRank++;
    }
    const group = groupOf(presences, distances, i, Math.max(GROUP_FACTOR * distance, GROUP_SHARE * median));
    const values = [distance, rank, n, median, group, overlap.slots, overlap.shared, overlap.expected, pairRank, pairs];
    const what = near ? [Math.floor(windowStart / TOLD_AGAIN_MS), distance >> 3, rank, group, overlap.shared >> 2, pairRank].join(' ') : '';
    if (member.told === what) return;
    member.told = what;
    tell(member, values);
  });
}

/** Greedy, nearest first: identities about as near, each apart from all that were taken before. */
function groupOf(presences: readonly Presence[], distances: readonly (readonly number[])[], i: number, limit: number): number {
  const taken = [i];
  const near = presences.map((_, k) => k).filter((k) => k !== i && distances[i]![k]! <= limit);
  for (const k of near.toSorted((a, b) => distances[i]![a]! - distances[i]![b]! || a - b)) {
    if (taken.length >= GROUP_MAX) break;
    if (taken.every((other) => distances[other]![k]! <= GROUP_FACTOR * limit && isApart(overlapOf(presences[other]!, presences[k]!)))) taken.push(k);
  }
  return taken.length;
}
