/** Records that no attempt will ever read: their batch is damaged, too large, or of a form that is not supported. */
import { FarhandError } from '#lib/kernel/errors.ts';

export interface UnreadableBatch {
  readonly topic: string;
  readonly partition: number;
  /** First offset of the batch that was asked for, and its last one. */
  readonly offset: number;
  readonly lastOffset: number;
  /** The batch as the log holds it. */
  readonly bytes: Buffer;
}

/** FARHAND_POISON_RECORD with the place; what lay before the batch has been delivered. */
export class UnreadableRecords extends FarhandError {
  readonly batch: UnreadableBatch;
  /** Without the place. */
  readonly why: string;

  constructor(batch: UnreadableBatch, cause: unknown) {
    const why = cause instanceof Error ? cause.message : String(cause);
    const upTo = batch.lastOffset > batch.offset ? ` (the batch up to ${batch.lastOffset})` : '';
    super('FARHAND_POISON_RECORD', `${batch.topic}/${batch.partition}@${batch.offset}: cannot be read${upTo}: ${why}`, { cause });
    this.batch = batch;
    this.why = why;
  }
}
