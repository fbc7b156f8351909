/**
 * What gap an honest machine may have. The first set knows a configured prior per kind of sensor; a learnt cohort
 * (tenant × vantage × declared region × access network) implements the same interface and goes in its place.
 */
import type { Sensor } from '#schemas/records.ts';
import type { DetectConfig, GapPrior } from '../config.ts';
import { remembered } from './remembered.ts';

export interface GapQuery {
  tenantId: string;
  vantageId: string | null;
  sensor: Sensor;
  twoClocks: boolean;
  country: string | null;
  /** End of the window that asks, epoch ms: what was learnt later is not known yet. Absent: the prior alone. */
  at?: number;
  /** Declared region, and the kind of access network (fleet/cohort.ts). */
  region?: string | null;
  access?: string;
}

export interface GapReference {
  medianMs: number;
  /** log10 of the share of honest machines whose gap is at least `gapMs`. */
  log10Tail(gapMs: number): number;
  /** The gap that only the `share` part of honest machines reaches, ms. */
  atShare(share: number): number;
  /** Where the figures come from, for the explanation. */
  origin: string;
}

export interface GapBaseline {
  reference(query: GapQuery): GapReference;
}

const SHARES_MAX = 64;

/** Linear in (log10 gap, log10 share); flat share 1 at the median and below, the last slope goes on beyond the last point. */
export function priorReference(prior: GapPrior, origin: string): GapReference {
  const logGap = prior.tail.map((point) => Math.log10(point.gapMs));
  const logShare = prior.tail.map((point) => Math.log10(point.share));
  logGap.unshift(Math.log10(Math.min(prior.medianMs, prior.tail[0]!.gapMs * 0.99)));
  logShare.unshift(Math.log10(0.5));
  const last = logGap.length - 1;
  const along = (x: readonly number[], y: readonly number[], at: number, rising: boolean): number => {
    let i = 1;
    while (i < last && (rising ? at > x[i]! : at < x[i]!)) i++;
    return y[i - 1]! + ((y[i]! - y[i - 1]!) * (at - x[i - 1]!)) / (x[i]! - x[i - 1]!);
  };
  // With every window the same share is asked for.
  const atShare = remembered(SHARES_MAX, (share: number) => 10 ** along(logShare, logGap, Math.log10(share), false));
  return {
    medianMs: prior.medianMs,
    log10Tail: (gapMs) => (gapMs <= prior.medianMs ? Math.log10(0.5) : Math.max(-12, along(logGap, logShare, Math.log10(gapMs), true))),
    atShare,
    origin,
  };
}

export function createPriorBaseline(config: DetectConfig): GapBaseline {
  const direct = priorReference(config.hiddenLeg.direct, 'configured prior');
  const hosted = priorReference(config.hiddenLeg.hosted, 'configured prior for hosted desktops');
  return { reference: (query) => (query.sensor === 'VDI_GATEWAY' ? hosted : direct) };
}
