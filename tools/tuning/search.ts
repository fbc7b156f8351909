/**
 * Which points of a grid are looked at, and which one is best. Without a budget: all. With one: a seeded sample of the grid
 * (half of the budget), then steps to neighbours of the best point so far, one key at a time, and a new sample where no
 * neighbour is left. Rounds have a fixed size, so that the outcome depends on the seed and not on the number of cores.
 */
import { Prng } from '#lib/kernel/prng.ts';
import type { LevelFigures } from '../replay/evaluation-figures.ts';
import type { Grid } from './points.ts';

/** Points that are asked for at a time. */
const ROUND = 16;

export interface Scored {
  readonly index: number;
  readonly figures: LevelFigures;
  /** In how many settings it differs from the present configuration. */
  readonly changes: number;
}

/** False findings per 1,000 session-days; without session-days there are none. */
const falseRate = ({ figures }: Scored): number => figures.falseFindingsPer1000SessionDays ?? 0;

/**
 * Negative where `a` is the better one. Within the budget: the higher recall, then fewer false findings, then the earlier
 * detection. None within it: fewer false findings. Then the one with fewer changes, then the first in the grid.
 */
export function compareScored(a: Scored, b: Scored, falseBudget: number): number {
  const [withinA, withinB] = [falseRate(a) <= falseBudget, falseRate(b) <= falseBudget];
  if (withinA !== withinB) return withinA ? -1 : 1;
  const byRecall = (b.figures.recall ?? 0) - (a.figures.recall ?? 0);
  const byFalse = falseRate(a) - falseRate(b);
  const byTime = (a.figures.medianTimeToDetectMs ?? Infinity) - (b.figures.medianTimeToDetectMs ?? Infinity);
  const order = withinA ? [byRecall, byFalse, byTime] : [byFalse, byRecall, byTime];
  // Two infinite times differ by NaN, which is no difference.
  return order.find((difference) => difference !== 0 && !Number.isNaN(difference)) ?? (a.changes - b.changes || a.index - b.index);
}

export function bestOf(scored: readonly Scored[], falseBudget: number): Scored | null {
  return scored.reduce<Scored | null>((best, one) => (best === null || compareScored(one, best, falseBudget) < 0 ? one : best), null);
}

export class Search {
  readonly #grid: Grid;
  readonly #budget: number;
  readonly #prng: Prng;
  readonly #asked = new Set<number>();

  /** @param budget points that may be asked for; null: all */
  constructor(grid: Grid, budget: number | null, seed: number) {
    this.#grid = grid;
    this.#budget = Math.min(budget ?? grid.size, grid.size);
    this.#prng = new Prng(seed, 'sweep');
  }

  get asked(): number {
    return this.#asked.size;
  }

  get budget(): number {
    return this.#budget;
  }

  /** The next points; empty at the end. `best` is the best index so far, null before there is one or where nothing is known. */
  next(best: number | null): number[] {
    const left = this.#budget - this.#asked.size;
    if (left <= 0) return [];
    const round = Math.min(ROUND, left);
    if (this.#budget === this.#grid.size) return this.#take(Array.from({ length: this.#grid.size }, (_, index) => index).filter((index) => !this.#asked.has(index)).slice(0, round));
    if (best !== null && this.#asked.size >= Math.ceil(this.#budget / 2)) {
      const neighbours = this.#neighbours(best).slice(0, round);
      if (neighbours.length > 0) return this.#take(neighbours);
    }
    const most = this.#asked.size < Math.ceil(this.#budget / 2) ? Math.min(round, Math.ceil(this.#budget / 2) - this.#asked.size) : round;
    return this.#take(this.#sample(most));
  }

  #take(indexes: number[]): number[] {
    for (const index of indexes) this.#asked.add(index);
    return indexes;
  }

  /** One step along each key, both ways, that was not asked for yet. */
  #neighbours(index: number): number[] {
    const places = this.#grid.placesOf(index);
    return places.flatMap((place, i) =>
      [place - 1, place + 1].filter((to) => to >= 0 && to < this.#grid.keys[i]!.values.length).map((to) => this.#grid.indexOf(places.with(i, to))),
    ).filter((near) => !this.#asked.has(near));
  }

  /** Points that were not asked for, without repeats; from a draw on, the next free one, so that it ends. */
  #sample(count: number): number[] {
    const drawn = new Set<number>();
    while (drawn.size < count) {
      let index = Math.floor(this.#prng.next() * this.#grid.size);
      while (this.#asked.has(index) || drawn.has(index)) index = (index + 1) % this.#grid.size;
      drawn.add(index);
    }
    return [...drawn];
  }
}
