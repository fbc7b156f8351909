/** Dead letters: what they hold of a rejected record, and how they go into the log so that no record can block it. */
import type { FramedEncoder } from '#lib/codec/encode.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { INGEST_OUTPUTS } from './outputs.ts';
import { TIME_MS_MAX } from './steps/limits.ts';
import type { Rejection } from './steps/outcome.ts';

/**
 * Bytes of a record (key and value) that a letter in the log holds at most. Every record fits that a topic takes by
 * default (1,048,588 bytes with its batch); beyond it are records that were compressed, or topics with a larger limit.
 */
const RECORD_BYTES_MAX = 1024 * 1024;
/** A longer key is kept within the bound above, and not repeated as the key of the letter. */
const KEY_BYTES_MAX = 64 * 1024;

export function deadLetterOf(raw: RawRecord, arrivedAt: number | null, rejection: Pick<Rejection, 'reason' | 'detail'>): DeadLetter {
  return {
    type: 'DeadLetter',
    reason: rejection.reason,
    detail: rejection.detail,
    topic: raw.topic,
    partition: raw.partition,
    offset: raw.offset,
    arrivedAt,
    key: raw.key,
    value: raw.value ?? new Uint8Array(0),
  };
}

/** The letter whole, or the beginning of a record that is too long for the dead-letter topic; its detail says so. */
function fitting(letter: DeadLetter): DeadLetter {
  const { key, value, detail } = letter;
  const bytes = (key?.length ?? 0) + value.length;
  if (bytes <= RECORD_BYTES_MAX) return letter;
  const keptKey = key?.subarray(0, RECORD_BYTES_MAX) ?? null;
  const keptValue = value.subarray(0, RECORD_BYTES_MAX - (keptKey?.length ?? 0));
  return { ...letter, key: keptKey, value: keptValue, detail: `${detail}; kept are the first ${RECORD_BYTES_MAX} of ${bytes} bytes of key and value` };
}

/**
 * CreateTime of a letter, epoch ms; 0 where nothing is known. The record's own time as for every later topic, but never
 * one that it cannot have: a clock ahead of the arrival, or no time at all.
 */
function letterTimeMs(observedAt: number | undefined, arrivedAt: number | null): number {
  const isTime = observedAt !== undefined && Number.isInteger(observedAt) && observedAt > 0 && observedAt <= TIME_MS_MAX;
  if (!isTime) return arrivedAt ?? 0;
  return arrivedAt === null ? observedAt : Math.min(observedAt, arrivedAt);
}

/** `observedAt`: what the record says, where it could be decoded. */
export function emitDeadLetter(letter: DeadLetter, observedAt: number | undefined, encoder: FramedEncoder, emitter: Emitter): void {
  const key = letter.key !== null && letter.key.length > KEY_BYTES_MAX ? null : letter.key;
  emitter.emit(INGEST_OUTPUTS.deadLetters, key, encoder.encode('DeadLetter', fitting(letter)), letterTimeMs(observedAt, letter.arrivedAt));
}
