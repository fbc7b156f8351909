/**
 * Sketch of a rhythm for comparing people: the pace, the log quantiles of the intervals beside it, those of the holds and
 * the rollover rate, each in quarters of the spread that it has within one person. Twelve small whole numbers: no key,
 * no order of keys and no single time is in them, so no text can be read back.
 *
 * Buckets: random projections of the sketch (Datar, Immorlica, Indyk, Mirrokni 2004), the same for everybody, cut into
 * cells much wider than one person's spread. The rhythms of one person share at least one of the buckets nearly always;
 * those of strangers mostly share none.
 */
import { Prng } from '#lib/kernel/prng.ts';

/** Spread within people of the pace, and of the features in the order of featuresOf (model/rhythm.ts). */
const PACE_SCALE = 0.14;
const SCALES = [0.052, 0.03, 0.022, 0.038, 0.08, 0.045, 0.039, 0.035, 0.035, 0.046, 0.072] as const;
const INTERVALS = 5;
const PARTS = 4;
export const SKETCH_SIZE = SCALES.length + 1;
const TABLES = 3;
const PROJECTIONS = 2;
/** In spreads within one person. */
const CELL = 9;

const NORMALS: readonly number[][] = (() => {
  const prng = new Prng(1, 'rhythm buckets');
  return Array.from({ length: TABLES * PROJECTIONS }, () => {
    const direction = Array.from({ length: SKETCH_SIZE }, () => prng.normal());
    const length = Math.hypot(...direction);
    return direction.map((value) => value / length);
  });
})();

const partsOf = (value: number, scale: number): number => Math.round((value / scale) * PARTS);

/** @param features of `handsFeatures` (model/hands.ts) */
export function sketchOf(features: readonly number[]): number[] {
  const pace = (features[1]! + features[2]! + features[3]!) / 3;
  const sketch = [partsOf(pace, PACE_SCALE)];
  for (let i = 0; i < features.length; i++) sketch.push(partsOf(i < INTERVALS ? features[i]! - pace : features[i]!, SCALES[i]!));
  return sketch;
}

/** In it is everybody: of a small organisation one bucket is enough, of a large one it keeps a bounded part. */
const EVERYBODY = 'all';

/** One name per table, and the one of everybody. */
export function bucketsOf(sketch: readonly number[]): string[] {
  const cells = Array.from({ length: TABLES }, (_, table) => {
    const along = NORMALS.slice(table * PROJECTIONS, (table + 1) * PROJECTIONS).map((direction) => {
      const at = direction.reduce((sum, value, i) => sum + (value * sketch[i]!) / PARTS, 0);
      // Tables are shifted against each other, so that what lies on a border of one lies inside another.
      return Math.floor((at + (table * CELL) / TABLES) / CELL);
    });
    return `${table}.${along.join('.')}`;
  });
  return [EVERYBODY, ...cells];
}

/** Place in a sketch of the middle quantile of the intervals, which the pace and its neighbours give. */
const REDUNDANT = 3;

/** The contrasts that a sketch stands for, as model/hands.ts compares them. */
export function contrastsOfSketch(sketch: readonly number[]): number[] {
  const contrasts: number[] = [];
  for (let i = 0; i < SKETCH_SIZE; i++) if (i !== REDUNDANT) contrasts.push((sketch[i]! / PARTS) * (i === 0 ? PACE_SCALE : SCALES[i - 1]!));
  return contrasts;
}
