/** Names the user of each event as the tenant asks for it (lib/kernel/pseudonym.ts); never changes the event it was given. */
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { OK, type Item, type Outcome, type Step } from './outcome.ts';

export function createPseudonymiseStep(pseudonymiser: Pseudonymiser): Step {
  return function pseudonymise(batch: readonly Item[]): Outcome[] {
    if (!pseudonymiser.idle) {
      for (const item of batch) {
        const { tenantId, userId } = item.event;
        const pseudonym = pseudonymiser.userId(tenantId, userId);
        if (pseudonym === userId) continue;
        item.event = { ...item.event, userId: pseudonym };
        item.asItCame = false;
      }
    }
    return Array.from<Outcome>({ length: batch.length }).fill(OK);
  };
}
