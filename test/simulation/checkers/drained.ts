/** At the end nothing is under way: no open transaction, nobody in a group, no worker that failed for a reason of its own. */
import type { World } from '../world.ts';

export function checkDrained(world: World): string[] {
  const problems = world.failures.map((failure) => `failure: ${failure}`);
  if (world.broker.openTransactions > 0) problems.push(`drained: ${world.broker.openTransactions} transactions are open`);
  if (!world.drained) problems.push('drained: records are left that nobody has processed');
  for (const [name, group] of world.groups) if (group.size > 0) problems.push(`drained: ${group.size} members are left in ${name}`);
  return problems;
}
