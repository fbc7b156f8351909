/** What a task has emitted since the last commit began; its failed attempts can be taken back. */
import { assert } from '#lib/kernel/errors.ts';
import type { OutgoingRecord } from '#lib/log/log.ts';
import type { Emitter } from './task.ts';

/** Bytes that a record costs beside its key and value. */
const RECORD_OVERHEAD = 40;

/** What a record counts for where a commit is bounded. */
export const bytesOf = ({ key, value }: Pick<OutgoingRecord, 'key' | 'value'>): number => RECORD_OVERHEAD + (value?.length ?? 0) + (key?.length ?? 0);

/**
 * How far ahead of our clock a CreateTime may be. Brokers refuse more than an hour by default (Kafka 4, the setting
 * message.timestamp.after.max.ms), and what is refused would block its task for ever.
 */
const AHEAD_MS_MAX = 30 * 60_000;

export class OutputBuffer implements Emitter {
  readonly #topics: Readonly<Record<string, string>>;
  readonly #nowMs: () => number;
  /** Times up to here were not too far ahead when the clock was last asked, and are not since. */
  #acceptedMs = -Infinity;
  #records: OutgoingRecord[] = [];
  #bytes = 0;

  /** `topics`: topic by the service's name of the output. */
  constructor(topics: Readonly<Record<string, string>>, nowMs: () => number) {
    this.#topics = topics;
    this.#nowMs = nowMs;
  }

  emit(output: string, key: Uint8Array | null, value: Uint8Array, timestampMs: number, partition: number | null = null): void {
    const topic = this.#topics[output];
    assert(topic !== undefined, `the output ${output} has no topic`);
    // A time of 0 stands for "unknown" (a dead letter without arrival); the topic's retention would delete it at once.
    const isTime = timestampMs > 0 && (timestampMs <= this.#acceptedMs || timestampMs <= (this.#acceptedMs = this.#nowMs() + AHEAD_MS_MAX));
    const record = { topic, partition, key, value, timestampMs: isTime ? timestampMs : this.#nowMs() };
    this.#records.push(record);
    this.#bytes += bytesOf(record);
  }

  get length(): number {
    return this.#records.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Forgets everything after the first `length` records: an attempt that failed. */
  truncate(length: number): void {
    for (const record of this.#records.splice(length)) this.#bytes -= bytesOf(record);
  }

  /** Hands over what there is, to be committed. */
  take(): OutgoingRecord[] {
    const records = this.#records;
    this.#records = [];
    this.#bytes = 0;
    return records;
  }
}
