/**
 * Hidden leg.
 *
 * Hypothesis: somebody sits behind a further leg that ends where the visible transport begins (a proxy that ends the
 *   transport, a remote desktop), so every keystroke is registered later than the transport explains.
 * Statistic: the gap (registration latency − transport RTT, half of it for two clocks, less the clock error) that all but
 *   one of the last six minutes of typing have, each by its own low quantile (20%); before there are six minutes, at most
 *   the low quantile of all keystrokes. Bursts of queueing reach the upper quantiles, not this one; load comes and goes,
 *   and a leg stays. Supported by what a slow machine does not do: spread below the median, and wandering of the minutes'
 *   low quantile, beyond the transport's spread, yet no wider than a leg of that length has.
 * Null: the gap is the machine's own. Machines differ far more than minutes of one machine do, so the p-value is the
 *   share of honest *machines* with so large a gap; more minutes confirm the figure and do not shrink the p-value.
 * Reference: GapBaseline (prior, later the learnt cohort), and the device's own earlier days.
 * Cost: a slow machine with +60 ms reaches LOW; two-clock sensors hide legs below their clock error.
 */
import { accessOf } from '../fleet/cohort.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, show, strengthOfP } from './reading.ts';
import { quantiles } from './sketch.ts';
import type { GapView, SessionView, SignalParameters, TransportView } from './view.ts';

export const hiddenLegSignal: SignalDescription = {
  name: 'hiddenLeg',
  family: 'latency',
  speaksFor: { REMOTE_OPERATOR: 0.85, VPN_OR_PROXY: 0.15 },
};

/** Days of own history from which a calm, always equal gap speaks for a slow machine. */
const OWN_DAYS_MIN = 2;
const OWN_MINUTES_MIN = 60;
const HELPDESK_MAX = 0.8;
/** Of the last minutes all but one must have the gap. */
const MINUTES_HELD = 6;

interface GapStatistic {
  /** The gap that holds, ms; the clock error is still in it. */
  lowMs: number;
  /** Minutes that it rests on; 0 where it rests on all keystrokes of the last 10 to 20 minutes. */
  minutes: number;
  samples: number;
  windowStart: number;
  /** What may be claimed: low quantile less the clock error, ms. */
  claimedMs: number;
  /** Spread of the gap that neither the transport nor a machine shows, ms. */
  jitterMs: number;
}

function gapStatistic(gap: GapView, transport: TransportView | null, { config }: SignalParameters): GapStatistic {
  const [pooled, median] = quantiles(gap.recent, [config.hiddenLeg.lowQuantile, 0.5]);
  const held = heldGap(gap);
  const low = held.minutes === MINUTES_HELD ? held.lowMs : Math.min(pooled!, held.lowMs);
  const base = held.minutes === MINUTES_HELD ? held : { minutes: 0, samples: gap.samples, windowStart: gap.windowStart };
  const transportSpread = transport === null || transport.spreadSamples === 0 ? 0 : transport.lowerSpreadMs;
  const spread = median! - pooled!;
  const free = config.hiddenLeg.jitterFreeMs + 0.05 * Math.max(0, low);
  return {
    lowMs: low,
    minutes: base.minutes,
    samples: base.samples,
    windowStart: base.windowStart,
    claimedMs: low - gap.clockErrorMs,
    jitterMs: Math.max(0, Math.max(spread - transportSpread, wander(gap, transportSpread)) - free),
  };
}

/** Second-lowest of the last minutes' low gaps, ms; no bound before there are three of them. */
function heldGap(gap: GapView): { lowMs: number; minutes: number; samples: number; windowStart: number } {
  const { minutes } = gap;
  const first = Math.max(0, minutes.length - MINUTES_HELD);
  const held = { lowMs: Infinity, minutes: minutes.length - first, samples: 0, windowStart: (minutes[first]?.end ?? 0) - 60_000 };
  if (held.minutes < 3) return held;
  let least = Infinity;
  let second = Infinity;
  for (let i = first; i < minutes.length; i++) {
    const { low, samples } = minutes[i]!;
    held.samples += samples;
    if (low < least) {
      second = least;
      least = low;
    } else if (low < second) second = low;
  }
  held.lowMs = second;
  return held;
}

/** Median step between the low gaps of successive minutes, beyond the transport's spread, ms; 0 below 6 minutes. */
function wander(gap: GapView, transportSpread: number): number {
  const { minutes } = gap;
  if (minutes.length < 6) return 0;
  const steps: number[] = [];
  for (let i = 1; i < minutes.length; i++) steps.push(Math.abs(minutes[i]!.low - minutes[i - 1]!.low));
  steps.sort((a, b) => a - b);
  return steps[Math.floor(steps.length / 2)]! - transportSpread;
}

export function hiddenLeg(view: SessionView, parameters: SignalParameters): Answer {
  const { gap, transport } = view;
  const settings = parameters.config.hiddenLeg;
  if (gap === null || gap.samples < settings.samplesMin) return NO_DATA;
  const statistic = gapStatistic(gap, transport, parameters);
  const { lowMs, claimedMs, jitterMs, samples, windowStart } = statistic;
  const reference = parameters.baseline.reference({
    tenantId: view.tenantId,
    vantageId: view.vantage?.vantageId ?? null,
    sensor: gap.sensor,
    twoClocks: gap.twoClocks,
    country: view.declared?.country ?? null,
    at: view.windowEnd,
    region: view.declared?.region ?? view.declared?.country ?? null,
    access: accessOf(view.sighting),
  });
  const expected = reference.atShare(0.1);
  const { fusion } = parameters.config;
  if (claimedMs <= expected) return QUIET;
  const log10P = reference.log10Tail(claimedMs);
  let strength = strengthOfP(log10P, fusion.calibratorKappa);
  const calm = isCalmMachine(gap, lowMs, jitterMs);
  if (calm) strength *= settings.calmShare;
  // Load in bursts looks like jitter until enough minutes show whether the gap stays.
  const support = statistic.minutes === 0 || jitterMs > settings.jitterShareMax * claimedMs ? 0 : Math.min(1, jitterMs / 6) * settings.jitterSupportMax;
  if (strength >= 0.5) strength += support;
  strength = Math.min(view.helpdesk ? HELPDESK_MAX : settings.strengthMax, strength);
  if (strength < 0.3) return QUIET;
  return {
    strength,
    ubiquitous: false,
    observed: claimedMs,
    expected,
    unit: 'ms',
    samples,
    windowStart,
    windowEnd: view.windowEnd,
    explanation: explain({ gap, statistic, expected, share: 10 ** log10P, origin: reference.origin, calm, support, lowQuantile: settings.lowQuantile }),
  };
}

/** The gap was the same, and calm, on earlier days: what a slow machine looks like. */
function isCalmMachine(gap: GapView, lowMs: number, jitterMs: number): boolean {
  const { own } = gap;
  if (own === null || own.days < OWN_DAYS_MIN || own.minutes < OWN_MINUTES_MIN || jitterMs > 0) return false;
  return Math.abs(own.typicalMs - lowMs) <= 4 + 0.1 * own.typicalMs;
}

interface Told {
  gap: GapView;
  statistic: GapStatistic;
  expected: number;
  share: number;
  origin: string;
  calm: boolean;
  support: number;
  lowQuantile: number;
}

function explain(told: Told): string {
  const { gap } = told;
  const { lowMs, claimedMs, jitterMs, minutes, samples } = told.statistic;
  const share = `${Math.round((1 - told.lowQuantile) * 100)}% of`;
  const keys = samples.toLocaleString('en-US');
  const least = minutes > 0 ? `In all but one of the last ${minutes} minutes of typing (${keys} keystrokes) ${share} the keystrokes` : `${share} ${keys} keystrokes`;
  const clocks = gap.twoClocks
    ? `${least} were registered at least ${show(lowMs)} ms later than half the network round trip explains; less the clock error of ${show(gap.clockErrorMs)} ms, ${show(claimedMs)} ms may be claimed (a shorter leg would stay hidden in that error)`
    : `${least} were registered at least ${show(claimedMs)} ms later than the network round trip explains`;
  const null_ = `90% of honest machines stay below ${show(told.expected)} ms and a share of ${told.share.toExponential(1)} reaches this gap (${told.origin})`;
  const jitter = told.support > 0 ? `; the gap itself varies by ${show(jitterMs)} ms more than the transport and a machine explain` : '';
  const calm = told.calm ? '; the device has shown the same calm gap on earlier days, as a slow machine would' : '';
  return `${clocks}; ${null_}${jitter}${calm}, which is consistent with a further leg behind the workstation.`;
}
