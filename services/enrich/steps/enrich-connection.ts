/** Step: a connection with everything that is known of its addresses and its way. */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { PolicyMatcher } from '#lib/reference/port.ts';
import type { AddressFacts, Connection, EnrichedConnection, EventContext, NetworkFacts } from '#schemas/records.ts';
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
  const source = describe(book, policies, event.sourceIp);
  // Nearly all of these are empty, and no closure is made for what is.
  const forwardedFor: AddressFacts[] = [];
  for (const ip of event.forwardedFor) forwardedFor.push(describe(book, policies, ip));
  const hops: (AddressFacts | null)[] = [];
  for (const { ip } of event.hops) hops.push(ip === null ? null : describe(book, policies, ip));
  const remotePeers: (AddressFacts | null)[] = [];
  for (const { peerIp } of event.remoteTools) remotePeers.push(peerIp === null ? null : describe(book, policies, peerIp));
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
