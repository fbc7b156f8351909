/** One seed: the world with faults beside the world without, and what the checkers say of the difference. */
import { checkDrained } from './checkers/drained.ts';
import { checkFencing } from './checkers/fencing.ts';
import { checkOutputs, outputsOf, type Outputs } from './checkers/outputs.ts';
import { checkPositions } from './checkers/positions.ts';
import { checkStateKeys, checkStates, statesOf, type States } from './checkers/state.ts';
import type { FaultCounts } from './faults.ts';
import { makeHistory, type History } from './history.ts';
import type { Mutant } from './mutants.ts';
import { World } from './world.ts';

export interface Verdict {
  readonly seed: number;
  /** Empty where everything is as it must be. */
  readonly problems: readonly string[];
  readonly faults: FaultCounts;
  /** Digest of the whole run. */
  readonly trace: string;
  readonly virtualMs: number;
  readonly commits: number;
}

interface Expected {
  readonly history: History;
  readonly outputs: Outputs;
  readonly states: States;
  readonly stateKeys: ReadonlyMap<string, number>;
}

/** Seeds share this many histories, as the run without faults is computed once for each. */
const HISTORIES = 4;
const known = new Map<number, Promise<Expected>>();

export function expectedOf(seed: number): Promise<Expected> {
  const number = 3 + (seed % HISTORIES);
  let expected = known.get(number);
  if (expected === undefined) known.set(number, (expected = withoutFaults(makeHistory(number))));
  return expected;
}

async function withoutFaults(history: History): Promise<Expected> {
  const world = new World({ seed: 0, history, faults: false });
  await world.run();
  const problems = [...checkDrained(world), ...checkPositions(world.broker), ...checkFencing(world.broker)];
  if (problems.length > 0) throw new Error(`the run without faults: ${problems.join('; ')}`);
  return { history, outputs: outputsOf(world.broker), states: statesOf(world.broker), stateKeys: world.stateKeys };
}

export async function simulate(seed: number, mutant?: Mutant): Promise<Verdict> {
  const { history, outputs, states, stateKeys } = await expectedOf(seed);
  const world = new World({ seed, history, faults: true, ...(mutant === undefined ? {} : { mutant }) });
  const problems: string[] = [];
  await world.run().catch((error: unknown) => problems.push(`run: ${(error as Error).message}`));
  const { broker } = world;
  problems.push(...checkDrained(world), ...checkPositions(broker), ...checkFencing(broker), ...checkOutputs(outputs, outputsOf(broker)), ...checkStates(states, statesOf(broker)), ...checkStateKeys(stateKeys, world.stateKeys));
  const commits = broker.audit.filter(({ kind }) => kind === 'commit').length;
  return { seed, problems, faults: world.plan.counts, trace: world.trace, virtualMs: world.clock.monotonicMs(), commits };
}
