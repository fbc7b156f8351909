/**
 * Honest gaps behind a gateway that ends the transport of several people: those of the people behind it, one a person, and no more
 * than the way from the gateway to the declared place can be.
 *
 * Under the null the people behind a gateway are exchangeable, so the share of them who show at least this gap (the session's
 * own person among them) is a p-value, however their gaps are distributed. Few people allow no small one: behind a gateway that few
 * share, only what was not there before (own gap, onset) and the other families speak.
 * Of a gateway that the organisation has declared and of whose people too little is known, the way alone is granted.
 * The way cannot be longer than from the gateway back to the vantage, which the transport measures, and on to the declared place.
 */
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import type { GatewayFigures } from '../fleet/gateway.ts';
import type { GapReference } from './baseline.ts';
import type { SessionView, SignalParameters } from './view.ts';
import { routesMostMs } from './way.ts';

/** The longest way from the gateway to the declared place, round trip, ms; 0 where nothing is known of it. */
export function gatewayLegMostMs({ transport, declaredDistanceKm }: SessionView, { config }: SignalParameters): number {
  if (transport === null || declaredDistanceKm === null) return 0;
  const floor = floorRttMs(declaredDistanceKm);
  return transport.leastMs + floor + routesMostMs(floor, config.network) + config.network.lastMileMs;
}

/** @param scale of the session's gaps: 1 for round trips, 0.5 for one way */
export function behindGateway(prior: GapReference, { people, shown, gapsMs }: GatewayFigures, legMostMs: number, scale: number): GapReference {
  const gaps = gapsMs.map((ms) => ms * scale);
  const most = legMostMs * scale;
  return {
    medianMs: gaps[gaps.length >> 1] ?? prior.medianMs + most,
    log10Tail(gapMs) {
      if (gaps.length === 0) return prior.log10Tail(gapMs - most);
      const above = gaps.length - gaps.filter((ms) => ms < gapMs).length;
      return Math.max(Math.log10(Math.max(1, above) / gaps.length), prior.log10Tail(gapMs - most));
    },
    atShare(share) {
      if (gaps.length === 0) return prior.atShare(share) + most;
      const above = Math.floor(share * gaps.length);
      return Math.max(above >= 1 ? gaps[gaps.length - above]! : gaps.at(-1)!, prior.atShare(share));
    },
    origin: gaps.length === 0 ? `${prior.origin}, beyond the ${Math.round(most)} ms that the way behind the organisation's gateway may take` : `${shown} of the ${people} people behind the same gateway, at which their transport ends`,
  };
}
