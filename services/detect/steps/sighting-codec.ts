/** A sighting as bytes, field by field: sessions and windows hold several, and as JSON they would be most of a state. */
import type { NetworkCategory } from '#schemas/records.ts';
import type { RouteFacts } from '../model/route-facts.ts';
import type { Sighting, ToolFacts } from '../model/sighting.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import { CATEGORIES, POLICIES, readName, readOptionalName, readOptionalNumber, readTime, readWord, writeName, writeOptionalName, writeOptionalNumber, writeTime, writeWord } from './compact-codec.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';
import { areSame } from './shared-databases.ts';

const IN_FULL = 0;
/** As the one before it, but for its time, event and path. */
const AS_BEFORE = 1;

/**
 * `before`: a sighting that the reader will have at this point, for example the session's; `near`: a time that the reader has.
 */
export function writeSighting(out: ByteWriter, s: Sighting, before: Sighting | null, near: number, dictionary: DatabasesDictionary): void {
  writeTime(out, s.at, near);
  writeName(out, s.eventId);
  out.count(s.hiddenHops);
  writeRoute(out, s.route);
  if (before !== null && isSameApartFromEvent(s, before)) return out.count(AS_BEFORE);
  out.count(IN_FULL);
  writeWord(out, s.category, CATEGORIES);
  writeReason(out, s);
  out.text(s.vantageId);
  writeName(out, s.sourceIp);
  out.optionalText(s.country);
  out.optionalText(s.region);
  out.optionalText(s.city);
  writeOptionalNumber(out, s.latitude);
  writeOptionalNumber(out, s.longitude);
  out.optional(s.asn, (asn) => out.count(asn));
  out.optionalText(s.organisation);
  out.optional(s.policy, (policy) => writeWord(out, policy, POLICIES));
  writeOptionalNumber(out, s.policyLatitude);
  writeOptionalNumber(out, s.policyLongitude);
  writeOptionalNumber(out, s.sourceDistanceKm);
  out.optionalText(s.osTimeZone);
  writeOptionalName(out, s.tlsFingerprint);
  out.plain(s.tools.length === 0 ? null : s.tools);
  out.plain(s.kvm);
  dictionary.write(out, s.databases);
}

/** Where the operator of the network is known, that is the reason. */
const reasonOf = (category: NetworkCategory): string => `asn:${category.toLowerCase()}`;

function writeReason(out: ByteWriter, { category, categoryReason }: Sighting): void {
  const known = categoryReason.startsWith('asn:') && categoryReason === reasonOf(category);
  out.flag(known);
  if (!known) out.text(categoryReason);
}

function isSameApartFromEvent(a: Sighting, b: Sighting): boolean {
  return (
    a.sourceIp === b.sourceIp && a.vantageId === b.vantageId && areSame(a.databases, b.databases) && a.tools.length === 0 && b.tools.length === 0 && a.kvm === null && b.kvm === null &&
    a.osTimeZone === b.osTimeZone && a.tlsFingerprint === b.tlsFingerprint && a.country === b.country && a.region === b.region && a.city === b.city &&
    a.latitude === b.latitude && a.longitude === b.longitude && a.asn === b.asn && a.organisation === b.organisation && a.category === b.category && a.categoryReason === b.categoryReason &&
    a.policy === b.policy && a.policyLatitude === b.policyLatitude && a.policyLongitude === b.policyLongitude && a.sourceDistanceKm === b.sourceDistanceKm
  );
}

export function readSighting(input: ByteReader, before: Sighting | null, near: number, dictionary: DatabasesDictionary): Sighting {
  const [at, eventId, hiddenHops, route] = [readTime(input, near), readName(input), input.count(), readRoute(input)];
  if (input.count() === AS_BEFORE) return { ...before!, at, eventId, hiddenHops, route };
  const category = readWord(input, CATEGORIES);
  const categoryReason = input.flag() ? reasonOf(category) : input.text();
  return {
    at,
    eventId,
    vantageId: input.text(),
    sourceIp: readName(input),
    country: input.optionalText(),
    region: input.optionalText(),
    city: input.optionalText(),
    latitude: readOptionalNumber(input),
    longitude: readOptionalNumber(input),
    asn: input.optional(() => input.count()),
    organisation: input.optionalText(),
    category,
    categoryReason,
    policy: input.optional(() => readWord(input, POLICIES)),
    policyLatitude: readOptionalNumber(input),
    policyLongitude: readOptionalNumber(input),
    sourceDistanceKm: readOptionalNumber(input),
    osTimeZone: input.optionalText(),
    tlsFingerprint: readOptionalName(input),
    hiddenHops,
    route,
    tools: input.plain<ToolFacts[] | null>() ?? [],
    kvm: input.plain<Sighting['kvm']>(),
    databases: dictionary.read(input),
  };
}

/** What a route tells is named by bits; 0 is a route that tells nothing. */
function writeRoute(out: ByteWriter, route: RouteFacts | null): void {
  if (route === null) return out.count(0);
  const { detour, relayHop, step, client } = route;
  out.count(1 | (detour === null ? 0 : 2) | (relayHop === null ? 0 : 4) | (step === null ? 0 : 8) | (client === null ? 0 : 16));
  if (detour !== null) {
    writeName(out, detour.ip);
    out.text(detour.country);
    writeWord(out, detour.category, CATEGORIES);
    out.integer(detour.extraKm);
  }
  if (relayHop !== null) {
    writeName(out, relayHop.ip);
    out.optionalText(relayHop.organisation);
    writeWord(out, relayHop.category, CATEGORIES);
  }
  if (step !== null) {
    writeName(out, step.toIp);
    out.integer(Math.round(step.stepMs * 10));
    out.integer(step.distanceKm);
  }
  if (client !== null) {
    writeName(out, client.ip);
    out.optionalText(client.country);
    writeWord(out, client.category, CATEGORIES);
    out.flag(client.policy);
  }
}

function readRoute(input: ByteReader): RouteFacts | null {
  const told = input.count();
  if (told === 0) return null;
  const category = () => readWord(input, CATEGORIES);
  return {
    detour: (told & 2) === 0 ? null : { ip: readName(input), country: input.text(), category: category(), extraKm: input.integer() },
    relayHop: (told & 4) === 0 ? null : { ip: readName(input), organisation: input.optionalText(), category: category() },
    step: (told & 8) === 0 ? null : { toIp: readName(input), stepMs: input.integer() / 10, distanceKm: input.integer() },
    client: (told & 16) === 0 ? null : { ip: readName(input), country: input.optionalText(), category: category(), policy: input.flag() },
  };
}
