import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { presencesOf } from './presence.ts';
import { APART, isApart, overlapOf, standingsBefore, TOGETHER, UNKNOWN, type Overlap } from './standing.ts';

const HOURS = 300;
const LATELY = 204;

/** Slots of a person by hour; nights and whole days without any, as people have them. */
const person = fc.uniqueArray(fc.record({ hour: fc.nat(HOURS - 1), slots: fc.integer({ min: 1, max: 63 }) }), { selector: ({ hour }) => hour, maxLength: 60 });
type Typed = typeof person extends fc.Arbitrary<infer T> ? T : never;
const byHour = (typed: Typed): Map<number, number> => new Map(typed.map(({ hour, slots }) => [hour, slots]));

/** The slots one by one, as the words of presence.ts say it. */
function slotsOf(typed: Typed): { typed: Set<number>; filled: Set<number> } {
  const slots = typed.flatMap(({ hour, slots: bits }) => [0, 1, 2, 3, 4, 5].filter((i) => (bits & (1 << i)) !== 0).map((i) => hour * 6 + i)).toSorted((a, b) => a - b);
  const filled = new Set(slots);
  for (const [i, slot] of slots.entries()) for (let pause = slots[i - 1] ?? slot; slot - (slots[i - 1] ?? slot) <= 3 && pause < slot; pause++) filled.add(pause);
  return { typed: new Set(slots), filled };
}

function overlapSlotBySlot(a: Typed, b: Typed, which: 'typed' | 'filled', from: number): Overlap {
  const [ofA, ofB] = [slotsOf(a), slotsOf(b)];
  const hoursOf = (slots: Set<number>): Set<number> => new Set([...slots].map((slot) => Math.floor(slot / 6)));
  const [hoursA, hoursB] = [hoursOf(ofA.filled), hoursOf(ofB.filled)];
  const counted = (own: Set<number>, others: Set<number>): Set<number> => new Set([...own].filter((hour) => hour >= from && [...others].some((other) => Math.abs(other - hour) <= 8)));
  const [countedA, countedB] = [counted(hoursA, hoursB), counted(hoursB, hoursA)];
  const within = (slots: Set<number>, hours: Set<number>): number[] => [...slots].filter((slot) => hours.has(Math.floor(slot / 6)));
  const [slotsA, slotsB] = [within(ofA[which], countedA), within(ofB[which], countedB)];
  const hours = new Set([...countedA, ...countedB]).size;
  return { slots: slotsA.length + slotsB.length, shared: slotsA.filter((slot) => slotsB.includes(slot)).length, expected: hours === 0 ? 0 : Math.round((10 * slotsA.length * slotsB.length) / (6 * hours)) };
}

function standingSlotBySlot(a: Typed, b: Typed, since: number): number {
  const from = Math.max(since, LATELY);
  const typed = overlapSlotBySlot(a, b, 'typed', from);
  if (isApart(typed) || (typed.shared < 3 && isApart(overlapSlotBySlot(a, b, 'filled', from)))) return fitOneDay(a, b, from) ? APART : UNKNOWN;
  return overlapSlotBySlot(a, b, 'typed', since).shared >= 3 ? TOGETHER : UNKNOWN;
}

/** Nine in ten of their hours lie in fourteen hours of the day. */
function fitOneDay(a: Typed, b: Typed, from: number): boolean {
  const hours = [...a, ...b].map(({ hour }) => hour).filter((hour) => hour >= from);
  return Array.from({ length: 24 }, (_, first) => hours.filter((hour) => (hour - first + 240) % 24 < 14).length).some((within) => within >= 0.9 * hours.length);
}

describe('what two people share', () => {
  test('by words is what it is slot by slot', () => {
    fc.assert(
      fc.property(person, person, fc.integer({ min: LATELY, max: HOURS }), (a, b, from) => {
        const presences = presencesOf([{ hours: byHour(a) }, { hours: byHour(b) }], LATELY);
        for (const which of ['typed', 'filled'] as const) expect(overlapOf(presences, 0, 1, which, from)).toEqual(overlapSlotBySlot(a, b, which, from));
      }),
    );
  });

  test('is settled early only where counting everything says the same', () => {
    const seen = [0, 0, 0];
    const heavy = fc.uniqueArray(fc.record({ hour: fc.integer({ min: LATELY, max: LATELY + 30 }), slots: fc.integer({ min: 1, max: 63 }) }), { selector: ({ hour }) => hour, minLength: 3, maxLength: 25 });
    const since = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: HOURS }));
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.oneof(person, heavy), since), { minLength: 2, maxLength: 5 }), (people) => {
        const presences = presencesOf(people.map(([typed, from]) => ({ hours: byHour(typed), since: from })), LATELY);
        const found = new Uint8Array(people.length);
        for (let i = 1; i < people.length; i++) {
          standingsBefore(presences, i, found);
          for (let j = 0; j < i; j++) {
            const standing = standingSlotBySlot(people[i]![0], people[j]![0], Math.max(people[i]![1], people[j]![1]));
            expect(found[j]).toBe(standing);
            seen[standing]!++;
          }
        }
      }),
      { numRuns: 500 },
    );
    expect(Math.min(...seen)).toBeGreaterThan(5);
  });

  test('is not asked of two accounts on one workstation', () => {
    const hours = new Map([[LATELY, 63], [LATELY + 1, 63]]);
    const found = new Uint8Array(2);
    for (const [device, standing] of [[7, UNKNOWN], [0, TOGETHER]] as const) {
      standingsBefore(presencesOf([{ hours, device }, { hours, device }], LATELY), 1, found);
      expect(found[0]).toBe(standing);
    }
  });
});
