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
import { NO_DATA, QUIET, type Answer, type Reading, type SignalDescription, shareText, show, strengthOfShare } from './reading.ts';
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
const ONE = { observed: 1, expected: 0, unit: 'count' };

export function route(view: SessionView, { config }: SignalParameters): Answer {
  const { sighting, declared } = view;
  if (sighting === null) return NO_DATA;
  const facts = sighting.route;
  if (facts === null || isTrustedEgress(sighting.policy)) return QUIET;
  const { client, detour, relayHop, step } = facts;
  if (client !== null && !client.policy && declared !== null && client.country !== null && client.country !== declared.country) {
    return told(view, HONEST_SHARE.clientAbroad, false, ONE, `A proxy on the way reports ${client.ip} in ${client.country} (${client.category}) as its client, while the declared place is in ${declared.country}`);
  }
  if (detour !== null) {
    const relay = isRelay(detour.category);
    const way = { observed: detour.extraKm, expected: 0, unit: 'km' };
    return told(view, relay ? HONEST_SHARE.detourRelay : HONEST_SHARE.detour, !relay, way, `The measured path leads over ${detour.ip} in ${detour.country} (${detour.category}), ${show(detour.extraKm)} km out of the way to ${sighting.sourceIp}, and its round trip allows that place`);
  }
  if (step !== null) {
    const explained = floorRttMs(step.distanceKm) * config.network.inflationHigh + STEP_GRACE_MS;
    if (step.stepMs > explained) {
      const rise = { observed: step.stepMs, expected: explained, unit: 'ms' };
      return told(view, HONEST_SHARE.step, true, rise, `The round trip rises by ${show(step.stepMs)} ms at the hop ${step.toIp}, ${show(step.distanceKm)} km from the one before, which explains at most ${show(explained)} ms`);
    }
  }
  if (client !== null && !client.policy && isRelay(client.category)) {
    return told(view, HONEST_SHARE.clientRelay, true, ONE, `A proxy on the way reports ${client.ip}, a ${client.category} address, as its client`);
  }
  if (relayHop !== null) {
    return told(view, HONEST_SHARE.relayHop, true, ONE, `The hop next to the ${sighting.category.toLowerCase()} source, ${relayHop.ip} (${relayHop.organisation ?? 'unknown organisation'}), is in a ${relayHop.category} network`);
  }
  return QUIET;
}

function told({ windowStart, windowEnd }: SessionView, share: number, ubiquitous: boolean, figures: Pick<Reading, 'observed' | 'expected' | 'unit'>, text: string): Reading {
  return { strength: strengthOfShare(share), ubiquitous, ...figures, samples: 1, windowStart, windowEnd, explanation: `${text}; ${shareText(share)} show as much.` };
}
