/**
 * What is kept of a connection record: one flat, small object with all that the signals ask. Derived on arrival, from
 * the record alone, so that it does not depend on the order of records.
 */
import type { AddressFacts, DatabaseVersion, EnrichedConnection, NetworkCategory, PolicyKind } from '#schemas/records.ts';
import { kvmFacts } from './kvm-devices.ts';
import { routeFacts, type RouteFacts } from './route-facts.ts';

export interface ToolFacts {
  name: string;
  peerIp: string | null;
  peerCountry: string | null;
  peerCategory: NetworkCategory | null;
  peerPolicy: boolean;
}

/** What the databases say of an address, and no more of it. */
type Located = Omit<AddressFacts, 'ip' | 'scope' | 'policy'>;

export interface Sighting extends Located {
  at: number;
  eventId: string;
  vantageId: string;
  sourceIp: string;
  policy: PolicyKind | null;
  policyLatitude: number | null;
  policyLongitude: number | null;
  sourceDistanceKm: number | null;
  osTimeZone: string | null;
  tlsFingerprint: string | null;
  hiddenHops: number;
  route: RouteFacts | null;
  /** Active remote tools, at most TOOLS_MAX. */
  tools: ToolFacts[];
  /** KVM hardware that was recognised: what it is, and how sure that is. */
  kvm: { usb: string | null; edid: string | null; common: boolean } | null;
  databases: DatabaseVersion[];
}

const TOOLS_MAX = 8;
const HOPS_HIDDEN_MAX = 255;

/** Category reasons that name a privacy relay of a consumer platform: many honest people use it without knowing. */
export const isPrivateRelay = (reason: string): boolean => /private.?relay/i.test(reason);
const SATELLITE = /starlink|space ?exploration|spacex|hughes|viasat|inmarsat|ses s\.?a|eutelsat|oneweb|iridium|telesat|skylogic|satellite/i;
/** Organisations whose access network is a satellite; a long last mile is honest there. */
export const isSatellite = (organisation: string | null): boolean => organisation !== null && SATELLITE.test(organisation);
/**
 * Organisations that are nothing but gateways of other organisations (cloud security gateways, secure access service edges): such a
 * gateway ends the transport, also where the customer's policy does not name it. An operator cannot use one without the customer.
 */
const SECURITY_GATEWAY = /zscaler|netskope|opendns|cisco umbrella|cato networks|iboss|forcepoint|menlo security|skyhigh|blue ?coat|palo alto networks/i;
export const isSecurityGateway = (organisation: string | null): boolean => organisation !== null && SECURITY_GATEWAY.test(organisation);

/** Gap from which the machine sits behind a satellite hop whose provider's proxy answers for it, ms; such a hop wanders by more than a leg adds. */
const SATELLITE_GAP_MS = 450;
/** Most that a rise of the gap counts there. */
const SATELLITE_RISE_MAX = 1;

/**
 * Bound on the strength of a rise from this gap. `behindGateway`: the transport ends before the person's own line, whose queues show in
 * the gap and in no round trip.
 */
export const riseMax = (organisation: string | null, gapMs: number, behindGateway: boolean): number => (behindGateway || isSatellite(organisation) || gapMs >= SATELLITE_GAP_MS ? SATELLITE_RISE_MAX : Infinity);

/** The organisation's own or a partner's network: where it leaves the network says nothing about the person. */
export const isTrustedEgress = (policy: PolicyKind | null): boolean => policy === 'CORPORATE_EGRESS' || policy === 'TRUSTED_PARTNER';
export const isRelay = (category: NetworkCategory | null): boolean => category === 'HOSTING' || category === 'VPN' || category === 'TOR';

export function sightingOf(record: EnrichedConnection): Sighting {
  const { event, network } = record;
  const { source } = network;
  const tools: ToolFacts[] = [];
  event.remoteTools.forEach((tool, i) => {
    if (!tool.active || tools.length >= TOOLS_MAX) return;
    const peer = network.remotePeers[i] ?? null;
    tools.push({
      name: tool.name,
      peerIp: tool.peerIp,
      peerCountry: peer?.country ?? null,
      peerCategory: peer !== null && peer.scope === 'PUBLIC' ? peer.category : null,
      peerPolicy: peer !== null && isTrustedEgress(peer.policy?.kind ?? null),
    });
  });
  let hiddenHops = 0;
  for (const hop of network.hops) if (hop === null || hop.scope !== 'PUBLIC') hiddenHops++;
  return {
    at: event.observedAt,
    eventId: event.eventId,
    vantageId: event.vantageId,
    sourceIp: event.sourceIp,
    country: source.country,
    region: source.region,
    city: source.city,
    latitude: source.latitude,
    longitude: source.longitude,
    asn: source.asn,
    organisation: source.organisation,
    category: source.category,
    categoryReason: source.categoryReason,
    policy: source.policy?.kind ?? null,
    policyLatitude: source.policy?.latitude ?? null,
    policyLongitude: source.policy?.longitude ?? null,
    sourceDistanceKm: network.sourceDistanceKm,
    osTimeZone: event.osTimeZone,
    tlsFingerprint: event.tlsFingerprint,
    hiddenHops: Math.min(HOPS_HIDDEN_MAX, hiddenHops),
    route: routeFacts(record),
    tools,
    kvm: kvmFacts(event.inputDevices, event.displayEdid),
    databases: network.databases,
  };
}
