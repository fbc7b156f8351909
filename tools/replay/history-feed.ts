/**
 * Splits a merged history into what goes through ingest and what is reference data, and keeps their order: a
 * reference record takes effect for the events behind it, whatever the batches are.
 */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import type { OnRefused } from '#lib/reference/stats.ts';
import type { DeadLetter, HistoryRecord, ReferenceRecord, TelemetryEvent } from '#schemas/records.ts';
import type { TelemetryDecoder } from '../../services/ingest/steps/decode.ts';
import { deadLetterOf } from '../../services/ingest/dead-letter.ts';
import type { EmbeddedPipeline } from '../embedded/pipeline.ts';
import type { DecodedRecord } from './history-file.ts';
import { checkReference } from './reference-check.ts';

/** Hands ingest what the file reader has decoded already. */
export const decodedOnReading: TelemetryDecoder = {
  prepare: () => undefined,
  decode: (record) => (record as DecodedRecord).result as DecodeResult<TelemetryEvent>,
};

function isReference(event: HistoryRecord): event is ReferenceRecord {
  return event.type !== 'KeystrokeLatency' && event.type !== 'Connection';
}

export class HistoryFeed {
  readonly #pipeline: EmbeddedPipeline;
  readonly #onDeadLetters: (letters: readonly DeadLetter[]) => void;
  /** Reference records that were rejected; ingest counts the others. */
  rejectedReferences = 0;
  references = 0;
  #applying: DecodedRecord | null = null;

  constructor(pipeline: EmbeddedPipeline, onDeadLetters: (letters: readonly DeadLetter[]) => void) {
    this.#pipeline = pipeline;
    this.#onDeadLetters = onDeadLetters;
  }

  async push(batch: readonly DecodedRecord[]): Promise<void> {
    let telemetry: DecodedRecord[] = [];
    for (const record of batch) {
      const { result } = record;
      if (!result.ok || !isReference(result.event)) {
        telemetry.push(record);
        continue;
      }
      if (telemetry.length > 0) {
        await this.#pipeline.process(telemetry);
        telemetry = [];
      }
      this.#apply(record, result.event);
    }
    if (telemetry.length > 0) await this.#pipeline.process(telemetry);
  }

  /** For the pipeline's `onRefused`. */
  readonly refused: OnRefused = (_record, detail) => {
    if (this.#applying !== null) this.#reject(this.#applying, { reason: 'OUT_OF_RANGE', detail });
  };

  #apply(record: DecodedRecord, reference: ReferenceRecord): void {
    const problem = checkReference(reference);
    if (problem !== null) return this.#reject(record, problem);
    this.references++;
    this.#applying = record;
    this.#pipeline.applyReference([reference]);
    this.#applying = null;
  }

  #reject(record: DecodedRecord, problem: Pick<DeadLetter, 'reason' | 'detail'>): void {
    this.rejectedReferences++;
    const { result } = record;
    this.#onDeadLetters([deadLetterOf(record, result.ok ? result.arrivedAt : record.arrivedAt, problem)]);
  }
}
