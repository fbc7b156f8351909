/** What states hold of the reference data, as bytes; what the reader knows already is one byte. */
import type { DeclaredPlace, DeviceAssignment, Employment, Vantage } from '#schemas/records.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { readName, readNumber, readOptionalNumber, writeName, writeNumber, writeOptionalNumber } from './compact-codec.ts';
import type { Person } from './person.ts';

const NONE = 0;
const AS_BEFORE = 1;
const IN_FULL = 2;

/** Within a process reference data is shared, so this is mostly one comparison. */
export function isSamePlace(a: DeclaredPlace | null, b: DeclaredPlace | null): boolean {
  if (a === b) return true;
  if (a === null || b === null) return false;
  return a.country === b.country && a.region === b.region && a.city === b.city && a.latitude === b.latitude && a.longitude === b.longitude && a.timeZone === b.timeZone;
}

function isSameAssignment(a: DeviceAssignment, b: DeviceAssignment): boolean {
  if (a === b) return true;
  const { tenantId, deviceId, userId, employment, validFrom, validTo } = a;
  if (tenantId !== b.tenantId || deviceId !== b.deviceId || userId !== b.userId || employment !== b.employment || validFrom !== b.validFrom || validTo !== b.validTo) return false;
  return isSamePlace(a.declared, b.declared) && isSamePlace(a.shippedTo, b.shippedTo);
}

const isSameVantage = (a: Vantage, b: Vantage): boolean => a === b || (a.vantageId === b.vantageId && a.latitude === b.latitude && a.longitude === b.longitude && a.name === b.name);

/** `before`: a place that the reader will have at this point. */
export function writePlace(out: ByteWriter, place: DeclaredPlace | null, before: DeclaredPlace | null): void {
  if (place === null) return out.count(NONE);
  if (isSamePlace(place, before)) return out.count(AS_BEFORE);
  out.count(IN_FULL);
  out.text(place.country);
  out.optionalText(place.region);
  out.optionalText(place.city);
  writeNumber(out, place.latitude);
  writeNumber(out, place.longitude);
  out.optionalText(place.timeZone);
}

export function readPlace(input: ByteReader, before: DeclaredPlace | null): DeclaredPlace | null {
  const how = input.count();
  if (how !== IN_FULL) return how === NONE ? null : before;
  return { country: input.text(), region: input.optionalText(), city: input.optionalText(), latitude: readNumber(input), longitude: readNumber(input), timeZone: input.optionalText() };
}

type Names = Pick<Person, 'tenantId' | 'userId'>;

export function writeAssignment(out: ByteWriter, value: DeviceAssignment | null, before: DeviceAssignment | null, person: Names): void {
  if (value === null) return out.count(NONE);
  if (before !== null && isSameAssignment(value, before)) return out.count(AS_BEFORE);
  out.count(IN_FULL);
  out.textUnless(value.tenantId, person.tenantId);
  out.textUnless(value.userId, person.userId);
  writeName(out, value.deviceId);
  out.text(value.employment);
  writePlace(out, value.declared, null);
  writePlace(out, value.shippedTo, value.declared);
  writeNumber(out, value.validFrom);
  writeOptionalNumber(out, value.validTo);
}

export function readAssignment(input: ByteReader, before: DeviceAssignment | null, person: Names): DeviceAssignment | null {
  const how = input.count();
  if (how !== IN_FULL) return how === NONE ? null : before;
  const [tenantId, userId, deviceId, employment] = [input.textUnless(person.tenantId), input.textUnless(person.userId), readName(input), input.text() as Employment];
  const declared = readPlace(input, null)!;
  return { type: 'DeviceAssignment', tenantId, deviceId, userId, employment, declared, shippedTo: readPlace(input, declared), validFrom: readNumber(input), validTo: readOptionalNumber(input) };
}

export function writeVantage(out: ByteWriter, value: Vantage | null, before: Vantage | null): void {
  if (value === null) return out.count(NONE);
  if (before !== null && isSameVantage(value, before)) return out.count(AS_BEFORE);
  out.count(IN_FULL);
  out.text(value.vantageId);
  writeNumber(out, value.latitude);
  writeNumber(out, value.longitude);
  out.text(value.name);
}

export function readVantage(input: ByteReader, before: Vantage | null): Vantage | null {
  const how = input.count();
  if (how !== IN_FULL) return how === NONE ? null : before;
  return { type: 'Vantage', vantageId: input.text(), latitude: readNumber(input), longitude: readNumber(input), name: input.text() };
}
