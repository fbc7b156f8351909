/** Points of a sweep: one value of each swept key, and the configuration that comes of it. */
import { FarhandError } from '#lib/kernel/errors.ts';
import { loadEmbeddedConfig, type EmbeddedConfig } from '../embedded/pipeline.ts';
import { overrideOf, type SweptKey } from './keys.ts';

/** A grid beyond it needs a budget. */
export const GRID_POINTS_MAX = 2000;

export interface Point {
  /** Number in the grid, the last key fastest. */
  readonly index: number;
  /** Value by key, in the order of the keys. */
  readonly values: readonly string[];
  readonly config: EmbeddedConfig;
}

export class Grid {
  readonly keys: readonly SweptKey[];
  readonly size: number;
  /** Combinations that the configuration refuses, with the reason. */
  readonly refused = new Map<number, string>();
  readonly #file: string | null;

  constructor(keys: readonly SweptKey[], configFile: string | null) {
    this.keys = keys;
    this.#file = configFile;
    this.size = keys.reduce((product, { values }) => product * values.length, 1);
    if (!Number.isSafeInteger(this.size)) throw new FarhandError('FARHAND_USAGE', 'the grid of --sweep has more than 2^53 points');
  }

  /** Place of the value of each key. */
  placesOf(index: number): number[] {
    const places: number[] = [];
    let rest = index;
    for (const { values } of this.keys.toReversed()) {
      places.unshift(rest % values.length);
      rest = Math.floor(rest / values.length);
    }
    return places;
  }

  indexOf(places: readonly number[]): number {
    return this.keys.reduce((index, { values }, i) => index * values.length + places[i]!, 0);
  }

  /** Null where the values do not go together (low above high); the reason is in `refused`. */
  point(index: number): Point | null {
    if (this.refused.has(index)) return null;
    const values = this.placesOf(index).map((place, i) => this.keys[i]!.values[place]!);
    try {
      const config = loadEmbeddedConfig(this.#file, this.keys.map((key, i) => overrideOf(key, values[i]!)));
      return { index, values, config };
    } catch (error) {
      if (!(error instanceof FarhandError) || error.code !== 'FARHAND_CONFIG_INVALID') throw error;
      this.refused.set(index, error.message);
      return null;
    }
  }
}
