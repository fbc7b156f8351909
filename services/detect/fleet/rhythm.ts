/**
 * A bucket of people whose rhythms are alike. For each of them: who else may have the same hands, by the recent typing of both, and
 * whether those identities are ever at work together (same-hands.ts, presence.ts).
 */
import { NO_AREA } from './areas.ts';
import type { Closing, SubjectKind } from './kind.ts';
import { eraseFromHours, forgetUnseen, isDeserted, keepLatest, mergeMember, newHourOfMembers, sortedMembers, type HourOfMembers, type MemberHour } from './members.ts';
import { isLook, lookAgain, strengthOfLooks, type Looks } from './looks.ts';
import { countMinutes, HOUR_MS } from './minutes.ts';
import { compare, type Candidate, type Pairs } from './pairs.ts';
import { presencesOf, slotsOf } from './presence.ts';
import { contrastsOfSketch, SKETCH_SIZE } from './rhythm-sketch.ts';
import { oneOperatorOf, type OneOperator } from './same-hands.ts';
import { overlapOf, standingsBefore } from './standing.ts';
import { memberKey } from './subjects.ts';

interface RhythmMember {
  tenantId: string;
  userId: string;
  sketch: number[];
  area: [number, number];
  /** The hands are not the enrolled ones, and since which hour (number since the epoch); 0 for always. */
  changed?: boolean;
  since?: number;
  /** Two accounts on one workstation are nobody's farm. */
  device?: number;
  lastAt: number;
  /** Ten-minute slots with typing, by hour (number since the epoch): 6 bits each, at most HOURS_MAX hours. */
  hours: Map<number, number>;
  told: string;
  /** What the day's looks have shown: of one operator, of the most alike other one; absent before the first. */
  looks?: Looks;
}

interface RhythmMemory {
  members: Map<string, RhythmMember>;
}

/** Five working weeks of a heavy typist; what is older goes. */
const HOURS_MAX = 120;
/** Who is at work with whom is asked of the last hours only: habits change, and so do hands. */
export const PRESENCE_HOURS = 96;
/** People below which a bucket says nothing about who is alike. */
const PEOPLE_MIN = 12;
/** Decades of likeness, and of strength, below which nothing is told. */
const LIKENESS_MIN = 1;
const STRENGTH_MIN = 0.3;

/** What the fact says, in the order of its values. */
export interface RhythmFigures {
  /** Decades by which the two most alike of the bucket, this person being one, speak for one person. */
  likeness: number;
  people: number;
  /** Pairs of the bucket that typed together. */
  strangers: number;
  /** Identities that are apart from each other, the person included, and the mean likeness of their pairs, decades. */
  group: number;
  groupLikeness: number;
  /** People who are apart from this one, from whom they were drawn: those whose hands changed, or all. */
  among: number;
  /** log10 of how many sets of that size they make. */
  sets: number;
  changed: boolean;
  /** log10 of the evidence: over the looks of the day, and of the last one alone. */
  strength: number;
  lastLook: number;
  /** log10 of what speaks, at the last look, for the person being one of the group and not somebody like them. */
  own: number;
  /** log10 of the evidence that the most alike other one is the same person, over the looks of the day. */
  typist: number;
  /** With the others of the group: ten-minute slots, those shared, those that chance would share. */
  slots: number;
  shared: number;
  expected: number;
}

const FIGURES = 15;

const NOTHING = Array.from({ length: FIGURES }, () => 0);

/** Read by place, as taking an array apart costs several times as much. */
export function readRhythm(told: readonly number[]): RhythmFigures {
  // What an earlier release has told means something else, and is out of date with the next look.
  const known = told.length === FIGURES;
  const values = known ? told : NOTHING;
  return {
    likeness: values[0]! / 100, people: values[1]!, strangers: values[2]!, group: known ? values[3]! : 1, groupLikeness: values[4]! / 100, among: values[5]!, sets: values[6]! / 100, changed: values[7] === 1,
    strength: values[8]! / 100, slots: values[9]!, shared: values[10]!, expected: values[11]! / 10, lastLook: values[12]! / 100, typist: values[13]! / 100, own: values[14]! / 100,
  };
}

/** What the larger bucket says: of the smaller ones those people are left out who are the least alike. */
export function isLargerBucket(told: readonly number[], than: readonly number[]): boolean {
  const values = told.length === FIGURES ? told : NOTHING;
  const others = than.length === FIGURES ? than : NOTHING;
  return (values[1]! - others[1]! || values[8]! - others[8]!) > 0;
}

export const rhythmKind: SubjectKind<HourOfMembers, RhythmMemory> = {
  newHour: newHourOfMembers,
  merge: (hour, report, settings) => mergeMember(hour, report, settings.membersMax * 4),
  newMemory: () => ({ members: new Map() }),
  close(memory, hour, closing) {
    const { windowStart, windowEnd, settings } = closing;
    rememberAll(memory, hour, windowStart);
    forgetUnseen(memory.members, windowStart, settings.memoryMs);
    keepLatest(memory.members, settings.membersMax * 4);
    if (isLook(windowEnd) && memory.members.size >= PEOPLE_MIN) tellNeighbours(memory, closing);
  },
  erase(memory, hours, tenantId, userId) {
    const known = memory.members.delete(memberKey(tenantId, userId));
    return eraseFromHours(hours, tenantId, userId) || known;
  },
  isDeserted,
};

/** Of several devices of one person the last one counts, and newcomers are put in by their order: where all are known and have one each, any order does. */
function rememberAll(memory: RhythmMemory, hour: HourOfMembers, windowStart: number): void {
  const newcomers: string[] = [];
  for (const [key, reported] of hour.members) {
    const member = memory.members.get(memberKey(reported.tenantId, reported.userId));
    if (member === undefined) newcomers.push(key);
    else if (member.lastAt < windowStart) remember(member, reported, windowStart);
    else return sortedMembers(hour).forEach((each) => remember(memberOf(memory, each), each, windowStart));
  }
  for (const key of newcomers.sort()) {
    const reported = hour.members.get(key)!;
    remember(memberOf(memory, reported), reported, windowStart);
  }
}

function memberOf({ members }: RhythmMemory, { tenantId, userId, values }: MemberHour): RhythmMember {
  const key = memberKey(tenantId, userId);
  let member = members.get(key);
  if (member === undefined) {
    const area: [number, number] = [values[SKETCH_SIZE] ?? NO_AREA, values[SKETCH_SIZE + 1] ?? NO_AREA];
    members.set(key, (member = { tenantId, userId, sketch: values.slice(0, SKETCH_SIZE), area, lastAt: 0, hours: new Map(), told: '' }));
  }
  return member;
}

function remember(member: RhythmMember, { minutes, values }: MemberHour, windowStart: number): void {
  // In its place: most of those who are reported are known, and what is made anew for each is copied about by the garbage collection.
  for (let i = 0; i < SKETCH_SIZE; i++) member.sketch[i] = values[i]!;
  member.changed = values[SKETCH_SIZE + 2] === 1;
  member.since = values[SKETCH_SIZE + 3] ?? 0;
  member.device = values[SKETCH_SIZE + 4] ?? 0;
  member.lastAt = windowStart;
  const { hours } = member;
  if (countMinutes(minutes) > 0) hours.set(windowStart / HOUR_MS, slotsOf(minutes));
  while (hours.size > HOURS_MAX) hours.delete(hours.keys().next().value!);
}

function tellNeighbours(memory: RhythmMemory, { windowStart, windowEnd, tell }: Closing): void {
  const members = sortedMembers(memory);
  const n = members.length;
  const from = windowStart / HOUR_MS - PRESENCE_HOURS;
  const presences = presencesOf(members, from);
  const people: Candidate[] = members.map(({ sketch, changed = false }) => ({ contrasts: contrastsOfSketch(sketch), changed }));
  const pairs = compare(people, (i, out) => standingsBefore(presences, i, out));
  members.forEach((member, i) => {
    const nearest = pairs.nearest[i]!;
    const found = oneOperatorOf(people, pairs, i);
    member.looks = lookAgain(member.looks, windowEnd, [found?.strength ?? -Infinity, nearest - Math.log10(n - 1)]);
    const day = { number: member.looks.day, strength: strengthOfLooks(member.looks, 0), typist: strengthOfLooks(member.looks, 1) };
    const overlap = { slots: 0, shared: 0, expected: 0 };
    for (const j of found?.others ?? []) {
      const { slots, shared, expected } = overlapOf(presences, i, j, 'typed', Math.max(from, presences.sinces[i]!, presences.sinces[j]!));
      overlap.slots += slots;
      overlap.shared += shared;
      overlap.expected += expected;
    }
    // Ordinary neighbours are nobody's business; that somebody has become one is told once.
    const near = nearest >= LIKENESS_MIN || day.strength >= STRENGTH_MIN;
    if (!near && member.told === '') return;
    const values = figuresOf(nearest, n, pairs, found, overlap, day);
    // With every day: what the one before came to is no longer in force.
    const what = near ? `${day.number} ${values[0]! >> 4} ${values[3]} ${values[8]! >> 4} ${values[13]! >> 4}` : '';
    if (member.told === what) return;
    member.told = what;
    tell(member, values);
  });
}

const NOBODY: OneOperator = { group: 1, likeness: 0, among: 0, sets: 0, changed: false, groups: 0, own: 0, strength: 0, others: [] };

function figuresOf(nearest: number, people: number, { strangers }: Pairs, found: OneOperator | null, { slots, shared, expected }: { slots: number; shared: number; expected: number }, day: { strength: number; typist: number }): number[] {
  const hundredths = (value: number): number => Math.round(value * 100);
  const evidence = (strength: number): number => Math.max(0, hundredths(strength));
  const { group, likeness, among, sets, changed, own, strength } = found ?? NOBODY;
  return [hundredths(nearest), people, strangers, group, hundredths(likeness), among, hundredths(sets), changed ? 1 : 0, evidence(day.strength), slots, shared, expected, evidence(strength), evidence(day.typist), evidence(own)];
}
