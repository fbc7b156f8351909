/** Which declared place holds: assignment versions begin at a moment, journeys do not. */
import type { DeclaredPlace, DeviceAssignment } from '#schemas/records.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { Sighting } from '../model/sighting.ts';
import type { Person } from './person.ts';

function formerOf({ former }: Person, { deviceId }: DeviceAssignment): Person['former'][number] | undefined {
  for (let i = 0; i < former.length; i++) if (former[i]!.deviceId === deviceId) return former[i];
  return undefined;
}

/** Remembers the place of the version before, when a new one begins. */
export function rememberAssignment(person: Person, assignment: DeviceAssignment, max: number): void {
  const known = formerOf(person, assignment);
  if (known === undefined) {
    person.former.push({ deviceId: assignment.deviceId, validFrom: assignment.validFrom, present: assignment.declared, before: null });
    if (person.former.length > max) person.former.shift();
  } else if (assignment.validFrom > known.validFrom) {
    known.before = known.present;
    known.present = assignment.declared;
    known.validFrom = assignment.validFrom;
  }
}

/** The place of the version before the present one, while that is new; null otherwise. */
export function formerPlace(person: Person, assignment: DeviceAssignment | null, at: number, graceMs: number): DeclaredPlace | null {
  if (assignment === null || at - assignment.validFrom > graceMs) return null;
  const known = formerOf(person, assignment);
  return known !== undefined && known.validFrom === assignment.validFrom ? known.before : null;
}

const MOVE_KM = 100;

/** Since when the declared place has been another than before, epoch ms; null where it has not changed. */
export function movedSince(person: Person, assignment: DeviceAssignment | null): number | null {
  if (assignment === null) return null;
  const before = formerPlace(person, assignment, assignment.validFrom, 0);
  const { declared, validFrom } = assignment;
  return before !== null && greatCircleKm(before.latitude, before.longitude, declared.latitude, declared.longitude) >= MOVE_KM ? validFrom : null;
}

/** The present place, or the former one where the source is nearer to that. */
export function declaredFor(sighting: Sighting | null, present: DeclaredPlace | null, former: DeclaredPlace | null): DeclaredPlace | null {
  if (present === null || former === null || sighting === null || sighting.latitude === null || sighting.longitude === null) return present;
  const { latitude, longitude } = sighting;
  const toPresent = greatCircleKm(latitude, longitude, present.latitude, present.longitude);
  const toFormer = greatCircleKm(latitude, longitude, former.latitude, former.longitude);
  return toFormer < toPresent ? former : present;
}

const EXPLAINED_KM = 500;

/** A journey from the former declared place to the present one, or back, is declared, however fast it looks. */
export function isDeclaredJourney(from: Sighting, to: Sighting, present: DeclaredPlace | null, former: DeclaredPlace | null): boolean {
  if (present === null || former === null) return false;
  const near = (sighting: Sighting, place: DeclaredPlace): boolean =>
    sighting.latitude !== null && sighting.longitude !== null && greatCircleKm(sighting.latitude, sighting.longitude, place.latitude, place.longitude) <= EXPLAINED_KM;
  return (near(from, former) && near(to, present)) || (near(from, present) && near(to, former));
}
