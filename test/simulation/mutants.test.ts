/** The checkers can fail: a runner with a known defect is found within a few seeds. */
import { describe, expect, test } from 'vitest';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';

/** Within how many seeds a defect must be found. */
const SEEDS_MAX = 80;

describe('the checkers find a runner that', () => {
  test.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))('%s', async (_name, mutant) => {
    let seed = 1;
    while (seed <= SEEDS_MAX && (await simulate(seed, mutant)).problems.length === 0) seed++;
    expect(seed, 'seeds until it was found').toBeLessThanOrEqual(SEEDS_MAX);
  });
});
