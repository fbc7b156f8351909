/**
 * Own gap.
 *
 * Hypothesis: the machine was its person's own until lately; now somebody drives it through a further leg.
 * Statistic: the gap that all but one of the last six minutes have, less the 95th percentile of the minutes of the same
 *   device's earlier days at the same kind of sensor, less what the transport spreads more than it did in those minutes.
 * Null: honest machines keep their gap from day to day; a new application, a dock or an update moves it. Shares of
 *   session-days with such a shift are a stated prior. A device that works at two levels (a dock, an application that is not used
 *   every day) may have shown one of them only: with days alike in turn, one earlier day misses the other 2.4 times as often as three do
 *   at the most, and two 1.4 times.
 * Reference: the device itself, so slow machines and hosted desktops cancel out, and legs far below what machines differ by
 *   become visible (detection.md: an oracle of each device's own gap separates legs of 15–25 ms).
 * Cost: silent until the device has a day and an hour of history; blind where that history is already the operator's.
 */
import { couplingOf, couplingText, withCoupling } from './coupling.ts';
import { heldGap, MINUTES_HELD } from './gap-statistic.ts';
import { OWN_MINUTES_MIN } from './history.ts';
import { log10Share, type NullTable } from './null-table.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, show, strengthOfP, thousands } from './reading.ts';
import { riseMax } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';

export const ownGapSignal: SignalDescription = {
  name: 'ownGap',
  family: 'latency',
  weight: 0.15,
  needs: 'typing',
  speaksFor: { REMOTE_OPERATOR: 0.6, ACCOUNT_HANDOVER: 0.3, VPN_OR_PROXY: 0.1 },
};

/** Shares of honest session-days whose gap lies so far above all but 5% of the device's earlier minutes, ms. */
const SHIFT_NULL: NullTable = [[4, 0.02], [8, 0.006], [15, 0.0015], [25, 4e-4], [40, 1e-4], [80, 1e-5], [160, 1e-6]];
const DAYS_MIN = 1;
/** Days from which the shares hold as they are: what comes and goes with days has shown itself by then. */
const DAYS_KNOWN = 3;
const HELPDESK_MAX = 0.5;

/** log10 of the greatest share of devices that were at one level on n days and at another on the day after, over all shares q of such days: max of q·(1 − q)ⁿ. */
const log10Unlucky = (days: number): number => days * Math.log10(days) - (days + 1) * Math.log10(days + 1);

/** log10 of how many times as often so few earlier days did not show what the device shows today, ≥ 0. */
const ofFewDays = (days: number): number => log10Unlucky(Math.min(days, DAYS_KNOWN)) - log10Unlucky(DAYS_KNOWN);

export function ownGap(view: SessionView, parameters: SignalParameters): Answer {
  const { gap, transport } = view;
  if (gap === null || gap.own === null || gap.minutes.length < MINUTES_HELD) return NO_DATA;
  const { own } = gap;
  if (own.days < DAYS_MIN || own.minutes < OWN_MINUTES_MIN) return NO_DATA;
  const { lowMs: heldMs, samples, windowStart } = heldGap(gap);
  // What the line spread before is in the earlier minutes already.
  const spreadMs = transport === null ? 0 : Math.max(0, transport.lowerSpreadMs - own.spreadMs);
  const shift = heldMs - own.highMs - spreadMs;
  const few = ofFewDays(own.days);
  const log10P = Math.min(0, log10Share(SHIFT_NULL, shift) + few);
  const alone = strengthOfP(log10P);
  if (alone <= 0) return QUIET;
  const coupling = couplingOf(view, parameters);
  const strength = Math.min(view.helpdesk ? HELPDESK_MAX : riseMax(view, gap.sensor, own.typicalMs), withCoupling(alone, coupling));
  if (strength < 0.3) return QUIET;
  return {
    strength,
    ubiquitous: false,
    observed: heldMs,
    expected: own.highMs,
    unit: 'ms',
    samples,
    windowStart,
    windowEnd: view.windowEnd,
    explanation: `In all but one of the last ${MINUTES_HELD} minutes of typing (${thousands(samples)} keystrokes) the gap between keystroke latency and network round trip was at least ${show(heldMs)} ms; on ${own.days} earlier days 95% of ${thousands(own.minutes)} minutes on this device stayed below ${show(own.highMs)} ms (typically ${show(own.typicalMs)} ms). With ${show(spreadMs)} ms granted for the round trip, which spreads so much more than in those minutes, a rise of ${show(shift)} ms is seen on a share of ${(10 ** log10P).toExponential(1)} of honest session-days${few > 0 ? ` (${rounded(10 ** few, 1)} times as many as where more days are known)` : ''}${couplingText(coupling)} and is consistent with a further leg that was not there before.`,
  };
}
