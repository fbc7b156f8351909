import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import { HANDS } from '../model/hands-fitted.ts';
import { HOUR_MS } from './minutes.ts';
import { addHands, HANDS_BLOCKS, newPersonFleet, presentHands } from './person-fleet.ts';
import { compare, type Candidate, type Pairs } from './pairs.ts';
import { presencesOf } from './presence.ts';
import { oneOperatorOf, type OneOperator } from './same-hands.ts';
import { APART, standingsBefore, TOGETHER, UNKNOWN } from './standing.ts';

const spread = (prng: Prng, of: readonly (readonly number[])[]): number[] => of.map((row, i) => Math.sqrt(row[i]!) * prng.normal());
const somebody = (seed: number): number[] => spread(new Prng(seed, 'person'), HANDS.between).map((value, i) => value + HANDS.mean[i]!);
const sitting = (person: readonly number[], seed: number): number[] => spread(new Prng(seed, 'sitting'), HANDS.within).map((value, i) => person[i]! + 0.4 * value);

/** All of the first `apart` people stay apart, the others type together with everybody. */
const compared = (people: readonly Candidate[], apart: number): Pairs => compare(people, (i, out) => void out.fill(i < apart ? APART : TOGETHER));

/** `identities` of one operator, then other people; the first `apart` people stay apart. */
function fleetOf(identities: number, people: number, apart: number, changed = false): { people: Candidate[]; found: (i: number) => OneOperator | null } {
  const operator = somebody(7);
  const all: Candidate[] = Array.from({ length: people }, (_, i) => ({ contrasts: sitting(i < identities ? operator : somebody(100 + i), i), changed: changed && i < identities }));
  const pairs = compared(all, apart);
  return { people: all, found: (i) => oneOperatorOf(all, pairs, i) };
}

describe('one operator of several identities', () => {
  test('is found by each of them, and a larger group says more', () => {
    const { found } = fleetOf(4, 80, 12);
    for (let i = 0; i < 4; i++) {
      const { group, others, strength, among } = found(i)!;
      expect(group).toBe(4);
      expect(others.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3].filter((j) => j !== i));
      expect(among).toBe(11);
      expect(strength).toBeGreaterThan(1.5);
    }
    expect(found(0)!.strength).toBeGreaterThan(fleetOf(2, 80, 12).found(0)!.strength);
  });

  test('nobody else of the fleet is drawn in by how much alike those are', () => {
    for (const apart of [12, 40]) {
      const { found, people } = fleetOf(5, 80, apart);
      const others = people.slice(5).map((_, i) => found(i + 5)?.strength ?? 0);
      expect(others.filter((strength) => strength >= 1).length / others.length).toBeLessThanOrEqual(0.1);
    }
  });

  test('among strangers the evidence is an e-value: its mean is at most one', () => {
    for (const apart of [12, 40, 80]) {
      const { found } = fleetOf(0, 120, apart);
      const values = Array.from({ length: apart }, (_, i) => 10 ** (found(i)?.strength ?? -Infinity));
      expect(values.reduce((sum, value) => sum + value, 0) / apart).toBeLessThanOrEqual(1);
    }
  });

  test('who types at the same time is two people, however alike', () => {
    const { people } = fleetOf(3, 40, 3);
    expect(oneOperatorOf(people, compared(people, 0), 0)).toBeNull();
  });

  test('the more people stay apart, the less it says; where hands changed lately, those are asked first', () => {
    const few = fleetOf(3, 80, 10).found(0)!;
    const many = fleetOf(3, 80, 70).found(0)!;
    expect(few.strength).toBeGreaterThan(many.strength);
    const changed = fleetOf(3, 80, 70, true).found(0)!;
    expect(changed).toMatchObject({ changed: true, among: 2 });
    expect(changed.strength).toBeGreaterThan(many.strength);
  });

  test('no pair counts for more than the pairs that typed together show by chance', () => {
    const twins = Array.from({ length: 12 }, (_, i) => ({ contrasts: sitting(somebody(7), i), changed: false }));
    const { likeness, strangers } = compared(twins, 2);
    expect(strangers).toBe(65);
    // Everybody types alike here: so do these two, and it says nothing.
    expect(likeness[1]).toBeLessThan(0.8);
  });
});

describe('presence', () => {
  const hours = (from: number, to: number, slots = 0b111111): [number, number][] => Array.from({ length: to - from }, (_, i) => [from + i, slots]);
  const days = (from: number, to: number, slots?: number): Map<number, number> => new Map([0, 24, 48].flatMap((day) => hours(day + from, day + to, slots)));
  const standing = (a: Map<number, number>, b: Map<number, number>, since = 0): number => {
    const out = new Uint8Array(2);
    standingsBefore(presencesOf([{ hours: a, since }, { hours: b }], 0), 1, out);
    return out[0]!;
  };

  test('identities in turn are apart, colleagues are together, and night and day are neither', () => {
    expect(standing(days(8, 10), days(10, 13))).toBe(APART);
    expect(standing(days(8, 16), days(9, 17))).toBe(TOGETHER);
    expect(standing(days(0, 8), days(9, 17)), 'no one person works so long').toBe(UNKNOWN);
  });

  test('short pauses are filled: sparse typing over the same hours is not in turn', () => {
    expect(standing(days(8, 12, 0b010010), days(8, 12, 0b001001))).toBe(APART);
    expect(standing(days(8, 12, 0b010101), days(8, 12, 0b101010)), 'interleaved, and never at once').toBe(APART);
    expect(standing(days(8, 12, 0b010010), days(8, 12, 0b011011))).toBe(TOGETHER);
  });

  test('what was before the hands changed does not count', () => {
    const both = new Map([...hours(8, 16), ...hours(32, 34), ...hours(56, 58)]);
    const other = new Map([...hours(8, 16), ...hours(34, 37), ...hours(58, 61)]);
    expect(standing(both, other)).toBe(TOGETHER);
    expect(standing(both, other, 24)).toBe(APART);
  });
});

describe('hands of a person', () => {
  test('are the last blocks, and strange since the first of a run of strange ones', () => {
    const fleet = newPersonFleet();
    const add = (n: number, strange: boolean): void => addHands(fleet, { sketch: [n], strange, from: n * HOUR_MS });
    for (let n = 0; n < 8; n++) add(n, false);
    expect(fleet.hands!.map(({ sketch }) => sketch[0])).toEqual([2, 3, 4, 5, 6, 7]);
    expect(fleet.hands!.length).toBe(HANDS_BLOCKS);
    add(8, true);
    add(9, false);
    add(10, true);
    expect(fleet.strangeSince).toBe(8 * HOUR_MS);
    for (let n = 11; n < 14; n++) add(n, false);
    expect(fleet.strangeSince).toBeUndefined();
  });

  test('who types now is compared without the blocks of who typed before', () => {
    const fleet = newPersonFleet();
    const add = (n: number, strange: boolean): void => addHands(fleet, { sketch: [n], strange, from: n * HOUR_MS });
    const present = (): { blocks: number[]; changed: boolean } | null => {
      const hands = presentHands(fleet);
      return hands === null ? null : { blocks: hands.blocks.map(({ sketch }) => sketch[0]!), changed: hands.changed };
    };
    add(0, false);
    expect(present(), 'one block may be of a hurried hour').toBeNull();
    for (let n = 1; n < 4; n++) add(n, false);
    expect(present()).toEqual({ blocks: [0, 1, 2, 3], changed: false });
    add(4, true);
    expect(present(), 'one strange block is nobody yet').toEqual({ blocks: [0, 1, 2, 3, 4], changed: false });
    add(5, true);
    expect(present()).toEqual({ blocks: [4, 5], changed: true });
    add(6, true);
    expect(present()).toEqual({ blocks: [4, 5, 6], changed: true });
  });
});
