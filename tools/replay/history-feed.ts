/**
 * A merged history through one embedded pipeline: splits it into what goes through ingest and what is reference data,
 * and keeps their order: a reference record takes effect for the events behind it, whatever the batches are.
 */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import type { OnRefused } from '#lib/reference/stats.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { DeadLetter, HistoryRecord, ReferenceRecord, TelemetryEvent } from '#schemas/records.ts';
import type { TelemetryDecoder } from '../../services/ingest/steps/decode.ts';
import { deadLetterOf } from '../../services/ingest/dead-letter.ts';
import type { EmbeddedPipeline } from '../embedded/pipeline.ts';
import { checkReference } from './reference-check.ts';
import { SourceDecoder } from './source-decoder.ts';
import type { SourceRecord } from './source.ts';

/** A record with what became of it, on its way to ingest. */
export interface DecodedRecord extends RawRecord {
  readonly result: DecodeResult<HistoryRecord>;
}

/** Hands ingest what has been decoded already. */
export const decodedBefore: TelemetryDecoder = {
  prepare: () => undefined,
  decode: (record) => (record as DecodedRecord).result as DecodeResult<TelemetryEvent>,
};

export function isReference(event: HistoryRecord): event is ReferenceRecord {
  return event.type !== 'KeystrokeLatency' && event.type !== 'Connection';
}

export class HistoryFeed {
  readonly #pipeline: EmbeddedPipeline;
  readonly #onDeadLetters: (letters: readonly DeadLetter[]) => void;
  readonly #decoder: SourceDecoder;
  /** Reference records that were rejected; ingest counts the others. */
  rejectedReferences = 0;
  #applying: DecodedRecord | null = null;

  constructor(pipeline: EmbeddedPipeline, recordBytesMax: number, onDeadLetters: (letters: readonly DeadLetter[]) => void) {
    this.#pipeline = pipeline;
    this.#decoder = new SourceDecoder(recordBytesMax);
    this.#onDeadLetters = onDeadLetters;
  }

  async push(batch: readonly SourceRecord[]): Promise<void> {
    let telemetry: DecodedRecord[] = [];
    for (const one of batch) {
      const { source, offset, bytes, start, end, arrivedAt, refusal } = one;
      const value = bytes.subarray(start, end);
      const record = { topic: source.label, partition: source.partition, offset, arrivedAt, key: null, value, result: refusal ?? this.#decoder.decode(one) };
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
