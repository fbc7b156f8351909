/**
 * enrich: events in, the same events with what the reference data and the IP databases know of them out. One event in,
 * one event out, in the same order; nothing is dropped, what is unknown is null.
 */
import type { PolicyMatcher, ReferenceStore } from '#lib/reference/port.ts';
import type { EnrichedEvent, EventContext, TelemetryEvent } from '#schemas/records.ts';
import type { EnrichConfig } from './config.ts';
import type { Databases } from './databases.ts';
import { createDescribeAddress } from './steps/describe-addresses.ts';
import { createEnrichConnection } from './steps/enrich-connection.ts';
import { createLookUpReference, type BatchReference } from './steps/look-up-reference.ts';

export interface EnrichParts {
  readonly config: Pick<EnrichConfig, 'policyCacheEntriesMax'>;
  readonly databases: Pick<Databases, 'current'>;
  readonly reference: ReferenceStore;
}

export interface EnrichPipeline {
  /**
   * Synchronous where the reference store is. Rejects (or throws) the retriable FARHAND_REFERENCE_UNAVAILABLE where the
   * store is away; the same batch may then be given again.
   */
  process(batch: readonly TelemetryEvent[]): EnrichedEvent[] | Promise<EnrichedEvent[]>;
}

export function buildEnrich({ config, databases, reference }: EnrichParts): EnrichPipeline {
  const lookUpReference = createLookUpReference(reference);
  const describeAddress = createDescribeAddress(config.policyCacheEntriesMax);
  const enrichConnection = createEnrichConnection(describeAddress);

  function enrich(batch: readonly TelemetryEvent[], { answers, policies }: BatchReference): EnrichedEvent[] {
    const book = databases.current; // one state of the databases for the whole batch
    return batch.map((event, index): EnrichedEvent => {
      const context = answers[index] as EventContext;
      if (event.type === 'KeystrokeLatency') return { type: 'EnrichedKeystrokes', event, context };
      return enrichConnection(event, context, book, (policies.get(event.tenantId) as PolicyMatcher).at(event.observedAt));
    });
  }

  return {
    process(batch) {
      const found = lookUpReference(batch);
      return found instanceof Promise ? found.then((reference) => enrich(batch, reference)) : enrich(batch, found);
    },
  };
}
