/** Which story the evidence tells: each signal's strength is shared among the hypotheses it speaks for. */
import type { Hypothesis } from '#schemas/records.ts';
import type { SignalDescription } from './reading.ts';

const DIGITS = 1000;

/**
 * Ranked by share, then by name. Shares have three decimals and sum to 1: what rounding leaves goes to the first.
 *
 * @param held strength per signal, ≥ 0
 */
export function hypothesesOf(signals: readonly SignalDescription[], held: readonly number[]): { hypothesis: Hypothesis; share: number }[] {
  const weight = new Map<Hypothesis, number>();
  let total = 0;
  signals.forEach((signal, i) => {
    for (const [hypothesis, share] of Object.entries(signal.speaksFor) as [Hypothesis, number][]) {
      const value = share * (held[i] ?? 0);
      weight.set(hypothesis, (weight.get(hypothesis) ?? 0) + value);
      total += value;
    }
  });
  if (total <= 0) return [];
  const ranked = [...weight]
    .map(([hypothesis, value]) => ({ hypothesis, parts: Math.floor((value / total) * DIGITS) }))
    .filter((entry) => entry.parts > 0)
    .toSorted((a, b) => b.parts - a.parts || (a.hypothesis < b.hypothesis ? -1 : 1));
  const first = ranked[0]!;
  first.parts += DIGITS - ranked.reduce((sum, entry) => sum + entry.parts, 0);
  return ranked.map(({ hypothesis, parts }) => ({ hypothesis, share: parts / DIGITS }));
}
