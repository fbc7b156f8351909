import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hiddenLeg } from './hidden-leg.ts';
import { gapView, parameters, reading, transportView, view } from './test-view.ts';

const at = (gapMs: number, change: Parameters<typeof gapView>[1] = {}) => hiddenLeg(view({ gap: gapView(gapMs, change) }), parameters);
const { low, medium } = parameters.config.fusion;

describe('hidden leg', () => {
  test('direct connections are quiet, and nothing is said without keystrokes', () => {
    for (const gapMs of [0.3, 2, 5, 7.5]) expect(at(gapMs)).toBe('quiet');
    expect(hiddenLeg(view({ gap: null }), parameters)).toBeNull();
    expect(at(200, { keys: 20 })).toBeNull();
  });

  test('strength never falls with the gap', () => {
    fc.assert(
      fc.property(fc.double({ min: 9, max: 300, noNaN: true }), fc.double({ min: 0, max: 200, noNaN: true }), (gapMs, more) => {
        const [less, greater] = [at(gapMs), at(gapMs + more)].map((answer) => (typeof answer === 'object' && answer !== null ? answer.strength : 0));
        expect(greater!).toBeGreaterThanOrEqual(less! - 0.12);
      }),
    );
  });

  test('80 ms is MEDIUM by itself, 40–70 ms LOW, a calm +60 ms never more', () => {
    expect(reading(at(84)).strength).toBeGreaterThanOrEqual(medium);
    for (const gapMs of [42, 50, 60, 66]) {
      expect(reading(at(gapMs)).strength).toBeGreaterThanOrEqual(low);
      expect(reading(at(gapMs)).strength).toBeLessThan(medium);
    }
  });

  test('jitter of its own, which the transport does not show, raises 60 ms to MEDIUM; that of the transport does not', () => {
    const minutes = Array.from({ length: 6 }, (_, i) => ({ end: i * 60_000, samples: 60, low: 60 + (i % 3), middle: 80 }));
    expect(reading(at(60, { jitterMs: 35, minutes })).strength).toBeGreaterThanOrEqual(medium);
    expect(reading(at(60, { jitterMs: 35 })).strength).toBeLessThan(medium);
    const shown = hiddenLeg(view({ gap: gapView(60, { jitterMs: 35, minutes }), transport: transportView(45, { lowerSpreadMs: 30 }) }), parameters);
    expect(reading(shown).strength).toBeLessThan(medium);
  });

  test('a device with the same calm gap on earlier days is taken for a slow machine', () => {
    const own = { days: 5, minutes: 600, typicalMs: 61 };
    expect(reading(at(60, { own })).strength).toBeLessThan(low);
    expect(reading(at(60, { own: { ...own, typicalMs: 8 } })).strength).toBeGreaterThanOrEqual(low);
  });

  test('load that comes and goes is no leg: all but one of the last minutes must have the gap', () => {
    const minute = (low: number, i: number) => ({ end: i * 60_000, samples: 60, low, middle: low + 1 });
    expect(at(50, { minutes: [5, 52, 6, 51, 50, 7].map(minute) })).toBe('quiet');
    expect(reading(at(50, { minutes: [50, 52, 6, 51, 50, 52].map(minute) })).strength).toBeGreaterThanOrEqual(low);
  });

  test('two clocks: the clock error is taken off and named', () => {
    expect(at(25, { twoClocks: true, clockErrorMs: 20 })).toBe('quiet');
    const found = reading(at(110, { twoClocks: true, clockErrorMs: 20 }));
    expect(Math.abs(found.observed - 90)).toBeLessThan(1.5);
    expect(found.explanation).toContain('clock error of 20.0 ms');
  });

  test('a hosted desktop may have the leg to its region', () => {
    expect(reading(at(50, { sensor: 'VDI_GATEWAY' })).strength).toBeLessThan(low);
    expect(reading(at(350, { sensor: 'VDI_GATEWAY' })).strength).toBeGreaterThanOrEqual(medium);
  });

  test('the explanation carries the numbers of the evidence', () => {
    const found = reading(at(84));
    for (const value of [found.observed.toFixed(1), found.expected.toFixed(1), '400']) expect(found.explanation).toContain(value);
  });
});
