import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KM_PER_RTT_MS } from '#lib/kernel/geodesy.ts';
import { legOf, machineGap, operatorDistance, type MachineGap } from './distance.ts';
import { partOfWorld, PARTS_OF_WORLD, REACH, type PartOfWorld } from './reach.ts';

const MACHINE: MachineGap = { least: 1, typical: 3.5, most: 6 };
const ringOf = (lateMs: number, errorMs = 0, machine = MACHINE, part: PartOfWorld = 'ELSEWHERE') => operatorDistance(legOf(lateMs, machine, errorMs, 0, 1), REACH[part]);

const legs = fc.double({ min: 10, max: 400, noNaN: true });

test('the ring is ordered, never beyond what light allows, and from 60 ms up much narrower than the naive interval', () => {
  fc.assert(
    fc.property(legs, fc.constantFrom(...PARTS_OF_WORLD), (legMs, part) => {
      const { lower, likely, upper } = ringOf(legMs + 3.5, 0, MACHINE, part)!;
      expect(lower).toBeLessThanOrEqual(likely);
      expect(likely).toBeLessThanOrEqual(upper);
      expect(upper).toBeLessThanOrEqual(Math.min(20_015, (legMs + 3.5) * KM_PER_RTT_MS));
      if (legMs >= 60) expect(upper - lower).toBeLessThanOrEqual(0.6 * Math.min(20_015, legMs * KM_PER_RTT_MS));
    }),
  );
});

test('a path of the usual inflation lies inside, at any length and with any usual last mile', () => {
  fc.assert(
    fc.property(fc.double({ min: 500, max: 15_000, noNaN: true }), fc.double({ min: 1.35, max: 2.1, noNaN: true }), fc.double({ min: 0, max: 12, noNaN: true }), (km, inflation, lastMile) => {
      const { lower, upper } = ringOf((km / KM_PER_RTT_MS) * inflation + lastMile + 3.5)!;
      expect(lower).toBeLessThanOrEqual(km);
      expect(upper).toBeGreaterThanOrEqual(km * 0.97);
    }),
  );
});

test('nothing late is no distance; half the earth is the end; rows of the table rise', () => {
  expect(ringOf(0.2)).toBeNull();
  expect(ringOf(900)!.upper).toBe(20_015);
  for (const part of PARTS_OF_WORLD) for (let i = 1; i < REACH[part].length; i++) expect(REACH[part][i]!.rttMs).toBeGreaterThan(REACH[part][i - 1]!.rttMs);
});

test('a clock error widens it in both directions', () => {
  const [sure, unsure] = [ringOf(100)!, ringOf(100, 20)!];
  expect(unsure.upper).toBeGreaterThan(sure.upper);
  expect(unsure.lower).toBeLessThan(sure.lower);
});

test('a machine that is known by its own earlier days narrows the ring; one whose days are as late as today, or slower than others, is not taken for known', () => {
  const own = { days: 2, minutes: 120, lowMs: 2, typicalMs: 2.5, oftenMs: 3, highMs: 5, spreadMs: 0 };
  const known = machineGap(40, 3.5, 8.5, own);
  const unknown = machineGap(40, 3.5, 8.5, null);
  expect(known).toEqual({ least: 2, typical: 2.5, most: 3 });
  expect(unknown).toEqual({ least: 3.5 ** 2 / 8.5, typical: 3.5, most: 6 });
  expect(machineGap(40, 0, 0, null)).toEqual({ least: 0, typical: 0, most: 0 });
  const widthOf = (machine: MachineGap): number => ringOf(40, 0, machine)!.upper - ringOf(40, 0, machine)!.lower;
  expect(widthOf(known)).toBeLessThan(widthOf(unknown));
  for (const change of [{ minutes: 59 }, { typicalMs: 9 }, { highMs: 40, spreadMs: 0 }]) expect(machineGap(40, 3.5, 8.5, { ...own, ...change })).toEqual(unknown);
});

test('two clocks see one way: the round trip is twice that', () => {
  expect(legOf(50, MACHINE, 4, 2, 2)).toEqual({ least: 2 * (50 - 6 - 4 - 2), likely: 2 * 46.5, most: 2 * 53 });
});

test('parts of the world have routes of their own; where there are too few pairs, those of all hold', () => {
  const parts = { Seattle: [47.6, -122.3], Dublin: [53.3, -6.3], Tokyo: [35.7, 139.7], 'Tel Aviv': [32.1, 34.8], 'São Paulo': [-23.5, -46.6], Lagos: [6.5, 3.4] } as const;
  const found = Object.entries(parts).map(([city, [latitude, longitude]]) => `${city} ${partOfWorld(latitude, longitude)}`);
  expect(found).toEqual(['Seattle NORTH_AMERICA', 'Dublin EUROPE', 'Tokyo ASIA_PACIFIC', 'Tel Aviv EUROPE', 'São Paulo ELSEWHERE', 'Lagos ELSEWHERE']);
  // 150 ms from North America are Europe's east, South America or Japan, and not the neighbouring state over detours.
  expect(ringOf(153.5, 0, MACHINE, 'NORTH_AMERICA')!.lower).toBeGreaterThan(ringOf(153.5)!.lower + 1000);
});
