import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Prng } from '#lib/kernel/prng.ts';
import type { KeystrokeLatency } from '#schemas/records.ts';
import { HANDS } from './hands-fitted.ts';
import { handsFeatures, handsOf, likeness, LIKENESS_MAX } from './hands.ts';
import { contrastsOf } from './rhythm-distance.ts';
import { addKeystrokes, featuresOf, newRhythm, type Rhythm } from './rhythm.ts';

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
