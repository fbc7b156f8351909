/** For whoever looks at the times of records before ingest takes them in: what was decoded then is not decoded again. */
import type { RawRecord } from '#lib/runner/task.ts';
import type { TelemetryDecoder } from './decode.ts';

/** Epoch ms; null for an arrival that is not known. */
export interface TelemetryTimes {
  readonly observedAt: number;
  readonly arrivedAt: number | null;
}

/** Decodes a record when somebody looks ahead, and hands the same out when ingest comes to it. Both go through a batch in its order. */
export class DecodedAhead implements TelemetryDecoder {
  readonly #decoder: TelemetryDecoder;
  /** What was looked at, in that order, and what it says. */
  #records: RawRecord[] = [];
  #results: ReturnType<TelemetryDecoder['decode']>[] = [];
  /** Behind the record that was asked for last. */
  #next = 0;

  constructor(decoder: TelemetryDecoder) {
    this.#decoder = decoder;
  }

  prepare(batch: readonly RawRecord[]): undefined | Promise<void> {
    return this.#decoder.prepare(batch);
  }

  /** Decodes it now; `decode` answers the same until `clear`. */
  look(record: RawRecord): ReturnType<TelemetryDecoder['decode']> {
    const at = this.#placeOf(record);
    if (at >= 0) return this.#results[at]!;
    const result = this.#decoder.decode(record);
    this.#results.push(result);
    this.#next = this.#records.push(record);
    return result;
  }

  /** Of a record; null where ingest will reject it, so that it says nothing about time. */
  timesOf(record: RawRecord, clockAheadMsMax: number): TelemetryTimes | null {
    const result = this.look(record);
    if (!result.ok) return null;
    const { arrivedAt } = result;
    const { observedAt } = result.event;
    return arrivedAt !== null && observedAt > arrivedAt + clockAheadMsMax ? null : { observedAt, arrivedAt };
  }

  decode(record: RawRecord): ReturnType<TelemetryDecoder['decode']> {
    const at = this.#placeOf(record);
    return at >= 0 ? this.#results[at]! : this.#decoder.decode(record);
  }

  /** Of the next record, of the last one again, or of the first; −1 for any other, which is decoded once more. */
  #placeOf(record: RawRecord): number {
    const next = this.#next;
    if (this.#records[next] === record) this.#next = next + 1;
    else if (next > 0 && this.#records[next - 1] === record) return next - 1;
    else if (this.#records[0] === record) this.#next = 1;
    else return -1;
    return this.#next - 1;
  }

  /** To be called after every batch. New lists, not emptied ones: these may have grown old, and what old things hold is copied among the old. */
  clear(): void {
    if (this.#records.length === 0) return;
    this.#records = [];
    this.#results = [];
    this.#next = 0;
  }
}
