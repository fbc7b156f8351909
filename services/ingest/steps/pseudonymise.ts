/** Names the user of each event as the tenant asks for it (lib/kernel/pseudonym.ts); never changes the event it was given. */
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Item, Step } from './outcome.ts';

export function createPseudonymiseStep(pseudonymiser: Pseudonymiser): Step {
  return function pseudonymise(batch: readonly Item[]): null {
    if (pseudonymiser.idle) return null;
    for (const item of batch) {
      const { tenantId, userId } = item.event;
      const pseudonym = pseudonymiser.userId(tenantId, userId);
      if (pseudonym === userId) continue;
      item.event = { ...item.event, userId: pseudonym };
      item.asItCame = false;
    }
    return null;
  };
}
