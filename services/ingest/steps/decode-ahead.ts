/** For whoever looks at the times of records before ingest takes them in: what was decoded then is not decoded again. */
import type { RawRecord } from '#lib/runner/task.ts';
import type { TelemetryDecoder } from './decode.ts';

/** Epoch ms; null for an arrival that is not known. */
export interface TelemetryTimes {
  readonly observedAt: number;
  readonly arrivedAt: number | null;
}

/** Decodes a record when somebody looks ahead, and hands the same out when ingest comes to it. */
export class DecodedAhead implements TelemetryDecoder {
  readonly #decoder: TelemetryDecoder;
  #ahead = new Map<RawRecord, ReturnType<TelemetryDecoder['decode']>>();

  constructor(decoder: TelemetryDecoder) {
    this.#decoder = decoder;
  }

  prepare(batch: readonly RawRecord[]): undefined | Promise<void> {
    return this.#decoder.prepare(batch);
  }

  /** Decodes it now; `decode` answers the same until `clear`. */
  look(record: RawRecord): ReturnType<TelemetryDecoder['decode']> {
    let result = this.#ahead.get(record);
    if (result === undefined) this.#ahead.set(record, (result = this.#decoder.decode(record)));
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
    return this.#ahead.get(record) ?? this.#decoder.decode(record);
  }

  /**
   * To be called after every batch. A new map, not an emptied one: V8 puts the next table of a map that has grown old among the old at
   * once, and the table before it, with all that was in it, stays alive until the next full collection.
   */
  clear(): void {
    if (this.#ahead.size > 0) this.#ahead = new Map();
  }
}
