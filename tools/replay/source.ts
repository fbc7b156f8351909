/** What all sources of a history have in common: records as their source delivered them, with whose they are. */
import type { DecodeResult } from '#lib/codec/decoder.ts';
import type { HistoryRecord } from '#schemas/records.ts';

/** How the bytes of a record are to be read: a line of NDJSON, a record of an Avro container, framed Avro out of a log. */
export type Form = 'lines' | 'container' | 'framed';

/** A file, or a partition of a topic. */
export interface Source {
  /** Its number among the sources of the run. */
  readonly index: number;
  /** What dead letters and messages call it. */
  readonly label: string;
  readonly partition: number;
  readonly form: Form;
  /** The writer's schema of a container; null for the other forms. */
  readonly schemaText: string | null;
}

/** Why the reader itself refuses a record; `null` leaves it to the decoder. */
export type Refusal = Extract<DecodeResult<HistoryRecord>, { ok: false }>;

export interface SourceRecord {
  readonly source: Source;
  /** Line or record number, or offset. */
  readonly offset: number;
  /** Where its bytes lie: from `start` to before `end`. */
  readonly bytes: Buffer;
  readonly start: number;
  readonly end: number;
  /** Arrival by the log's clock, epoch ms; null where the source does not know (a line may say it itself). */
  readonly arrivedAt: number | null;
  /** EVERY_LANE for reference records. */
  readonly lane: number;
  /** Epoch ms in the merge, or AT_ONCE. */
  readonly time: number;
  /** Whether `time` was held against the record's arrival. */
  readonly arrivalKnown: boolean;
  readonly refusal: Refusal | null;
}
