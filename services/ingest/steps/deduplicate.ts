/** Drops what was seen before, by (tenantId, eventId). Repeats are counted, they are not rejects. */
import type { EventMemory } from '../dedupe/memory-of-events.ts';
import { allPass, DUPLICATE, type Item, type Outcome, type Step } from './outcome.ts';

export function createDeduplicateStep(memory: EventMemory): Step {
  return function deduplicate(batch: readonly Item[]): Outcome[] | null {
    let outcomes: Outcome[] | null = null;
    for (let i = 0; i < batch.length; i++) {
      const { tenantId, eventId, observedAt } = batch[i]!.event;
      if (!memory.isFirst(tenantId, eventId, observedAt)) (outcomes ??= allPass(batch.length))[i] = DUPLICATE;
    }
    memory.endBatch();
    return outcomes;
  };
}
