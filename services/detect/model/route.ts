/**
 * Route.
 *
 * Hypothesis: the way to the source leads through a relay or another country.
 * Statistic: the client end of the forwarding chain; a hop out of the way (its own round trip allows its place); a hosting
 *   or VPN hop next to a residential source; a step between two located hops that their distance cannot explain.
 * Null: transit providers take odd ways and routers are geolocated wrongly; a single odd hop is common.
 * Reference: ⅔c floor and fitted inflation between the hops; the path's last step to the source belongs to path excess, so
 *   that one long last mile is not counted twice; steps within the path count little, for the same reason.
 * Cost: only the forwarding chain can carry a finding; the rest is ubiquitous.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, show, strengthOfShare } from './reading.ts';
import { isRelay, isTrustedEgress } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const routeSignal: SignalDescription = {
  name: 'route',
  family: 'network',
  weight: 0.2,
  speaksFor: { VPN_OR_PROXY: 0.7, DEVICE_ELSEWHERE: 0.3 },
};

/** Shares of honest session-days on whose path this is seen: a stated prior. */
const HONEST_SHARE = { clientAbroad: 5e-4, clientRelay: 0.02, detourRelay: 0.01, detour: 0.05, relayHop: 0.05, step: 0.1 } as const;
/** Queueing and slow answers of routers that a step is granted, ms. */
const STEP_GRACE_MS = 60;

export function route(view: SessionView, { config }: SignalParameters): Answer {
  const { sighting, declared } = view;
  if (sighting === null) return NO_DATA;
  const facts = sighting.route;
  if (facts === null || isTrustedEgress(sighting.policy)) return QUIET;
  const base = { windowStart: view.windowStart, windowEnd: view.windowEnd, samples: 1 };
  const { client, detour, relayHop, step } = facts;
  if (client !== null && !client.policy && declared !== null && client.country !== null && client.country !== declared.country) {
    return { ...base, strength: strengthOfShare(HONEST_SHARE.clientAbroad), ubiquitous: false, observed: 1, expected: 0, unit: 'count', explanation: `A proxy on the way reports ${client.ip} in ${client.country} (${client.category}) as its client, while the declared place is in ${declared.country}.` };
  }
  if (detour !== null) {
    return { ...base, strength: strengthOfShare(isRelay(detour.category) ? HONEST_SHARE.detourRelay : HONEST_SHARE.detour), ubiquitous: !isRelay(detour.category), observed: detour.extraKm, expected: 0, unit: 'km', explanation: `The measured path leads over ${detour.ip} in ${detour.country} (${detour.category}), ${show(detour.extraKm)} km out of the way to ${sighting.sourceIp}, and its round trip allows that place.` };
  }
  if (step !== null) {
    const explained = floorRttMs(step.distanceKm) * config.network.inflationHigh + STEP_GRACE_MS;
    if (step.stepMs > explained) {
      return { ...base, strength: strengthOfShare(HONEST_SHARE.step), ubiquitous: true, observed: step.stepMs, expected: explained, unit: 'ms', explanation: `The round trip rises by ${show(step.stepMs)} ms at the hop ${step.toIp}, ${show(step.distanceKm)} km from the one before, which explains at most ${show(explained)} ms.` };
    }
  }
  if (client !== null && !client.policy && isRelay(client.category)) {
    return { ...base, strength: strengthOfShare(HONEST_SHARE.clientRelay), ubiquitous: true, observed: 1, expected: 0, unit: 'count', explanation: `A proxy on the way reports ${client.ip}, a ${client.category} address, as its client.` };
  }
  if (relayHop !== null) {
    return { ...base, strength: strengthOfShare(HONEST_SHARE.relayHop), ubiquitous: true, observed: 1, expected: 0, unit: 'count', explanation: `The hop next to the ${sighting.category.toLowerCase()} source, ${relayHop.ip} (${relayHop.organisation ?? 'unknown organisation'}), is in a ${relayHop.category} network.` };
  }
  return QUIET;
}
