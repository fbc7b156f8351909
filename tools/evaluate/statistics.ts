/** Curves of the evaluation. */
import { quantileOf, sorted } from '../simulate/quantiles.ts';

export const median = (values: readonly number[]): number | null => (values.length === 0 ? null : quantileOf(sorted(values), 0.5));

export interface CurvePoint {
  threshold: number;
  /** Share of the piloted at or above the threshold, and of the honest. */
  recall: number;
  falseShare: number;
  precision: number;
}

/** Every distinct threshold from high to low. */
export function curve(piloted: readonly number[], honest: readonly number[]): CurvePoint[] {
  const all = [...piloted.map((score) => ({ score, piloted: true })), ...honest.map((score) => ({ score, piloted: false }))].sort((a, b) => b.score - a.score);
  const points: CurvePoint[] = [];
  let hits = 0;
  let alarms = 0;
  for (let i = 0; i < all.length; ) {
    const threshold = all[i]!.score;
    while (i < all.length && all[i]!.score === threshold) {
      if (all[i]!.piloted) hits++;
      else alarms++;
      i++;
    }
    points.push({ threshold, recall: hits / Math.max(1, piloted.length), falseShare: alarms / Math.max(1, honest.length), precision: hits / (hits + alarms) });
  }
  return points;
}

/** Area under the ROC curve, ties at half: the chance that a piloted session scores above an honest one. */
export function areaUnder(points: readonly CurvePoint[]): number {
  let area = 0;
  let before = { recall: 0, falseShare: 0 };
  for (const point of points) {
    area += (point.falseShare - before.falseShare) * ((point.recall + before.recall) / 2);
    before = point;
  }
  return area + (1 - before.falseShare) * ((1 + before.recall) / 2);
}
