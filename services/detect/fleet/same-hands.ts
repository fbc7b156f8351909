/**
 * Identities of one operator among the people of a bucket: a set of them whose hands agree two by two and that are never at
 * work together.
 *
 * For a set of k that holds the person, S = (2/k) · Σ of the pairs' likeness (model/hands.ts) is log10 of an e-value where
 * they are k people: adding one after the other, each new one's mean likeness with those before is at most log10 of a mean of
 * e-values (Jensen), and the mean over all orders gives each pair the weight 2/k. The mean over all N sets of the size, of
 * people who are apart from the person and from each other, is an e-value as well, and at least 10^S / N; the bet is shared among the
 * sizes (SIZE_SHARES). Who is apart depends on when people work and not on how they type, so choosing by it costs nothing. The same holds for
 * those whose hands changed lately: for a person whose hands did, half of the bet is on sets of such people alone.
 *
 * That speaks for the set and not yet for the person: one more may look like three who really are one. So the person must stand out
 * from the others of the set as well: of G groups of the bucket that are as much alike as those others are, the ratio of the person
 * with one, 1/G, and 1/share of the people who are apart from all of that group make an e-value if the person is none of them. The ratio is
 * half the mean of those with each of the others, and half the one with the middle of their hands: if they are one person, their middle has
 * less of each sitting's chance in it, and the mean ratio of strangers with it is at most 1, as it is with a sitting (hands.ts).
 *
 * Where the others are one person and this one is not, only the second is an e-value; where all are strangers both are, and then so is the
 * root of their product (Cauchy and Schwarz), which is the middle of the two in decades. So the middle is claimed, and never more than the second.
 *
 * The fleet's own people check the model: no pair counts for more than what pairs that typed at the same time, who are two people for
 * certain, show by chance.
 */
import { handsOf, likenessToMiddle } from '../model/hands.ts';
import { bitsOf, lowestBit } from './minutes.ts';
import { mark, type Candidate, type Pairs } from './pairs.ts';

export interface OneOperator {
  /** Identities, the person included. */
  group: number;
  /** Mean likeness of their pairs, decades. */
  likeness: number;
  /** People from whom the others were drawn. */
  among: number;
  /** log10 of how many such sets they make. */
  sets: number;
  /** Those were the people whose hands changed. */
  changed: boolean;
  /** Groups of the bucket, this one included, that are as much alike as the others of the set; 0 where there is one other. */
  groups: number;
  /** log10 of the e-value of the person being one of the others; that of the set where there is one other. */
  own: number;
  /** log10 of the e-value of both. */
  strength: number;
  /** The others of the set. */
  others: readonly number[];
}

/**
 * Parts of the bet on sets of two, three, … six, which sum to 1. What a set can show grows with its size, so three, the fewest from
 * whom anything above LOW may come, need the most; two claim little whatever they show (one-operator.ts).
 */
const SIZE_SHARES = [0.15, 0.4, 0.2, 0.15, 0.1] as const;
export const GROUP_MAX = SIZE_SHARES.length + 1;
const LOG10_SIZE_SHARES = SIZE_SHARES.map((share) => Math.log10(share));
const LOG10_HALF = Math.log10(2);

/** log10 of C(x, r) for a real x ≥ r − 1; 0 where it is less than one. */
function log10Choose(x: number, r: number): number {
  let product = 1;
  for (let i = 0; i < r; i++) product *= Math.max(0, x - i) / (i + 1);
  return Math.log10(Math.max(1, product));
}

/** The x ≥ r − 1 of which C(x, r) is `count`. */
function sizeOf(count: number, r: number): number {
  let [low, high] = [r - 1, r + count];
  for (let step = 0; step < 50; step++) {
    const x = (low + high) / 2;
    let product = 1;
    for (let i = 0; i < r; i++) product *= (x - i) / (i + 1);
    if (product < count) low = x;
    else high = x;
  }
  return (low + high) / 2;
}

const log10Of = (count: number): number => Math.log10(Math.max(1, count));

/** Of so few triples the answer is kept: most people have no more. */
const TRIPLES_KEPT = 4096;
const larger: (readonly number[] | undefined)[] = Array.from({ length: TRIPLES_KEPT });

/** How many sets of 4, 5, … people there are at most where so many of three are, log10. */
function log10Larger(triples: number): readonly number[] {
  const known = larger[triples];
  if (known !== undefined) return known;
  const x = triples === 0 ? 3 : Math.max(3, sizeOf(triples, 3));
  const counts = Array.from({ length: GROUP_MAX - 4 }, (_, i) => log10Choose(x, i + 4));
  if (triples < TRIPLES_KEPT) larger[triples] = counts;
  return counts;
}

/**
 * How many sets of 1, 2, … people the candidates make who are apart from each other as well, log10. Pairs and triples are counted; of
 * larger ones there are at most C(x, r) where C(x, 3) is the number of triples (Kruskal 1963, Katona 1968; Lovász's form).
 *
 * @param left the candidates as bits; none of them is left in it
 */
function log10Sets(candidates: readonly number[], left: Int32Array, { apart, words }: Pairs): number[] {
  let [pairs, triples] = [0, 0];
  const later = new Int32Array(words);
  for (const j of candidates) {
    left[j >> 5]! &= ~(1 << (j & 31));
    for (let word = j >> 5; word < words; word++) {
      later[word] = left[word]! & apart[j * words + word]!;
      pairs += bitsOf(later[word]!);
    }
    for (let word = j >> 5; word < words; word++) {
      // Each pair with the ones behind its second: those before are taken away as they come up.
      for (; later[word] !== 0; ) {
        const others = (word * 32 + lowestBit(later[word]!)) * words;
        later[word]! &= later[word]! - 1;
        for (let rest = word; rest < words; rest++) triples += bitsOf(later[rest]! & apart[others + rest]!);
      }
    }
  }
  return [log10Of(candidates.length), log10Of(pairs), log10Of(triples), ...log10Larger(triples)];
}

/** The strongest set of the person `i`, added to greedily; null where nobody who is apart is more alike than strangers. */
export function oneOperatorOf(people: readonly Candidate[], pairs: Pairs, i: number): OneOperator | null {
  const whole = bestSet(people, pairs, i, false);
  const changed = people[i]!.changed ? bestSet(people, pairs, i, true) : null;
  const best = changed !== null && (whole === null || changed.strength > whole.strength) ? changed : whole;
  if (best === null || best.group < 3 || best.strength <= 0) return best;
  return { ...best, ...ownPart(people, pairs, i, best) };
}

/** What speaks for the person being one of the others, who may be one without the person. */
function ownPart(people: readonly Candidate[], pairs: Pairs, i: number, { others, strength }: OneOperator): Pick<OneOperator, 'groups' | 'own' | 'strength'> {
  const { likeness: alike, limited } = pairs;
  const n = people.length;
  let ratio = 10 ** limited(likenessToMiddle(handsOf(people[i]!.contrasts), others.map((j) => people[j]!.contrasts))) / 2;
  let least = Infinity;
  for (const j of others) {
    ratio += 10 ** alike[i * n + j]! / (2 * others.length);
    for (const k of others) if (k !== j) least = Math.min(least, alike[j * n + k]!);
  }
  const groups = groupsOf(pairs, n, i, least);
  const share = (countApartFrom(others, pairs) + 1) / (n - others.length + 1);
  const own = Math.log10(ratio / groups / share);
  return { groups, own, strength: Math.min(own, (strength + own) / 2) };
}

/** People who are apart from all of those. */
function countApartFrom(others: readonly number[], { apart, words }: Pairs): number {
  let count = 0;
  for (let word = 0; word < words; word++) {
    let all = -1;
    for (const j of others) all &= apart[j * words + word]!;
    count += bitsOf(all);
  }
  return count;
}

/** Connected components of two and more among the people but `i`, where those are joined who are apart and at least so much alike. */
function groupsOf({ likeness: alike, apart, words }: Pairs, n: number, i: number, least: number): number {
  const seen = new Int32Array(words);
  mark(seen, 0, i);
  const found = new Int32Array(n);
  let groups = 0;
  for (let first = 0; first < n; first++) {
    if ((seen[first >> 5]! & (1 << (first & 31))) !== 0) continue;
    mark(seen, 0, first);
    found[0] = first;
    let size = 1;
    for (let at = 0; at < size; at++) {
      const j = found[at]!;
      for (let word = 0; word < words; word++) {
        for (let rest = apart[j * words + word]! & ~seen[word]!; rest !== 0; rest &= rest - 1) {
          const k = word * 32 + lowestBit(rest);
          if (alike[j * n + k]! < least) continue;
          mark(seen, 0, k);
          found[size++] = k;
        }
      }
    }
    if (size > 1) groups++;
  }
  return groups;
}

/** Who is apart from the person, as bits; of them, those whose hands changed, or all. */
function candidatesOf(people: readonly Candidate[], { apart, words }: Pairs, i: number, onlyChanged: boolean): { bits: Int32Array; list: number[] } {
  const bits = apart.slice(i * words, (i + 1) * words);
  const list: number[] = [];
  for (let word = 0; word < words; word++) {
    for (let rest = bits[word]!; rest !== 0; rest &= rest - 1) {
      const j = word * 32 + lowestBit(rest);
      if (!onlyChanged || people[j]!.changed) list.push(j);
      else bits[word]! &= ~(1 << (j & 31));
    }
  }
  return { bits, list };
}

function bestSet(people: readonly Candidate[], pairs: Pairs, i: number, onlyChanged: boolean): OneOperator | null {
  const n = people.length;
  const { likeness: alike, apart, words } = pairs;
  const { bits, list: candidates } = candidatesOf(people, pairs, i, onlyChanged);
  let eligible = candidates.filter((j) => alike[i * n + j]! > 0);
  if (eligible.length === 0) return null;
  const bet = people[i]!.changed ? LOG10_HALF : 0;
  const sets = log10Sets(candidates, bits, pairs);
  const set = [i];
  let sum = 0;
  let [group, groupSum, strength] = [0, 0, -Infinity];
  while (set.length < GROUP_MAX && eligible.length > 0) {
    let next = -1;
    let most = -Infinity;
    for (const j of eligible) {
      let gain = 0;
      for (const member of set) gain += alike[member * n + j]!;
      if (gain > most) {
        next = j;
        most = gain;
      }
    }
    set.push(next);
    sum += most;
    const k = set.length;
    const reached = (2 / k) * sum - sets[k - 2]! - bet + LOG10_SIZE_SHARES[k - 2]!;
    if (reached > strength) [group, groupSum, strength] = [k, sum, reached];
    eligible = eligible.filter((j) => j !== next && (apart[next * words + (j >> 5)]! & (1 << (j & 31))) !== 0);
  }
  return {
    group, likeness: (2 * groupSum) / (group * (group - 1)), sets: sets[group - 2]!, among: candidates.length, changed: onlyChanged, groups: 0, own: strength, strength,
    others: set.slice(1, group),
  };
}
