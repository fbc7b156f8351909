import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RHYTHM_BINS } from '../model/rhythm.ts';
import { SKETCH_BINS } from '../model/sketch.ts';
import { GAP_KINDS, releaseTally, tally, type Tallied } from './tally.ts';

const RHYTHM = GAP_KINDS.length;

test('each window keeps what it counted, of whichever kinds and in whichever order they came', () => {
  const place = fc.record({ at: fc.nat(2), part: fc.nat(RHYTHM), bin: fc.nat(RHYTHM_BINS - 1) });
  fc.assert(
    fc.property(fc.array(place, { maxLength: 60 }), (counted) => {
      const windows = Array.from({ length: 3 }, (): Tallied => ({ parts: 0, counts: null }));
      // By window and part, null for none.
      const wanted = windows.map(() => Array.from({ length: RHYTHM + 1 }, (): number[] | null => null));
      for (const { at, part, bin } of counted) {
        tally.takeOut(windows[at]!);
        const counts = part === RHYTHM ? tally.beginRhythm().counts : tally.sketch(GAP_KINDS[part]!);
        counts[bin]! += 1;
        tally.putBack(windows[at]!);
        const before = (wanted[at]![part] ??= Array.from({ length: part === RHYTHM ? RHYTHM_BINS : SKETCH_BINS }, () => 0));
        before[bin]! += 1;
      }
      windows.forEach((window, at) => {
        tally.takeOut(window);
        const found = GAP_KINDS.map((kind) => (tally.has(kind) ? [...tally.sketch(kind)] : null));
        expect([...found, tally.rhythm === null ? null : [...tally.rhythm.counts]]).toEqual(wanted[at]);
        releaseTally(window);
        expect(window).toEqual({ parts: 0, counts: null });
      });
    }),
  );
});
