/**
 * The people of one subject in one hour. Merging is commutative and bounded: of more than the bound, those with the
 * lowest keys are kept and the others counted, whatever the order they came in.
 */
import type { FleetReport } from '#schemas/records.ts';
import { memberKey } from './subjects.ts';

export interface MemberHour {
  tenantId: string;
  userId: string;
  deviceId: string;
  minutes: number[];
  values: number[];
}

export interface HourOfMembers {
  /** By tenant, user and device; at most the bound. */
  members: Map<string, MemberHour>;
  /** Reports that found no place. */
  beyond: number;
}

export const newHourOfMembers = (): HourOfMembers => ({ members: new Map(), beyond: 0 });

export function mergeMember(hour: HourOfMembers, report: FleetReport, membersMax: number): void {
  const key = `${memberKey(report.tenantId, report.userId)}|${report.deviceId}`;
  const known = hour.members.get(key);
  if (known !== undefined) {
    known.minutes = known.minutes.map((word, i) => word | (report.minutes[i] ?? 0));
    if (isGreater(report.values, known.values)) known.values = report.values;
    return;
  }
  const { tenantId, userId, deviceId, minutes, values } = report;
  hour.members.set(key, { tenantId, userId, deviceId, minutes, values });
  if (hour.members.size <= membersMax) return;
  hour.beyond++;
  let last = key;
  for (const other of hour.members.keys()) if (other > last) last = other;
  hour.members.delete(last);
}

/** Any fixed order will do, as long as it is the same whoever came first. */
function isGreater(a: readonly number[], b: readonly number[]): boolean {
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const difference = (a[i] ?? 0) - (b[i] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return false;
}

/** Takes a person out of hours that are not complete; answers whether they were there. */
export function eraseFromHours(hours: readonly HourOfMembers[], tenantId: string, userId: string): boolean {
  let changed = false;
  for (const { members } of hours) for (const [name, member] of members) if (member.tenantId === tenantId && member.userId === userId) changed = members.delete(name) || changed;
  return changed;
}

/** Whether nobody is left in what is kept of a subject's people, nor was counted beyond the bound. */
export const isDeserted = (memory: { readonly members: ReadonlyMap<string, unknown> }, hours: readonly HourOfMembers[]): boolean =>
  memory.members.size === 0 && hours.every(({ members, beyond }) => members.size === 0 && beyond === 0);

/** By their keys, so in a fixed order: Maps keep the order of arrival. Without an order of its own a list of texts is sorted by code units, as `<` compares. */
export const sortedMembers = <T>({ members }: { readonly members: ReadonlyMap<string, T> }): T[] => (members.size < 2 ? [...members.values()] : [...members.keys()].sort().map((key) => members.get(key)!));

/** Nobody of these was last seen before: known of Maps that were gone through. Whoever comes later was seen later. */
const unseenSince = new WeakMap<ReadonlyMap<string, unknown>, number>();
/** So few are gone through as fast. */
const FEW = 8;

/** Those last seen more than `memoryMs` before the hour that begins at `windowStart` go. Hours come in their order. */
export function forgetUnseen(members: Map<string, { readonly lastAt: number }>, windowStart: number, memoryMs: number): void {
  const before = windowStart - memoryMs;
  const many = members.size > FEW;
  if (many && before <= (unseenSince.get(members) ?? -Infinity)) return;
  let since = windowStart;
  for (const [key, { lastAt }] of members) {
    if (lastAt < before) members.delete(key);
    else if (lastAt < since) since = lastAt;
  }
  if (many) unseenSince.set(members, since);
}

/** Of more than `membersMax`, those longest unseen go. */
export function keepLatest(members: Map<string, { readonly lastAt: number }>, membersMax: number): void {
  const beyond = members.size - membersMax;
  // Nearly always one or two came anew.
  if (beyond <= FEW) for (let left = beyond; left > 0; left--) members.delete(longestUnseen(members));
  else for (const [key] of [...members].toSorted(([a, x], [b, y]) => x.lastAt - y.lastAt || (a < b ? -1 : 1)).slice(0, beyond)) members.delete(key);
}

function longestUnseen(members: ReadonlyMap<string, { readonly lastAt: number }>): string {
  let [found, at] = ['', Infinity];
  members.forEach(({ lastAt }, key) => {
    if (lastAt > at || (lastAt === at && key > found)) return;
    found = key;
    at = lastAt;
  });
  return found;
}
