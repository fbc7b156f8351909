/**
 * Stories: facts of different families that belong together where somebody else has taken over, and that have nothing to do with each
 * other in an honest life; and two that have to stand alone, because nothing else shows.
 *
 * Bets on families (fusion.ts) spread the stake over every combination of them, so that two weak families cost what both of their stakes do,
 * and every quiet family its own. A story puts a stated part of the whole stake on one combination: where its signals are independent
 * under the null, the product of their e-values is an e-value, and so is the mixture (1 − Σ shares)·bets + Σ share·Π. What counts as
 * nothing below a stated value is one still. Whoever types and where an address is registered, or what hour it is, are independent while
 * the person is who they were; when another takes over, they change on the same day. Whether hands are the enrolled ones says nothing
 * about whether somebody else, who was never at work at the same time, has the same ones. What does hang together in an honest life has no story,
 * however often operators show it: a new address and a new gap (a company's gateway is both), an injured hand and injected input, a rented server and a leg
 * behind it (where companies run their gateways). The shares were chosen on the development half of `npm run evaluate`. Source: Shafer, "Testing by betting", JRSS A 184 (2021),
 * on mixtures of bets; Vovk and Wang, Ann. Stat. 49 (2021), Section 4.
 */
import type { SignalName } from './reading.ts';
import { SIGNALS } from './signals.ts';

interface Story {
  /** Part of the whole stake: a prior weight. */
  readonly share: number;
  /** Of one family each. */
  readonly signals: readonly SignalName[];
  /** Decades of their product from which it pays; from any on where absent. */
  readonly least?: number;
}

export const STORIES: readonly Story[] = [
  // An account goes to somebody else, who is somewhere else.
  { share: 0.1, signals: ['operatorChange', 'novelty'] },
  // An operator takes over and works the day of another zone.
  { share: 0.03, signals: ['operatorChange', 'hours'] },
  // Somebody else takes over over a further leg, within a session or between two days of a device. A dock changes both too, keyboard and delay,
  // and is rare enough.
  { share: 0.01, signals: ['operatorChange', 'onset'] },
  { share: 0.012, signals: ['operatorChange', 'ownGap'] },
  { share: 0.01, signals: ['operatorChange', 'hiddenLeg'] },
  // A tunnel from the first day on, through a home in the declared town: a way that is too long is all there is to see.
  { share: 0.1, signals: ['pathExcess'], least: 2 },
  // One operator drives several identities from the first day on: the hands that they share are all there is to see. As a bet on its
  // family alone it would pay for every other one, of which none can show. Fifty to one is what somebody of an organisation shows every week.
  { share: 0.12, signals: ['oneOperator'], least: 1.7 },
  // One operator takes over several identities: hands that are not the enrolled ones, and that another account has too.
  { share: 0.018, signals: ['operatorChange', 'oneOperator'] },
];

/** What the stories leave to the bets on families. */
export const LEFT_TO_FAMILIES = 1 - STORIES.reduce((sum, { share }) => sum + share, 0);

const PLACES = STORIES.map(({ share, signals, least = 0 }) => ({ share, least, at: signals.map((name) => SIGNALS.findIndex((signal) => signal.name === name)) }));

/** Sum of share · e over the stories of which every signal holds something. `held`: log10 of e-values in the order of SIGNALS, 0 for nothing. */
export function storiesOf(held: ArrayLike<number>): number {
  let sum = 0;
  for (const { share, least, at } of PLACES) {
    let strength = 0;
    let told = true;
    for (const i of at) {
      const value = held[i]!;
      if (value === 0) told = false;
      strength += value;
    }
    if (told && strength >= least) sum += share * 10 ** strength;
  }
  return sum;
}
