/** Decodes the records of any source of a history, wherever their lane is worked on. */
import { containerRecordDecoder, type ContainerRecordDecoder } from '#lib/codec/container-split.ts';
import type { DecodeResult, HISTORY_RECORDS } from '#lib/codec/decoder.ts';
import type { FloatPool } from '#lib/codec/float-pool.ts';
import { FRAME_BYTES } from '#lib/codec/frame.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from '#lib/codec/limits.ts';
import { type LineDecoder, ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { assert } from '#lib/kernel/errors.ts';
import type { HistoryRecord } from '#schemas/records.ts';
import type { Source, SourceRecord } from './source.ts';

/** Decoders of container schemas that are kept; histories of many files repeat the same few. */
const SCHEMAS_MAX = 256;

type HistoryName = (typeof HISTORY_RECORDS)[number];

export class SourceDecoder {
  readonly #limits: DecodeLimits;
  readonly #pool: FloatPool | null;
  readonly #lines: LineDecoder<HistoryRecord>;
  readonly #bySchema = new Map<string, ContainerRecordDecoder<HistoryName>>();

  /** `pool`: see compileReader. */
  constructor(recordBytesMax: number, pool: FloatPool | null = null) {
    this.#pool = pool;
    this.#limits = { ...DEFAULT_DECODE_LIMITS, recordBytesMax };
    this.#lines = ndjsonRecordDecoder({ limits: this.#limits, pool });
  }

  decode({ source, bytes, start, end, arrivedAt }: Pick<SourceRecord, 'source' | 'bytes' | 'start' | 'end' | 'arrivedAt'>): DecodeResult<HistoryRecord> {
    if (source.form === 'lines') return this.#lines.decodeWithin(bytes, start, end, arrivedAt);
    if (source.form === 'container') return this.#of(source).decode(bytes, start, end);
    const result = this.#of(source).decode(bytes, start + FRAME_BYTES, end);
    return result.ok ? { ...result, arrivedAt } : result;
  }

  #of({ schemaText, label }: Source): ContainerRecordDecoder<HistoryName> {
    assert(schemaText !== null, 'a source of Avro records has a schema');
    let decoder = this.#bySchema.get(schemaText);
    if (decoder === undefined) {
      if (this.#bySchema.size >= SCHEMAS_MAX) this.#bySchema.clear();
      decoder = containerRecordDecoder(schemaText, { label, limits: this.#limits, pool: this.#pool });
      this.#bySchema.set(schemaText, decoder);
    }
    return decoder;
  }
}
