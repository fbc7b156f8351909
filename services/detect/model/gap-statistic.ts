/**
 * What a session's gap comes to: the level that holds, and how it varies beyond the transport and a machine. The meaning is
 * hidden-leg's; here is how it is measured.
 */
import { OWN_MINUTES_MIN } from './history.ts';
import { HOSTED_ELSEWHERE_MS } from './sighting.ts';
import { quantiles } from './sketch.ts';
import { MINUTES_MAX, type GapView, type MinuteSummary, type SignalParameters, type TransportView } from './view.ts';

/** Of the last minutes all but one must have the gap. */
export const MINUTES_HELD = 6;
/** Minutes from which it is looked at whether the low gaps come and go, and how far they drift. */
const KEPT_MINUTES = 10;
const DRIFT_MINUTES = 16;
/** Minutes that a gap must have been there to count in full; where it spreads, as load does, MINUTES_HELD. */
export const EARLY_MINUTES = 4;
/**
 * Share of a gap that counts until then: a burst of load lasts some minutes and stretches what a machine needs, so that for so long
 * more machines show a large gap than keep one.
 */
export const EARLY_SHARE = 0.7;

export interface GapStatistic {
  /** The gap that holds, ms; the clock error is still in it. */
  lowMs: number;
  /** It is what half of the keystrokes have, the others being much faster. */
  mixed: boolean;
  /** Minutes that it rests on; 0 where it rests on all keystrokes of the last 10 to 20 minutes. */
  minutes: number;
  samples: number;
  windowStart: number;
  /** What may be claimed: low quantile less the clock error, ms. */
  claimedMs: number;
  /** What lies between a fifth and a half of a minute's keystrokes, and the same of the transport's round trips, ms. */
  spreadMs: number;
  transportSpreadMs: number;
  /** Spread of the gap that neither the transport nor a machine shows, ms. */
  jitterMs: number;
  /** Drift of the minutes' low gaps beyond the transport's, ms. */
  driftMs: number;
}

/**
 * No gap of this session can be claimed to be larger, ms: what the last minutes tell without looking at all of them. It settles
 * nearly every window of nearly everybody.
 */
export function claimableMs(gap: GapView, transport: TransportView | null, explainedMs: number, { config }: SignalParameters): number {
  const held = heldLow(gap.minutes);
  const floor = held === Infinity ? quantiles(gap.recent(), [config.hiddenLeg.lowQuantile])[0]! : held;
  return Math.max(floor, mixtureMost(gap.minutes, lowerSpread(transport))) - gap.clockErrorMs - explainedMs;
}

/** @param explainedMs what an organisation's gateway explains of the gap, ms */
export function gapStatistic(gap: GapView, transport: TransportView | null, explainedMs: number, { config }: SignalParameters): GapStatistic {
  const [pooled, median] = quantiles(gap.recent(), [config.hiddenLeg.lowQuantile, 0.5]);
  const { minutes } = gap;
  const held = heldGap(gap);
  const lows = sortedLows(minutes);
  const floor = Math.min(held.minutes === MINUTES_HELD ? held.lowMs : Math.min(pooled!, held.lowMs), keptGap(minutes, lows, held.lowMs));
  const base = held.minutes === MINUTES_HELD ? held : { minutes: 0, samples: gap.samples, windowStart: gap.windowStart };
  const transportSpread = lowerSpread(transport);
  const driftMs = drift(minutes.length, lows);
  const mixture = mixedGap(minutes, transportSpread);
  const mixed = mixture > floor + MIXTURE_MS;
  const low = mixed ? mixture : floor;
  // Within the minutes: all keystrokes together also spread where the gap has changed its level.
  const spread = minutes.length >= MINUTES_HELD ? spreadWithin(minutes) : median! - pooled!;
  const free = config.hiddenLeg.jitterFreeMs + 0.05 * Math.max(0, low);
  return {
    lowMs: low,
    mixed,
    minutes: base.minutes,
    samples: base.samples,
    windowStart: base.windowStart,
    claimedMs: low - gap.clockErrorMs - explainedMs,
    spreadMs: spread,
    transportSpreadMs: transportSpread,
    jitterMs: Math.max(0, Math.max(spread - transportSpread, wander(minutes, transportSpread)) - free),
    driftMs: Math.max(0, driftMs - DRIFT_PER_SPREAD * transportSpread - DRIFT_FREE_SHARE * Math.max(0, low)),
  };
}

const lowerSpread = (transport: TransportView | null): number => (transport === null || transport.spreadSamples === 0 ? 0 : transport.lowerSpreadMs);

const scratch = new Float64Array(MINUTES_MAX);

/** Sorts the first `count` of the scratch: so few numbers, mostly in order, are sorted by inserting them. */
function sortScratch(count: number): Float64Array {
  for (let i = 1; i < count; i++) {
    const value = scratch[i]!;
    let at = i;
    for (; at > 0 && scratch[at - 1]! > value; at--) scratch[at] = scratch[at - 1]!;
    scratch[at] = value;
  }
  return scratch;
}

/** The minutes' low gaps, rising, ms; valid until the next statistic. */
function sortedLows(minutes: readonly MinuteSummary[]): Float64Array {
  for (let i = 0; i < minutes.length; i++) scratch[i] = minutes[i]!.low;
  return sortScratch(minutes.length);
}

/** Drift of the gap per ms of the transport's own lower spread: honest sessions over mobile and satellite reach about 0.7. */
const DRIFT_PER_SPREAD = 1.3;

/** Share of its gap by which a slow machine's floor drifts with its load: its work takes longer, in proportion. A leg's queues and routes add what they add. */
const DRIFT_FREE_SHARE = 0.05;

/** From the 20th to the 80th percentile of the kept minutes' low gaps, ms. */
function drift(count: number, lows: Float64Array): number {
  return count < DRIFT_MINUTES ? 0 : lows[Math.floor(0.8 * (count - 1))]! - lows[Math.ceil(0.2 * (count - 1))]!;
}

/** Share of the present gap that a minute must have for the leg to have been there. */
const SAME_LEG_SHARE = 0.5;
const SAME_LEG_MINUTES_MIN = 3;

/**
 * The gap that a leg comes back to for as long as it has been there: queues lie on top of a way and tell nothing of its length. How far
 * the minutes' median lies above it says how far the queues may have held it above the way itself.
 *
 * @param presentMs the gap that is claimed, its clock error included, ms
 * @returns ms; `presentMs`, and nothing above it, where fewer than three of the last minutes have such a gap
 */
export function legFloor(minutes: readonly MinuteSummary[], presentMs: number): { floorMs: number; queueMs: number } {
  let first = minutes.length;
  while (first > 0 && minutes[first - 1]!.low >= SAME_LEG_SHARE * presentMs) first--;
  const count = minutes.length - first;
  if (count < SAME_LEG_MINUTES_MIN) return { floorMs: presentMs, queueMs: 0 };
  const floorMs = secondLowest(minutes, first, 'low');
  for (let i = 0; i < count; i++) scratch[i] = minutes[first + i]!.low;
  return { floorMs: Math.min(presentMs, floorMs), queueMs: Math.max(0, sortScratch(count)[count >> 1]! - floorMs) };
}

/** Of the minutes from `first` on; Infinity where there are fewer than two. */
function secondLowest(minutes: readonly MinuteSummary[], first: number, field: 'low' | 'middle'): number {
  let least = Infinity;
  let second = Infinity;
  for (let i = first; i < minutes.length; i++) {
    const minute = minutes[i]!;
    // Each by its name: what is asked for by a key that varies is looked up anew each time.
    const value = field === 'low' ? minute.low : minute.middle;
    if (value < least) {
      second = least;
      least = value;
    } else if (value < second) second = value;
  }
  return second;
}

/** Minutes from which the session's own least gap is known. */
const SETTLED_MINUTES_MIN = 3;

/**
 * The gap that a desktop which is hosted elsewhere comes back to, in this session or on its earlier days, ms: a way that is honest changes its route,
 * and what that adds is no level of a machine. Infinity at any other sensor, and where the desktop stands, as far as was seen, beside its gateway:
 * then a rise is somebody's leg.
 */
export function settledMs({ sensor, minutes, own }: Pick<GapView, 'sensor' | 'minutes' | 'own'>): number {
  if (sensor !== 'VDI_GATEWAY') return Infinity;
  let least = own !== null && own.minutes >= OWN_MINUTES_MIN ? own.typicalMs : Infinity;
  if (minutes.length >= SETTLED_MINUTES_MIN) least = Math.min(least, secondLowest(minutes, 0, 'low'));
  return least < HOSTED_ELSEWHERE_MS ? Infinity : least;
}

/** Second-lowest of the last minutes' low gaps, ms; no bound before there are three of them. */
export function heldGap(gap: Pick<GapView, 'minutes'>): { lowMs: number; minutes: number; samples: number; windowStart: number } {
  const { minutes } = gap;
  const first = Math.max(0, minutes.length - MINUTES_HELD);
  const held = { lowMs: heldLow(minutes), minutes: minutes.length - first, samples: 0, windowStart: (minutes[first]?.end ?? 0) - 60_000 };
  if (held.lowMs !== Infinity) for (let i = first; i < minutes.length; i++) held.samples += minutes[i]!.samples;
  return held;
}

/** Its gap alone. */
function heldLow(minutes: readonly MinuteSummary[]): number {
  const first = Math.max(0, minutes.length - MINUTES_HELD);
  return minutes.length - first < 3 ? Infinity : secondLowest(minutes, first, 'low');
}

/**
 * Load comes and goes and a leg stays: where the low gaps have crossed the middle between their least and the present level more than
 * once, only what four in five of the kept minutes have may count, ms; no bound otherwise (a handover crosses once).
 */
function keptGap(minutes: readonly MinuteSummary[], lows: Float64Array, presentMs: number): number {
  if (minutes.length < KEPT_MINUTES) return Infinity;
  const middle = (lows[1]! + presentMs) / 2;
  let crossings = 0;
  for (let i = 1; i < minutes.length; i++) if (minutes[i]!.low > middle !== minutes[i - 1]!.low > middle) crossings++;
  return crossings > 1 ? lows[Math.floor(0.2 * (minutes.length - 1))]! : Infinity;
}

/** What a machine and its transport spread a minute's keystrokes by, at the most, between a fifth and a half of them, ms. */
export const MIXTURE_MS = 25;

/**
 * Keystrokes of somebody at the machine among those over a leg (chaff) lower the low quantile, and not the median: what half of the
 * keystrokes have in all but one of the last six minutes and in four of five of all kept ones, less what an honest minute spreads by, ms.
 */
function mixedGap(minutes: readonly MinuteSummary[], transportSpread: number): number {
  const most = mixtureMost(minutes, transportSpread);
  if (most === -Infinity) return most;
  for (let i = 0; i < minutes.length; i++) scratch[i] = minutes[i]!.middle;
  const all = sortScratch(minutes.length);
  return Math.min(most, all[Math.floor(0.2 * (minutes.length - 1))]! - MIXTURE_MS - 2 * transportSpread);
}

/** The same by the last six minutes alone. */
function mixtureMost(minutes: readonly MinuteSummary[], transportSpread: number): number {
  if (minutes.length < MINUTES_HELD) return -Infinity;
  return secondLowest(minutes, minutes.length - MINUTES_HELD, 'middle') - MIXTURE_MS - 2 * transportSpread;
}

/** Median over the minutes from `first` on of what lies between a fifth and a half of their keystrokes, ms; 0 where there are none. */
export function spreadWithin(minutes: readonly MinuteSummary[], first = 0): number {
  const count = minutes.length - first;
  for (let i = 0; i < count; i++) scratch[i] = minutes[first + i]!.middle - minutes[first + i]!.low;
  return count === 0 ? 0 : sortScratch(count)[count >> 1]!;
}

/** Median step between the low gaps of successive minutes, beyond the transport's spread, ms; 0 below 6 minutes. */
function wander(minutes: readonly MinuteSummary[], transportSpread: number): number {
  if (minutes.length < 6) return 0;
  const steps = minutes.length - 1;
  for (let i = 0; i < steps; i++) scratch[i] = Math.abs(minutes[i + 1]!.low - minutes[i]!.low);
  return sortScratch(steps)[Math.floor(steps / 2)]! - transportSpread;
}
