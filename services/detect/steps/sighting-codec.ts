/** A sighting as bytes, field by field: sessions and windows hold several, and as JSON they would be most of a state. */
import type { DatabaseVersion, NetworkCategory, PolicyKind } from '#schemas/records.ts';
import type { RouteFacts } from '../model/route-facts.ts';
import type { Sighting, ToolFacts } from '../model/sighting.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';

/** The databases of a process are few, and every sighting of a time shares their list. */
const databasesText = new WeakMap<object, string>();

function textOfDatabases(databases: readonly DatabaseVersion[]): string {
  let text = databasesText.get(databases);
  if (text === undefined) databasesText.set(databases, (text = JSON.stringify(databases)));
  return text;
}

function writeText(out: ByteWriter, value: string | null): void {
  if (value === null) out.count(0);
  else {
    out.count(1);
    out.text(value);
  }
}

const readText = (input: ByteReader): string | null => (input.count() === 0 ? null : input.text());

function writeDouble(out: ByteWriter, value: number | null): void {
  if (value === null) out.count(0);
  else {
    out.count(1);
    out.double(value);
  }
}

const readDouble = (input: ByteReader): number | null => (input.count() === 0 ? null : input.double());

export function writeSighting(out: ByteWriter, s: Sighting): void {
  out.integer(s.at);
  out.text(s.eventId);
  out.text(s.vantageId);
  out.text(s.sourceIp);
  writeText(out, s.country);
  writeText(out, s.region);
  writeText(out, s.city);
  writeDouble(out, s.latitude);
  writeDouble(out, s.longitude);
  writeDouble(out, s.asn);
  writeText(out, s.organisation);
  out.text(s.category);
  out.text(s.categoryReason);
  writeText(out, s.policy);
  writeDouble(out, s.policyLatitude);
  writeDouble(out, s.policyLongitude);
  writeDouble(out, s.sourceDistanceKm);
  writeText(out, s.osTimeZone);
  writeText(out, s.tlsFingerprint);
  out.integer(s.hiddenHops);
  out.plain(s.route);
  out.plain(s.tools.length === 0 ? null : s.tools);
  out.plain(s.kvm);
  out.text(textOfDatabases(s.databases));
}

/** The list of databases that was read last: nearly every sighting has the same. */
let lastDatabases: { text: string; value: DatabaseVersion[] } = { text: '[]', value: [] };

function readDatabases(input: ByteReader): DatabaseVersion[] {
  const text = input.text();
  if (text !== lastDatabases.text) lastDatabases = { text, value: JSON.parse(text) as DatabaseVersion[] };
  return lastDatabases.value;
}

export function readSighting(input: ByteReader): Sighting {
  return {
    at: input.integer(),
    eventId: input.text(),
    vantageId: input.text(),
    sourceIp: input.text(),
    country: readText(input),
    region: readText(input),
    city: readText(input),
    latitude: readDouble(input),
    longitude: readDouble(input),
    asn: readDouble(input),
    organisation: readText(input),
    category: input.text() as NetworkCategory,
    categoryReason: input.text(),
    policy: readText(input) as PolicyKind | null,
    policyLatitude: readDouble(input),
    policyLongitude: readDouble(input),
    sourceDistanceKm: readDouble(input),
    osTimeZone: readText(input),
    tlsFingerprint: readText(input),
    hiddenHops: input.integer(),
    route: input.plain<RouteFacts | null>(),
    tools: input.plain<ToolFacts[] | null>() ?? [],
    kvm: input.plain<Sighting['kvm']>(),
    databases: readDatabases(input),
  };
}
