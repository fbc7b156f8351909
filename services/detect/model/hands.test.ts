import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { HANDS } from './hands-fitted.ts';
import { handsFeatures, handsOf, intervalFeatures, likeness, LIKENESS_MAX } from './hands.ts';
import { contrastsOf } from './rhythm-distance.ts';
import { addKeystrokes, EDGES, featuresOf, GRID, newRhythm, SHARES, TOP_MS, type Rhythm } from './rhythm.ts';

/** Keystrokes of a typist as a clock of that raster sees them. */
function typed(seed: number, gridMs: number, { interval = 160, hold = 100 } = {}): Rhythm {
  const prng = new Prng(seed, 'typed');
  const rhythm = newRhythm();
  const seen = (at: number): number => (gridMs === 0 ? at : Math.floor(at / gridMs) * gridMs);
  let at = 0;
  for (let record = 0; record < 20; record++) {
    const [interKeyMs, holdMs]: [number[], number[]] = [[], []];
    for (let i = 0; i < 60; i++) {
      const next = at + prng.logNormal(interval, 0.4);
      holdMs.push(Math.max(1, gridMs, seen(at + prng.logNormal(hold, 0.25)) - seen(at)));
      if (i < 59) interKeyMs.push(seen(next) - seen(at));
      at = next;
    }
    addKeystrokes(rhythm, { interKeyMs, holdMs, sensor: 'BASTION' } as unknown as KeystrokeLatency);
  }
  return rhythm;
}

const hands = (rhythm: Rhythm) => handsOf(contrastsOf(handsFeatures(rhythm.counts)!));
const offset = fc.array(fc.double({ min: -0.5, max: 0.5, noNaN: true }), { minLength: HANDS.mean.length, maxLength: HANDS.mean.length });
const moved = (by: readonly number[], scale = 1): number[] => HANDS.mean.map((value, i) => value + scale * by[i]!);

describe('likeness', () => {
  test('is the same both ways, bounded, and falls the further two are apart', () => {
    fc.assert(
      fc.property(offset, offset, (a, b) => {
        const [x, y] = [handsOf(moved(a)), handsOf(moved(b))];
        expect(likeness(x, y)).toBeCloseTo(likeness(y, x), 9);
        expect(likeness(x, y)).toBeLessThanOrEqual(LIKENESS_MAX);
        // Around the same middle: further apart is less alike.
        const around = (scale: number) => likeness(handsOf(moved(a.map((value, i) => value + scale * (b[i]! + 0.01)))), handsOf(moved(a.map((value, i) => value - scale * (b[i]! + 0.01)))));
        expect(around(0.5)).toBeLessThanOrEqual(around(0.05) + 1e-9);
      }),
    );
  });

  test('two rare rhythms that agree say more than two ordinary ones', () => {
    const ordinary = handsOf(moved(HANDS.mean.map(() => 0)));
    const rare = handsOf(HANDS.mean.map((value, i) => value + 1.5 * Math.sqrt(HANDS.between[i]![i]!)));
    expect(likeness(rare, rare)).toBeGreaterThan(likeness(ordinary, ordinary));
  });

  test('another workstation, whose clock is coarse, does not make one person two', () => {
    for (const gridMs of [8, 16]) {
      expect(likeness(hands(typed(1, 0)), hands(typed(2, gridMs))), `${gridMs} ms`).toBeGreaterThan(1);
      const [fine, coarse] = [typed(3, 0), typed(3, gridMs)];
      const apart = (of: (counts: Uint16Array) => number[]): number => Math.max(...of(fine.counts).map((value, i) => Math.abs(value - of(coarse.counts)[i]!)));
      expect(apart((counts) => handsFeatures(counts)!.slice(1, 10))).toBeLessThan(apart((counts) => featuresOf(counts).slice(1, 10)));
    }
    expect(likeness(hands(typed(1, 0)), hands(typed(2, 0, { interval: 230, hold: 70 })))).toBeLessThan(-1);
  });

  test('without holds nobody is compared', () => {
    const rhythm = newRhythm();
    addKeystrokes(rhythm, { interKeyMs: Array.from({ length: 400 }, () => 150), holdMs: [], sensor: 'BASTION' } as unknown as KeystrokeLatency);
    expect(handsFeatures(rhythm.counts)).toBeNull();
  });
});

/** What the features of intervals are meant to be: each time is spread over 24 ms, and what each quantile lies in is halved nine times. */
function plainFeatures(counts: Uint16Array): number[] {
  const bounds = [8, ...EDGES, 2 * TOP_MS];
  const [below, area] = [[0], [0]];
  for (let i = 0; i < GRID; i++) {
    below.push(below[i]! + counts[i]!);
    area.push(area[i]! + ((below[i]! + below[i + 1]!) / 2) * (bounds[i + 1]! - bounds[i]!));
  }
  const areaAt = (ms: number): number => {
    if (ms <= bounds[0]!) return 0;
    if (ms >= bounds[GRID]!) return area[GRID]! + below[GRID]! * (ms - bounds[GRID]!);
    const bin = bounds.findLastIndex((edge) => edge <= ms);
    const within = ms - bounds[bin]!;
    return area[bin]! + within * (below[bin]! + (((below[bin + 1]! - below[bin]!) / (bounds[bin + 1]! - bounds[bin]!)) * within) / 2);
  };
  return SHARES.map((share) => {
    const wanted = share * below[GRID]!;
    const bin = Math.min(GRID - 1, below.findIndex((count, i) => i > 0 && count >= wanted) - 1);
    let [low, high] = [Math.max(1, bounds[bin]! - 12), bounds[bin + 1]! + 12];
    for (let step = 0; step < 9; step++) {
      const middle = (low + high) / 2;
      if (areaAt(middle + 12) - areaAt(middle - 12) < wanted * 24) low = middle;
      else high = middle;
    }
    return Math.log((low + high) / 2);
  });
}

test('quantiles of spread-out times are to the bit what halving one after the other gives', () => {
  const count = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, { weight: 3, arbitrary: fc.nat({ max: 60 }) }, { weight: 1, arbitrary: fc.nat({ max: 0xffff }) });
  const sparse = fc.array(count, { minLength: GRID, maxLength: GRID });
  const hump = fc
    .record({ middle: fc.double({ min: 0, max: GRID, noNaN: true }), width: fc.double({ min: 0.3, max: 12, noNaN: true }), all: fc.nat({ max: 24_000 }) })
    .map(({ middle, width, all }) => Array.from({ length: GRID }, (_, bin) => Math.round((all / width / 2.5) * Math.exp(-(((bin - middle) / width) ** 2) / 2))));
  const same = fc.property(fc.oneof(sparse, hump), (bins) => {
    const counts = Uint16Array.from(bins);
    expect(intervalFeatures(counts)).toEqual(plainFeatures(counts));
  });
  fc.assert(same, { numRuns: 1000 });
});
