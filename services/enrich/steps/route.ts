/**
 * Step: the way from the vantage to the client, leg by leg: vantage → hops by rising ttl → source → forwardedFor,
 * nearest first.
 *
 * A leg goes from the last node before it that has a place, so that the distances of a route add up although private
 * and silent hops lie between. A node without a place ends a leg without a distance. The measured step is that between
 * the same two ends; the vantage itself is at 0 ms.
 */
import { floorRttMs, greatCircleKm } from '#lib/kernel/geodesy.ts';
import type { AddressFacts, Hop, RouteLeg } from '#schemas/records.ts';

export interface GeoPoint {
  readonly latitude: number;
  readonly longitude: number;
}

/** Where an address is: where the tenant's policy says, else where the databases say; null for neither. */
export function placeOf(facts: AddressFacts): GeoPoint | null {
  const { policy } = facts;
  if (policy !== null && policy.latitude !== null && policy.longitude !== null) return policy as GeoPoint;
  return facts.latitude !== null && facts.longitude !== null ? (facts as GeoPoint) : null;
}

/** Kilometres between two places; null where one is unknown. */
export function distanceKm(a: GeoPoint | null, b: GeoPoint | null): number | null {
  return a === null || b === null ? null : greatCircleKm(a.latitude, a.longitude, b.latitude, b.longitude);
}

export interface RouteInput {
  readonly vantage: GeoPoint | null;
  readonly hops: readonly Hop[];
  /** In the order of `hops`; null where the hop has no address. */
  readonly hopFacts: readonly (AddressFacts | null)[];
  readonly source: AddressFacts;
  readonly sourceRttMs: number | null;
  /** Client side first, as in the event. */
  readonly forwardedFor: readonly AddressFacts[];
}

export function buildRoute(route: RouteInput): RouteLeg[] {
  const { vantage, hops, source, sourceRttMs, forwardedFor } = route;
  // Most connections were not traced, and have no proxy.
  return hops.length === 0 && forwardedFor.length === 0 ? [legTo(source, sourceRttMs, vantage, 0)] : legsOf(route);
}

function legsOf({ vantage, hops, hopFacts, source, sourceRttMs, forwardedFor }: RouteInput): RouteLeg[] {
  const legs: RouteLeg[] = [];
  let from = vantage;
  let fromRttMs: number | null = 0;

  const step = (facts: AddressFacts, rttMs: number | null) => {
    legs.push(legTo(facts, rttMs, from, fromRttMs));
    const to = placeOf(facts);
    if (to === null) return;
    from = to;
    fromRttMs = rttMs;
  };

  for (const index of risingTtl(hops)) {
    const facts = hopFacts[index];
    if (facts) step(facts, (hops[index] as Hop).rttMs);
  }
  step(source, sourceRttMs);
  for (let i = forwardedFor.length - 1; i >= 0; i--) step(forwardedFor[i] as AddressFacts, null);
  return legs;
}

function legTo(facts: AddressFacts, rttMs: number | null, from: GeoPoint | null, fromRttMs: number | null): RouteLeg {
  const km = distanceKm(from, placeOf(facts));
  return {
    distanceKm: km,
    floorRttMs: km === null ? null : floorRttMs(km),
    rttStepMs: rttMs === null || fromRttMs === null ? null : rttMs - fromRttMs,
    toIp: facts.ip,
  };
}

/** Positions of the hops by rising ttl; sensors deliver them in that order nearly always. */
function risingTtl(hops: readonly Hop[]): Iterable<number> {
  for (let i = 1; i < hops.length; i++) {
    if ((hops[i] as Hop).ttl >= (hops[i - 1] as Hop).ttl) continue;
    return [...hops.keys()].sort((a, b) => (hops[a] as Hop).ttl - (hops[b] as Hop).ttl || a - b);
  }
  return hops.keys();
}
