/** Drops what was seen before, by (tenantId, eventId). Repeats are counted, they are not rejects. */
import type { EventMemory } from '../dedupe/memory-of-events.ts';
import { DUPLICATE, OK, type Item, type Outcome, type Step } from './outcome.ts';

export function createDeduplicateStep(memory: EventMemory): Step {
  return function deduplicate(batch: readonly Item[]): Outcome[] {
    const outcomes: Outcome[] = Array.from({ length: batch.length });
    for (let i = 0; i < batch.length; i++) {
      const { tenantId, eventId, observedAt } = batch[i]!.event;
      outcomes[i] = memory.isFirst(tenantId, eventId, observedAt) ? OK : DUPLICATE;
    }
    memory.endBatch();
    return outcomes;
  };
}
