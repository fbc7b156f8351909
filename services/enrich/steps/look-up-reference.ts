/**
 * Step: what the reference data says about a batch, asked in one request, and the network policies of its tenants.
 * Synchronous where the store is; else one promise for the whole batch. A store that is away rejects with the
 * retriable FARHAND_REFERENCE_UNAVAILABLE, which is let through: nothing of the batch has been done yet.
 */
import { assert } from '#lib/kernel/errors.ts';
import type { PolicyMatcher, ReferenceAnswer, ReferenceStore } from '#lib/reference/port.ts';
import type { TelemetryEvent } from '#schemas/records.ts';

export interface BatchReference {
  /** In the order of the batch. */
  readonly answers: readonly ReferenceAnswer[];
  /** Of every tenant with a connection in the batch; `at` gives those of each event's time. */
  readonly policies: ReadonlyMap<string, PolicyMatcher>;
}

export type LookUpReference = (batch: readonly TelemetryEvent[]) => BatchReference | Promise<BatchReference>;

export function createLookUpReference(reference: ReferenceStore): LookUpReference {
  return function lookUpReference(batch) {
    const answers = reference.lookup(batch);
    const policies = new Map<string, PolicyMatcher>();
    const waiting: Promise<void>[] = [];
    const asked = new Set<string>();
    for (const { type, tenantId, observedAt } of batch) {
      if (type !== 'Connection' || asked.has(tenantId)) continue;
      asked.add(tenantId);
      const matcher = reference.policies(tenantId, observedAt);
      if (matcher instanceof Promise) waiting.push(matcher.then((found) => void policies.set(tenantId, found)));
      else policies.set(tenantId, matcher);
    }
    if (!(answers instanceof Promise) && waiting.length === 0) return checked(batch, answers, policies);
    // Awaited together: were one awaited after the other, a rejection of the second could go unheard.
    return Promise.all([answers, Promise.all(waiting)]).then(([found]) => checked(batch, found, policies));
  };
}

function checked(batch: readonly TelemetryEvent[], answers: readonly ReferenceAnswer[], policies: ReadonlyMap<string, PolicyMatcher>): BatchReference {
  assert(answers.length === batch.length, `the reference store answered ${answers.length} of ${batch.length} requests`);
  return { answers, policies };
}
