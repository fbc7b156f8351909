/**
 * What is kept of a connection record: one flat, small object with all that the signals ask. Derived on arrival, from
 * the record alone, so that it does not depend on the order of records.
 */
import type { AddressFacts, Connection, DatabaseVersion, EnrichedConnection, NetworkCategory, PolicyKind, Sensor } from '#schemas/records.ts';
import { kvmFacts } from './kvm-devices.ts';
import { remembered } from './remembered.ts';
import { routeFacts, type RouteFacts } from './route-facts.ts';
import type { SessionView } from './view.ts';

export interface ToolFacts {
  name: string;
  peerIp: string | null;
  peerCountry: string | null;
  peerCategory: NetworkCategory | null;
  peerPolicy: boolean;
  /** Installed and not in use; absent where it is. */
  idle?: true;
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
  /** Remote tools, those in use first, at most TOOLS_MAX. */
  tools: readonly ToolFacts[];
  /** KVM hardware that was recognised: what it is, and how sure that is. */
  kvm: { usb: string | null; edid: string | null; common: boolean } | null;
  databases: DatabaseVersion[];
}

const TOOLS_MAX = 8;
const HOPS_HIDDEN_MAX = 255;

/** Texts whose answer is remembered: the same few names come with every window. */
const REMEMBERED_MAX = 4096;

/** Whether a text has the pattern in it. */
const remembering = (pattern: RegExp): ((text: string) => boolean) => remembered(REMEMBERED_MAX, (text) => pattern.test(text));

/** Category reasons that name a privacy relay of a consumer platform: many honest people use it without knowing. */
export const isPrivateRelay = remembering(/private.?relay/i);
const namesSatellite = remembering(/starlink|space ?exploration|spacex|hughes|viasat|inmarsat|ses s\.?a|eutelsat|oneweb|iridium|telesat|skylogic|satellite/i);
/** Organisations whose access network is a satellite; a long last mile is honest there. */
export const isSatellite = (organisation: string | null): boolean => organisation !== null && namesSatellite(organisation);
/**
 * Organisations that are nothing but gateways of other organisations (cloud security gateways, secure access service edges): such a
 * gateway ends the transport, also where the customer's policy does not name it. An operator cannot use one without the customer.
 */
const namesSecurityGateway = remembering(/zscaler|netskope|opendns|cisco umbrella|cato networks|iboss|forcepoint|menlo security|skyhigh|blue ?coat|palo alto networks/i);
export const isSecurityGateway = (organisation: string | null): boolean => organisation !== null && namesSecurityGateway(organisation);

/**
 * Most that a gap or a longer way counts for alone in a business network, decades: it may have an egress that no policy names, which ends the
 * transport or has more network behind it, and whose people are not known yet.
 */
export const BUSINESS_MAX = 2;

/** Where the source stands: the organisation knows better than a database. */
export const latitudeOf = ({ policyLatitude, latitude }: Sighting): number | null => policyLatitude ?? latitude;
export const longitudeOf = ({ policyLongitude, longitude }: Sighting): number | null => policyLongitude ?? longitude;

/** Gap from which the machine sits behind a satellite hop whose provider's proxy answers for it, ms; such a hop wanders by more than a leg adds. */
const SATELLITE_GAP_MS = 450;
/** Most that a rise of the gap counts there. */
const SATELLITE_RISE_MAX = 1;

/** Gap from which a desktop is hosted elsewhere than its gateway, ms: few machines show it by themselves. The honest way in between changes its route as any does. */
export const HOSTED_ELSEWHERE_MS = 25;
/** Most that a rise counts there: a route of 170 ms more came and went in the recorded ways of servers. */
const ROUTE_RISE_MAX = 2;

/**
 * Bound on the strength of a rise from `gapMs`. Behind a gateway the transport ends before the person's own line, whose queues show in
 * the gap and in no round trip.
 */
export function riseMax({ sighting, gateway }: Pick<SessionView, 'sighting' | 'gateway'>, sensor: Sensor, gapMs: number): number {
  if (gateway !== null || isSatellite(sighting?.organisation ?? null) || gapMs >= SATELLITE_GAP_MS) return SATELLITE_RISE_MAX;
  return sensor === 'VDI_GATEWAY' && gapMs >= HOSTED_ELSEWHERE_MS ? ROUTE_RISE_MAX : Infinity;
}

/** The organisation's own or a partner's network: where it leaves the network says nothing about the person. */
export const isTrustedEgress = (policy: PolicyKind | null): boolean => policy === 'CORPORATE_EGRESS' || policy === 'TRUSTED_PARTNER';
export const isRelay = (category: NetworkCategory | null): boolean => category === 'HOSTING' || category === 'VPN' || category === 'TOR';

/** Nearly everybody's: one for all of them. */
const NO_TOOLS: readonly ToolFacts[] = [];

function toolsOf({ event, network }: EnrichedConnection): readonly ToolFacts[] {
  if (event.remoteTools.length === 0) return NO_TOOLS;
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
  for (const { name, active } of event.remoteTools) if (!active && tools.length < TOOLS_MAX) tools.push({ name, peerIp: null, peerCountry: null, peerCategory: null, peerPolicy: false, idle: true });
  return tools;
}

function hiddenHopsOf({ hops }: EnrichedConnection['network']): number {
  let hidden = 0;
  for (let i = 0; i < hops.length; i++) if (hops[i]?.scope !== 'PUBLIC') hidden++;
  return Math.min(HOPS_HIDDEN_MAX, hidden);
}

const NOWHERE: Sighting = {
  at: Number.NaN,
  eventId: '',
  vantageId: '',
  sourceIp: '',
  country: null,
  region: null,
  city: null,
  latitude: null,
  longitude: null,
  asn: null,
  organisation: null,
  category: 'UNKNOWN',
  categoryReason: '',
  policy: null,
  policyLatitude: null,
  policyLongitude: null,
  sourceDistanceKm: null,
  osTimeZone: null,
  tlsFingerprint: null,
  hiddenHops: 0,
  route: null,
  tools: NO_TOOLS,
  kvm: null,
  databases: [],
};

/** A sighting that says nothing yet. */
export const newSighting = ({ vantageId, sourceIp }: Connection): Sighting => ({ ...NOWHERE, vantageId, sourceIp });

export function sightingOf(record: EnrichedConnection): Sighting {
  const sighting = newSighting(record.event);
  sightAgain(sighting, record);
  return sighting;
}

/** What a sighting says beyond when, where, by which event and with which databases it was made. */
export type SightingFacts = Omit<Sighting, 'at' | 'eventId' | 'vantageId' | 'sourceIp' | 'databases'>;

/** Puts what a record of the same source and vantage says in the place of what the sighting says; nobody else may hold that. */
export function sightAgain(sighting: Sighting, record: EnrichedConnection): void {
  const { event, network } = record;
  const { policy } = network.source;
  take(sighting, event, network.source, network.databases);
  sighting.policy = policy?.kind ?? null;
  sighting.policyLatitude = policy?.latitude ?? null;
  sighting.policyLongitude = policy?.longitude ?? null;
  sighting.sourceDistanceKm = network.sourceDistanceKm;
  sighting.osTimeZone = event.osTimeZone;
  sighting.tlsFingerprint = event.tlsFingerprint;
  sighting.hiddenHops = hiddenHopsOf(network);
  sighting.route = routeFacts(record);
  sighting.tools = toolsOf(record);
  sighting.kvm = kvmFacts(event.inputDevices, event.displayEdid);
}

/** The same, of facts that were found before. */
export function sightFacts(sighting: Sighting, event: Connection, facts: SightingFacts, databases: DatabaseVersion[]): void {
  take(sighting, event, facts, databases);
  sighting.policy = facts.policy;
  sighting.policyLatitude = facts.policyLatitude;
  sighting.policyLongitude = facts.policyLongitude;
  sighting.sourceDistanceKm = facts.sourceDistanceKm;
  sighting.osTimeZone = facts.osTimeZone;
  sighting.tlsFingerprint = facts.tlsFingerprint;
  sighting.hiddenHops = facts.hiddenHops;
  sighting.route = facts.route;
  sighting.tools = facts.tools;
  sighting.kvm = facts.kvm;
}

function take(sighting: Sighting, event: Connection, source: Located, databases: DatabaseVersion[]): void {
  sighting.at = event.observedAt;
  sighting.eventId = event.eventId;
  sighting.country = source.country;
  sighting.region = source.region;
  sighting.city = source.city;
  sighting.latitude = source.latitude;
  sighting.longitude = source.longitude;
  sighting.asn = source.asn;
  sighting.organisation = source.organisation;
  sighting.category = source.category;
  sighting.categoryReason = source.categoryReason;
  sighting.databases = databases;
}
