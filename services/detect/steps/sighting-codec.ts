/** A sighting as bytes, field by field: sessions and windows hold several, and as JSON they would be most of a state. */
import type { NetworkCategory, PolicyKind } from '#schemas/records.ts';
import type { RouteFacts } from '../model/route-facts.ts';
import type { Sighting, ToolFacts } from '../model/sighting.ts';
import type { ByteReader, ByteWriter } from './bytes.ts';
import type { DatabasesDictionary } from './databases-dictionary.ts';

const IN_FULL = 0;
/** As the one before it, but for its time, event and path. */
const AS_BEFORE = 1;

/** `before`: a sighting that the reader will have at this point, for example the session's. */
export function writeSighting(out: ByteWriter, s: Sighting, before: Sighting | null, dictionary: DatabasesDictionary): void {
  out.integer(s.at);
  out.text(s.eventId);
  out.count(s.hiddenHops);
  writeRoute(out, s.route);
  if (before !== null && isSameApartFromEvent(s, before)) return out.count(AS_BEFORE);
  out.count(IN_FULL);
  out.text(s.vantageId);
  out.text(s.sourceIp);
  out.optionalText(s.country);
  out.optionalText(s.region);
  out.optionalText(s.city);
  out.optionalDouble(s.latitude);
  out.optionalDouble(s.longitude);
  out.optional(s.asn, (asn) => out.count(asn));
  out.optionalText(s.organisation);
  out.text(s.category);
  out.text(s.categoryReason);
  out.optionalText(s.policy);
  out.optionalDouble(s.policyLatitude);
  out.optionalDouble(s.policyLongitude);
  out.optionalDouble(s.sourceDistanceKm);
  out.optionalText(s.osTimeZone);
  out.optionalText(s.tlsFingerprint);
  out.plain(s.tools.length === 0 ? null : s.tools);
  out.plain(s.kvm);
  dictionary.write(out, s.databases);
}

function isSameApartFromEvent(a: Sighting, b: Sighting): boolean {
  return (
    a.sourceIp === b.sourceIp && a.vantageId === b.vantageId && a.databases === b.databases && a.tools.length === 0 && b.tools.length === 0 && a.kvm === null && b.kvm === null &&
    a.osTimeZone === b.osTimeZone && a.tlsFingerprint === b.tlsFingerprint && a.country === b.country && a.region === b.region && a.city === b.city &&
    a.latitude === b.latitude && a.longitude === b.longitude && a.asn === b.asn && a.organisation === b.organisation && a.category === b.category && a.categoryReason === b.categoryReason &&
    a.policy === b.policy && a.policyLatitude === b.policyLatitude && a.policyLongitude === b.policyLongitude && a.sourceDistanceKm === b.sourceDistanceKm
  );
}

export function readSighting(input: ByteReader, before: Sighting | null, dictionary: DatabasesDictionary): Sighting {
  const [at, eventId, hiddenHops, route] = [input.integer(), input.text(), input.count(), readRoute(input)];
  if (input.count() === AS_BEFORE) return { ...before!, at, eventId, hiddenHops, route };
  return {
    at,
    eventId,
    vantageId: input.text(),
    sourceIp: input.text(),
    country: input.optionalText(),
    region: input.optionalText(),
    city: input.optionalText(),
    latitude: input.optionalDouble(),
    longitude: input.optionalDouble(),
    asn: input.optional(() => input.count()),
    organisation: input.optionalText(),
    category: input.text() as NetworkCategory,
    categoryReason: input.text(),
    policy: input.optionalText() as PolicyKind | null,
    policyLatitude: input.optionalDouble(),
    policyLongitude: input.optionalDouble(),
    sourceDistanceKm: input.optionalDouble(),
    osTimeZone: input.optionalText(),
    tlsFingerprint: input.optionalText(),
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
    out.text(detour.ip);
    out.text(detour.country);
    out.text(detour.category);
    out.integer(detour.extraKm);
  }
  if (relayHop !== null) {
    out.text(relayHop.ip);
    out.optionalText(relayHop.organisation);
    out.text(relayHop.category);
  }
  if (step !== null) {
    out.text(step.toIp);
    out.integer(Math.round(step.stepMs * 10));
    out.integer(step.distanceKm);
  }
  if (client !== null) {
    out.text(client.ip);
    out.optionalText(client.country);
    out.text(client.category);
    out.flag(client.policy);
  }
}

function readRoute(input: ByteReader): RouteFacts | null {
  const told = input.count();
  if (told === 0) return null;
  const category = () => input.text() as NetworkCategory;
  return {
    detour: (told & 2) === 0 ? null : { ip: input.text(), country: input.text(), category: category(), extraKm: input.integer() },
    relayHop: (told & 4) === 0 ? null : { ip: input.text(), organisation: input.optionalText(), category: category() },
    step: (told & 8) === 0 ? null : { toIp: input.text(), stepMs: input.integer() / 10, distanceKm: input.integer() },
    client: (told & 16) === 0 ? null : { ip: input.text(), country: input.optionalText(), category: category(), policy: input.flag() },
  };
}
