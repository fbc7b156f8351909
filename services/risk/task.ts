/** Findings in, the newest revisions into the store of the risks. Taking the same finding in twice changes nothing. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { entryOf, type RiskStore, type RiskUpdate } from '#lib/risk/risk.ts';
import type { RawRecord, Task } from '#lib/runner/task.ts';
import type { SuspiciousSession } from '#schemas/records.ts';

export interface RiskTaskParts {
  readonly decoder: RecordDecoder<SuspiciousSession>;
  readonly store: Pick<RiskStore, 'apply'>;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (revisions: number, news: number) => void;
}

export function createRiskTask({ decoder, store, onBatch }: RiskTaskParts): Task {
  const updateOf = (record: RawRecord): RiskUpdate => {
    const decoded = decoder.decode(record);
    if (decoded.ok) return { tenantId: decoded.event.tenantId, entry: entryOf(decoded.event) };
    const { topic, partition, offset } = record;
    throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${decoded.reason} ${decoded.detail}`);
  };
  return {
    async process(batch) {
      await decoder.prepare(batch);
      const news = await store.apply(batch.map(updateOf));
      onBatch?.(batch.length, news);
    },
    flush() {
      // Nothing is held back.
    },
  };
}
