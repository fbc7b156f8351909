/**
 * Onset.
 *
 * Hypothesis: the session was handed over: an honest login, then somebody behind a further leg.
 * Statistic: median of the last four minutes' (or more) low gaps less the median of the session's minutes before the rise, the
 *   split chosen among the kept minutes where the difference is largest. The minutes' medians must rise as well: where a
 *   jittery transport calms down, only the low quantile rises.
 * Null: the machine's own gap wanders by its noise, and load moves it up for a while. Steps are judged against the median
 *   absolute step of the minutes before (at least 2 ms); load explains rises that fall back, so four minutes are needed.
 * Reference: the session itself, so that slow machines and hosted desktops cancel out, and a constant clock error too; and what the device has shown on
 *   earlier days: a rise to where 15% of their minutes were anyhow is no news, as with an application that is started every morning.
 * Cost: a heavy application that starts and stays looks the same on its first days.
 */
import { couplingOf, couplingText, withCoupling } from './coupling.ts';
import { OWN_MINUTES_MIN } from './history.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, show, strengthOfP } from './reading.ts';
import { riseMax } from './sighting.ts';
import { type GapView, MINUTES_MAX, type MinuteSummary, type SessionView, type SignalParameters } from './view.ts';

export const onsetSignal: SignalDescription = {
  name: 'onset',
  family: 'latency',
  weight: 0.15,
  needs: 'typing',
  renews: true,
  speaksFor: { REMOTE_OPERATOR: 0.8, ACCOUNT_HANDOVER: 0.2 },
};

/** Shares of honest session-days with a lasting rise of so much more than was to be expected, ms: a stated prior. */
const RISE_NULL: NullTable = [[0, 1e-3], [20, 2e-4], [40, 4e-5], [80, 5e-6], [160, 1e-6]];
const AFTER_MINUTES = 4;
const NOISE_MS_MIN = 2;
/** Share of the rise that the medians must follow. */
const MIDDLE_SHARE = 0.6;
const HELPDESK_MAX = 0.5;

export interface Onset {
  beforeMs: number;
  afterMs: number;
  noiseMs: number;
  at: number;
  samples: number;
}

const sorted = new Float64Array(MINUTES_MAX);

/** Median of the first `count` of the scratch: so few numbers are sorted by inserting them. */
function median(count: number): number {
  for (let i = 1; i < count; i++) {
    const value = sorted[i]!;
    let at = i;
    for (; at > 0 && sorted[at - 1]! > value; at--) sorted[at] = sorted[at - 1]!;
    sorted[at] = value;
  }
  const middle = count >> 1;
  return count % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Of the minutes from `from` on and before `to`. */
function medianOf(minutes: readonly MinuteSummary[], field: 'low' | 'middle', from: number, to: number): number {
  for (let i = from; i < to; i++) sorted[i - from] = field === 'low' ? minutes[i]!.low : minutes[i]!.middle;
  return median(to - from);
}

/** Median distance of the first minutes' low gaps from `lowMs`. */
function noiseOf(minutes: readonly MinuteSummary[], to: number, lowMs: number): number {
  for (let i = 0; i < to; i++) sorted[i] = Math.abs(minutes[i]!.low - lowMs);
  return median(to);
}

/** Least low gap from each minute on. */
const leastFrom = new Float64Array(MINUTES_MAX);

/**
 * The split with the largest rise that lasts to the end; null where there are too few minutes or no rise.
 *
 * @param riseMin rises below that need not be found, ms
 */
export function findOnset(minutes: readonly MinuteSummary[], beforeMin: number, riseMin = -Infinity): Onset | null {
  let best: Onset | null = null;
  const end = minutes.length;
  for (let i = end - 1, least = Infinity; i >= beforeMin; i--) leastFrom[i] = least = Math.min(least, minutes[i]!.low);
  for (let split = beforeMin; split <= end - AFTER_MINUTES; split++) {
    const beforeMs = medianOf(minutes, 'low', 0, split);
    const leastAfter = leastFrom[split]!;
    // It is half of the rise or more, where that lasts.
    if (leastAfter - beforeMs < riseMin / 2) continue;
    const afterMs = medianOf(minutes, 'low', split, end);
    // A rise that lasts: also its lowest minute lies above most of what was before.
    if (leastAfter - beforeMs < (afterMs - beforeMs) / 2) continue;
    const middleRise = medianOf(minutes, 'middle', split, end) - medianOf(minutes, 'middle', 0, split);
    if (middleRise < MIDDLE_SHARE * (afterMs - beforeMs)) continue;
    if (best !== null && afterMs - beforeMs <= best.afterMs - best.beforeMs) continue;
    const noiseMs = Math.max(NOISE_MS_MIN, noiseOf(minutes, split, beforeMs));
    best = { beforeMs, afterMs, noiseMs, at: minutes[split]!.end, samples: minutes.slice(split).reduce((sum, minute) => sum + minute.samples, 0) };
  }
  return best;
}

/**
 * A rise that lasts lifts all of the last minutes above what half of the minutes before it had: the cheap question that settles
 * nearly every window. The shortest time before a rise has the fewest of those.
 */
function mayHaveRisen(minutes: readonly MinuteSummary[], beforeMin: number, riseMs: number): boolean {
  let leastAfter = Infinity;
  for (let i = minutes.length - AFTER_MINUTES; i < minutes.length; i++) if (minutes[i]!.low < leastAfter) leastAfter = minutes[i]!.low;
  const most = leastAfter - riseMs / 2;
  let below = 0;
  for (let i = 0; i < minutes.length - AFTER_MINUTES; i++) if (minutes[i]!.low <= most) below++;
  return below >= Math.ceil(beforeMin / 2);
}

/** Days from which what comes and goes on a device has shown itself. */
const HABIT_DAYS_MIN = 2;

/** The gap that 15% of the minutes of the earlier days had, ms: half of a day in four has fewer. 0 where that is not known. */
const habitMs = ({ own }: GapView): number => (own !== null && own.days >= HABIT_DAYS_MIN && own.minutes >= OWN_MINUTES_MIN ? own.oftenMs : 0);

export function onset(view: SessionView, parameters: SignalParameters): Answer {
  const { gap } = view;
  if (gap === null) return NO_DATA;
  const settings = parameters.config.hiddenLeg;
  if (gap.minutes.length < settings.onsetMinutesMin + AFTER_MINUTES) return NO_DATA;
  const riseMin = settings.onsetMsMin + 4 * NOISE_MS_MIN;
  if (!mayHaveRisen(gap.minutes, settings.onsetMinutesMin, riseMin)) return QUIET;
  const found = findOnset(gap.minutes, settings.onsetMinutesMin, riseMin);
  if (found === null) return QUIET;
  const habit = habitMs(gap);
  const knownMs = habit > found.beforeMs + found.noiseMs ? habit : found.beforeMs;
  const rise = found.afterMs - knownMs;
  const needed = settings.onsetMsMin + 4 * found.noiseMs;
  if (rise < needed) return QUIET;
  const coupling = couplingOf(view, parameters);
  const log10P = log10Share(RISE_NULL, rise - needed);
  const strength = Math.min(view.helpdesk ? HELPDESK_MAX : riseMax(view, gap.sensor, found.beforeMs), withCoupling(strengthOfP(log10P), coupling));
  return {
    strength,
    ubiquitous: false,
    observed: rise,
    expected: needed,
    unit: 'ms',
    samples: found.samples,
    windowStart: found.at - 60_000,
    windowEnd: view.windowEnd,
    explanation: `The gap between keystroke latency and network round trip rose by ${show(rise)} ms (from ${show(knownMs)}${knownMs === found.beforeMs ? '' : ', which 15% of the minutes of the earlier days had,'} to ${show(found.afterMs)} ms) within this session and stayed up for ${Math.round((view.windowEnd - found.at) / 60_000) + 1} min; its own noise before was ${show(found.noiseMs)} ms, so rises up to ${show(needed)} ms were to be expected, and a share of ${(10 ** log10P).toExponential(1)} of honest session-days has such a one${couplingText(coupling)}; this is consistent with the session having been handed over to somebody behind a further leg.`,
  };
}
