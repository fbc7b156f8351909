/** Step: a connection with everything that is known of its addresses and its way. */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { PolicyMatcher } from '#lib/reference/port.ts';
import type { Connection, EnrichedConnection, EventContext, NetworkFacts } from '#schemas/records.ts';
import type { AddressBook } from '../address-book.ts';
import type { DescribeAddress } from './describe-addresses.ts';
import { buildRoute, distanceKm, placeOf } from './route.ts';

export type EnrichConnection = (event: Connection, context: EventContext, book: AddressBook, policies: PolicyMatcher) => EnrichedConnection;

export function createEnrichConnection(describe: DescribeAddress): EnrichConnection {
  return function enrichConnection(event, context, book, policies) {
    return { type: 'EnrichedConnection', event, context, network: networkFacts(describe, event, context, book, policies) };
  };
}

function networkFacts(describe: DescribeAddress, event: Connection, context: EventContext, book: AddressBook, policies: PolicyMatcher): NetworkFacts {
  const factsOf = (ip: string) => describe(book, policies, ip);
  const source = factsOf(event.sourceIp);
  const forwardedFor = event.forwardedFor.map(factsOf);
  const hops = event.hops.map(({ ip }) => (ip === null ? null : factsOf(ip)));
  const remotePeers = event.remoteTools.map(({ peerIp }) => (peerIp === null ? null : factsOf(peerIp)));
  const { vantage } = context;
  const declared = context.assignment?.declared ?? null;
  const sourcePlace = placeOf(source);
  const sourceDistanceKm = distanceKm(vantage, sourcePlace);
  return {
    source,
    forwardedFor,
    hops,
    remotePeers,
    route: buildRoute({ vantage, hops: event.hops, hopFacts: hops, source, sourceRttMs: event.rttMinMs, forwardedFor }),
    sourceDistanceKm,
    sourceFloorRttMs: sourceDistanceKm === null ? null : floorRttMs(sourceDistanceKm),
    declaredDistanceKm: distanceKm(vantage, declared),
    sourceToDeclaredKm: distanceKm(sourcePlace, declared),
    databases: book.versions,
  };
}
