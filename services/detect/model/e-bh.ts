/**
 * e-BH: how much evidence the fleet asks for at a time, so that of the findings that open in one hour at most a share q is false on
 * the mean, whatever the dependence between people.
 *
 * With e-values e(1) ≥ e(2) ≥ … of N sessions, the largest k with e(k) ≥ N / (q·k) is taken, and what reaches N / (q·k) may
 * open. Where no k fits, nothing but N/q would: the bar of k = 1. The hour before stands for the present one, because the present
 * one's is known only when it is over: a stated approximation, right where the number of sessions and of findings changes slowly.
 * Source: Wang and Ramdas, "False discovery rate control with e-values", JRSS B 84 (2022).
 */
export interface HourOfEvidence {
  /** Active sessions. */
  sessions: number;
  /** Highest strengths (log10 e) among them, falling. */
  top: readonly number[];
}

/** Fewer sessions than this are too few for a share to mean anything. */
const SESSIONS_MIN = 20;

/** @returns log10 of the e-value from which a finding of MEDIUM and above may open; 0 where nothing is known of the fleet */
export function barOfFleet(hour: HourOfEvidence | null, share: number): number {
  if (hour === null || hour.sessions < SESSIONS_MIN) return 0;
  const alone = Math.log10(hour.sessions / share);
  for (let k = hour.top.length; k >= 1; k--) {
    const bar = alone - Math.log10(k);
    if (hour.top[k - 1]! >= bar) return Math.max(0, bar);
  }
  return alone;
}
