/**
 * Versions of one subject (a device's assignments, a session's feedback), kept sorted by the time they take effect.
 * Merging is idempotent and does not depend on the order of arrival, except that of two versions with the same time the
 * later one in the log wins: a compacted topic may be read from its beginning at every start.
 */
import type { DeviceAssignment, Feedback } from '#schemas/records.ts';

/** Most versions kept per device or session; the oldest go first. An event older than all of them finds none. */
export const VERSIONS_MAX = 32;

/** Sorted by `timeOf`, ascending, without equal times. Never changed in place once published. */
export type Versions<V> = readonly V[];

export const assignmentTime = (version: DeviceAssignment): number => version.validFrom;
export const feedbackTime = (version: Feedback): number => version.at;

/** The versions with one more. Returns the same array where nothing changes, so that writers can skip the write. */
export function mergeVersion<V>(
  versions: Versions<V>,
  version: V,
  timeOf: (version: V) => number,
  versionsMax: number = VERSIONS_MAX,
): Versions<V> {
  const time = timeOf(version);
  let index = versions.length;
  while (index > 0 && timeOf(versions[index - 1] as V) >= time) index--;
  const existing = versions[index];
  const replaces = existing !== undefined && timeOf(existing) === time;
  if (replaces && JSON.stringify(existing) === JSON.stringify(version)) return versions;
  if (!replaces && index === 0 && versions.length >= versionsMax) return versions;
  const merged = [...versions.slice(0, index), version, ...versions.slice(replaces ? index + 1 : index)];
  return merged.length > versionsMax ? merged.slice(merged.length - versionsMax) : merged;
}

/** The last version whose time is ≤ `at`, or null. */
function lastVersionAt<V>(versions: Versions<V>, at: number, timeOf: (version: V) => number): V | null {
  for (let index = versions.length - 1; index >= 0; index--) {
    const version = versions[index] as V;
    if (timeOf(version) <= at) return version;
  }
  return null;
}

/**
 * The assignment that held at `at` (epoch ms): validFrom ≤ at < validTo, and < the next version's validFrom. A version
 * that ended is not replaced by an earlier one: between assignments a device has none.
 */
export function assignmentAt(versions: Versions<DeviceAssignment> | null, at: number): DeviceAssignment | null {
  if (versions === null) return null;
  const version = lastVersionAt(versions, at, assignmentTime);
  return version === null || (version.validTo !== null && at >= version.validTo) ? null : version;
}

/** What an analyst had said by `at`: the last feedback with `at` ≤ the event's time. */
export function feedbackAt(versions: Versions<Feedback> | null, at: number): Feedback | null {
  return versions === null ? null : lastVersionAt(versions, at, feedbackTime);
}

/** Feedback given by session id and by finding id as one history; at the same time the finding's word wins. */
export function joinFeedback(bySession: Versions<Feedback> | null, byFinding: Versions<Feedback> | null): Versions<Feedback> | null {
  if (bySession === null || byFinding === null) return bySession ?? byFinding;
  return byFinding.reduce((joined, version) => mergeVersion(joined, version, feedbackTime, 2 * VERSIONS_MAX), bySession);
}
