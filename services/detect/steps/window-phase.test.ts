import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { hourOf, HOUR_MS, MINUTE_MS } from '../fleet/minutes.ts';
import { hourOverAt, phaseOf, windowStartOf } from './window-phase.ts';

const NOW = Date.UTC(2026, 2, 2, 9, 30);
const anyPhase = fc.tuple(fc.string(), fc.string()).map(([tenantId, userId]) => ({ phaseMs: phaseOf(tenantId, userId) }));
const anyTime = fc.integer({ min: -HOUR_MS, max: NOW });

describe('where windows begin', () => {
  test('a fleet is spread evenly over the seconds of the minute, also when its names only differ by a number', () => {
    for (const name of [(n: number) => `user-${n}`, (n: number) => `${n}@example.com`, (n: number) => n.toString(16).padStart(32, '0')]) {
      const counts = new Uint32Array(60);
      for (let n = 0; n < 60_000; n++) counts[phaseOf('tenant', name(n)) / 1_000]!++;
      // 1,000 are expected in each; the standard deviation of a fair draw is 31.
      expect(Math.min(...counts)).toBeGreaterThan(850);
      expect(Math.max(...counts)).toBeLessThan(1_150);
    }
  });

  test('every time lies in one window of a minute that begins at the phase', () => {
    fc.assert(
      fc.property(anyPhase, anyTime, (person, at) => {
        const start = windowStartOf(person, at);
        expect(start <= at && at < start + MINUTE_MS).toBe(true);
        expect(windowStartOf(person, start)).toBe(start);
        expect(windowStartOf(person, start + MINUTE_MS)).toBe(start + MINUTE_MS);
        expect((((start - person.phaseMs) % MINUTE_MS) + MINUTE_MS) % MINUTE_MS).toBe(0);
      }),
    );
  });

  test('an hour is over when the last window that begins in it is, less than a minute after the hour', () => {
    fc.assert(
      fc.property(anyPhase, anyTime, (person, at) => {
        const hour = hourOf(at);
        const over = hourOverAt(person, hour);
        expect(over).toBe(windowStartOf(person, hour + HOUR_MS - 1) + MINUTE_MS);
        expect(over - hour - HOUR_MS).toBeLessThan(MINUTE_MS);
      }),
    );
  });
});
