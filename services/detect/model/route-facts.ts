/**
 * What the measured path and the forwarding chain of one connection record show, before anybody judges it.
 * Router addresses are often geolocated wrongly, so a hop counts only where its own round trip allows its place.
 */
import type { AddressFacts, EnrichedConnection, NetworkCategory } from '#schemas/records.ts';
import { floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';

export interface RouteFacts {
  /** The hop that leads furthest out of the way, where it leaves the countries of both ends and of the declared place. */
  detour: { ip: string; country: string; category: NetworkCategory; extraKm: number } | null;
  /** A hosting, VPN or Tor address in front of a source that is not one. */
  relayHop: { ip: string; organisation: string | null; category: NetworkCategory } | null;
  /** Between two located hops: the measured step, what their distance explains at most, and where. */
  step: { toIp: string; stepMs: number; distanceKm: number } | null;
  /** Client side of the forwarding chain, where it is a public address. */
  client: { ip: string; country: string | null; category: NetworkCategory; policy: boolean } | null;
}

const DETOUR_KM_MIN = 1500;

interface Located {
  facts: AddressFacts;
  latitude: number;
  longitude: number;
  rttMs: number | null;
}

function located(facts: AddressFacts | null, rttMs: number | null): Located | null {
  if (facts === null || facts.scope !== 'PUBLIC' || facts.latitude === null || facts.longitude === null) return null;
  return { facts, latitude: facts.latitude, longitude: facts.longitude, rttMs };
}

const apartKm = (a: { latitude: number; longitude: number }, b: { latitude: number; longitude: number }): number =>
  greatCircleKm(a.latitude, a.longitude, b.latitude, b.longitude);

/** Null where there is nothing to tell, which is the common case. */
export function routeFacts(record: EnrichedConnection): RouteFacts | null {
  const { event, network } = record;
  if (event.hops.length === 0 && network.forwardedFor.length === 0) return null;
  const hops: Located[] = [];
  event.hops.forEach((hop, i) => {
    const entry = located(network.hops[i] ?? null, hop.rttMs);
    if (entry !== null && entry.facts.ip !== event.sourceIp) hops.push(entry);
  });
  const facts: RouteFacts = {
    detour: detourOf(record, hops),
    relayHop: relayHopOf(network.source, hops),
    step: stepOf(hops),
    client: clientOf(network.forwardedFor),
  };
  return facts.detour === null && facts.relayHop === null && facts.step === null && facts.client === null ? null : facts;
}

function detourOf(record: EnrichedConnection, hops: readonly Located[]): RouteFacts['detour'] {
  const { context, network } = record;
  const { vantage, assignment } = context;
  const source = located(network.source, null);
  if (vantage === null || source === null) return null;
  const straight = apartKm(vantage, source);
  let worst: RouteFacts['detour'] = null;
  for (const hop of hops) {
    const { country, category, ip } = hop.facts;
    if (country === null || country === network.source.country || country === assignment?.declared.country) continue;
    const out = apartKm(vantage, hop);
    // Vantages carry no country: a hop near the vantage is in it.
    if (out < DETOUR_KM_MIN / 3) continue;
    const extraKm = out + apartKm(hop, source) - straight;
    const reachable = hop.rttMs !== null && hop.rttMs >= floorRttMs(out);
    if (reachable && extraKm >= DETOUR_KM_MIN && (worst === null || extraKm > worst.extraKm)) worst = { ip, country, category, extraKm: Math.round(extraKm) };
  }
  return worst;
}

function relayHopOf(source: AddressFacts, hops: readonly Located[]): RouteFacts['relayHop'] {
  if (source.category !== 'RESIDENTIAL' && source.category !== 'MOBILE') return null;
  // The vantage's own side is a cloud more often than not: only the hop next to the source tells about the source.
  const last = hops.at(-1)?.facts;
  if (last === undefined || (last.category !== 'HOSTING' && last.category !== 'VPN' && last.category !== 'TOR')) return null;
  return { ip: last.ip, organisation: last.organisation, category: last.category };
}

function stepOf(hops: readonly Located[]): RouteFacts['step'] {
  let worst: RouteFacts['step'] = null;
  let worstExcess = 0;
  for (let i = 1; i < hops.length; i++) {
    const [from, to] = [hops[i - 1]!, hops[i]!];
    if (from.rttMs === null || to.rttMs === null) continue;
    const stepMs = to.rttMs - from.rttMs;
    const distanceKm = apartKm(from, to);
    const excess = stepMs - floorRttMs(distanceKm);
    if (excess > worstExcess) {
      worstExcess = excess;
      worst = { toIp: to.facts.ip, stepMs: Math.round(stepMs * 10) / 10, distanceKm: Math.round(distanceKm) };
    }
  }
  return worstExcess >= 20 ? worst : null;
}

function clientOf(chain: readonly AddressFacts[]): RouteFacts['client'] {
  const client = chain.find((facts) => facts.scope === 'PUBLIC');
  if (client === undefined) return null;
  return { ip: client.ip, country: client.country, category: client.category, policy: client.policy !== null };
}
