/** `npm run simulate:faults -- --seeds N [--seed S]`: simulations with faults, one line for each that failed, and a table. */
import { parseArgs } from 'node:util';
import { systemClock } from '#lib/kernel/clock.ts';
import { DISK_FAULTS, INPUT_FAULTS, REQUEST_FAULTS, WORLD_FAULTS } from './faults.ts';
import { MUTANTS } from './mutants.ts';
import { simulate } from './simulate.ts';

const HELP = `Usage: npm run simulate:faults -- [--seeds N] [--seed S] [--mutant NAME]

Runs the whole pipeline in one process on virtual time, with faults, and compares what it committed with a run without.

  --seeds N      how many seeds (default 200)
  --seed S       the first one (default 1); with --seeds 1, one failure again, with all that the checkers say
  --mutant NAME  with a defect built in, to see the checkers find it: ${MUTANTS.map(({ name }) => `'${name}'`).join(', ')}

Exit status: 0 every run was as it must be, 1 one was not, 2 usage.`;

/** Problems that are printed of one seed in a longer run. */
const PROBLEMS_SHOWN = 2;

function count(text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new Error(`'${text}' is not a number of at least 1`);
  return value;
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { seeds: { type: 'string' }, seed: { type: 'string' }, mutant: { type: 'string' }, help: { type: 'boolean', short: 'h' } },
  });
  if (values.help === true) {
    console.log(HELP);
    return 0;
  }
  const [seeds, first] = [count(values.seeds, 200), count(values.seed, 1)];
  const mutant = MUTANTS.find(({ name }) => name === values.mutant);
  if (values.mutant !== undefined && mutant === undefined) throw new Error(`there is no mutant '${values.mutant}'`);
  const faults = new Map<string, number>();
  let [failed, commits, virtualMs] = [0, 0, 0];
  const began = systemClock.monotonicMs();
  for (let seed = first; seed < first + seeds; seed++) {
    const verdict = await simulate(seed, mutant);
    for (const [kind, times] of verdict.faults) faults.set(kind, (faults.get(kind) ?? 0) + times);
    commits += verdict.commits;
    virtualMs += verdict.virtualMs;
    if (verdict.problems.length === 0) continue;
    failed++;
    console.log(`seed ${seed}: ${verdict.problems.length} problems`);
    for (const problem of seeds === 1 ? verdict.problems : verdict.problems.slice(0, PROBLEMS_SHOWN)) console.log(`  ${problem}`);
  }
  const seconds = (systemClock.monotonicMs() - began) / 1_000;
  console.log('\nFaults injected');
  for (const kind of [...WORLD_FAULTS, ...REQUEST_FAULTS, ...DISK_FAULTS, ...INPUT_FAULTS]) console.log(`  ${kind.padEnd(24)} ${String(faults.get(kind) ?? 0).padStart(8)}`);
  console.log(`  state was restored from a checkpoint ${faults.get('checkpoint used') ?? 0} times`);
  const hours = (virtualMs / 3_600_000).toFixed(1);
  console.log(`\n${seeds} seeds from ${first}: ${failed} failed; ${commits} transactions, ${hours} h of virtual time, ${(seeds / seconds).toFixed(1)} seeds/s`);
  return failed === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(`simulate:faults: ${(error as Error).message}`);
  process.exitCode = 2;
}
