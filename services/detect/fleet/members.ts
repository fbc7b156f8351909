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

/** Keys in a fixed order: Maps keep the order of arrival. */
export const sortedMembers = ({ members }: HourOfMembers): MemberHour[] => [...members.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, member]) => member);
