/** A place that workstations of several people were sent to. */
import { NO_AREA } from './areas.ts';
import { countAreas, TOLD_AGAIN_MS } from './egress.ts';
import type { SubjectKind } from './kind.ts';
import { eraseFromHours, forgetUnseen, isDeserted, keepLatest, mergeMember, newHourOfMembers, sortedMembers, type HourOfMembers, type MemberHour } from './members.ts';
import { memberKey } from './subjects.ts';

interface ShipToMember {
  tenantId: string;
  userId: string;
  device: string;
  lastAt: number;
  area: [number, number];
  km: number;
  told: string;
}

interface ShipToMemory {
  members: Map<string, ShipToMember>;
  beyond: boolean;
}

/** Beyond this the device was not sent to where the person is declared, km. */
export const AWAY_KM = 60;

/** What the fact says, in the order of its values. */
export interface ShipToFigures {
  users: number;
  /** Of them, those who are declared elsewhere, and at how many different places. */
  away: number;
  areas: number;
  /** More people than are kept: a depot of the organisation. */
  crowd: boolean;
  /** From the place to where the person is declared, km. */
  ownKm: number;
}

export function readShipTo([users = 0, away = 0, areas = 0, crowd = 0]: readonly number[], ownKm: number): ShipToFigures {
  return { users, away, areas, crowd: crowd === 1, ownKm };
}

export const shipToKind: SubjectKind<HourOfMembers, ShipToMemory> = {
  newHour: newHourOfMembers,
  merge: (hour, report, settings) => mergeMember(hour, report, settings.membersMax),
  newMemory: () => ({ members: new Map(), beyond: false }),
  close(memory, hour, { windowStart, settings, tell }) {
    for (const reported of sortedMembers(hour)) remember(memory, reported, windowStart);
    forgetUnseen(memory.members, windowStart, settings.memoryMs);
    const { size } = memory.members;
    keepLatest(memory.members, settings.membersMax);
    memory.beyond ||= hour.beyond > 0 || size > settings.membersMax;
    if (memory.members.size < 2) return;
    const members = sortedMembers(memory);
    const away = members.filter(({ km }) => km > AWAY_KM);
    const values = [members.length, away.length, countAreas(away.map(({ area }) => area)), memory.beyond ? 1 : 0];
    const what = [Math.floor(windowStart / TOLD_AGAIN_MS), ...values].join(' ');
    for (const member of members) {
      if (member.told === what) continue;
      member.told = what;
      tell(member, values);
    }
  },
  erase(memory, hours, tenantId, userId) {
    const known = memory.members.delete(memberKey(tenantId, userId));
    return eraseFromHours(hours, tenantId, userId) || known;
  },
  isDeserted,
};

function remember({ members }: ShipToMemory, { tenantId, userId, deviceId, values }: MemberHour, windowStart: number): void {
  const key = memberKey(tenantId, userId);
  let member = members.get(key);
  if (member === undefined) members.set(key, (member = { tenantId, userId, device: '', lastAt: 0, area: [NO_AREA, NO_AREA], km: 0, told: '' }));
  member.device = deviceId;
  member.lastAt = windowStart;
  member.area[0] = values[0] ?? NO_AREA;
  member.area[1] = values[1] ?? NO_AREA;
  member.km = values[2] ?? 0;
}
