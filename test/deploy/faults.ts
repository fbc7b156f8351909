/**
 * `npm run faults`: provokes the faults of docs/runbook.md on real workers, Kafka, Redis and Prometheus, and waits until
 * the alert of each fires. The rules are those of deploy/prometheus with all times divided by 60 (test/deploy/scaled-rules.ts).
 * Takes about ten minutes. Arguments are names of alerts: only their faults are provoked. Exit status 1 where an alert did
 * not fire.
 */
import { BOUNDS_FAULTS, BOUNDS_WORLD } from './faults/bounds.ts';
import { show, type Fault, type Shown } from './faults/fault.ts';
import { LOAD_FAULTS, LOAD_WORLD } from './faults/load.ts';
import { World, type WorldOptions } from './faults/world.ts';
import { interrupted } from './interrupted.ts';
import { prometheus } from './tools.ts';

const only = process.argv.slice(2);

async function provoke(program: string, options: WorldOptions, faults: readonly Fault[]): Promise<Shown[]> {
  const wanted = only.length === 0 ? faults : faults.filter(({ alerts }) => alerts.some((alert) => only.includes(alert)));
  if (wanted.length === 0 || interrupted.aborted) return [];
  const world = await World.open(program, options);
  const shown: Shown[] = [];
  try {
    for (const fault of wanted) {
      if (!interrupted.aborted) shown.push(...(await show(world, fault, interrupted)));
    }
  } finally {
    await world.close();
  }
  return shown;
}

const program = await prometheus();
if (program === null) process.exit(1);
const shown = [...(await provoke(program, BOUNDS_WORLD, BOUNDS_FAULTS)), ...(await provoke(program, LOAD_WORLD, LOAD_FAULTS))];
const missing = shown.filter(({ seconds }) => seconds === null);
console.log(`\n${shown.length - missing.length} of ${shown.length} alerts fired${missing.length === 0 ? '' : `; not: ${missing.map(({ alert }) => alert).join(', ')}`}`);
process.exitCode = missing.length === 0 ? 0 : 1;
