/** Decoding of Avro in Confluent framing, with one compiled reader per writer schema. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { DeadLetterReason } from '#schemas/records.ts';
import { type DecodeResult, HISTORY_RECORDS, type RecordDecoder, type RecordName, type RecordTypes, TELEMETRY_RECORDS } from './decoder.ts';
import { FRAME_BYTES, frameId } from './frame.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits, INTERNAL_DECODE_LIMITS } from './limits.ts';
import { type RecordReader, compileReader } from './reader.ts';
import { recordNameOf } from './schemas.ts';
import { type SchemaSource, type WriterSchema, fileSchemaSource } from './schema-source.ts';

export interface AvroDecoderOptions<N extends RecordName> {
  /** Which records are read; every other one is refused as UNKNOWN_TYPE. Default: the two telemetry records. */
  readonly names?: readonly N[];
  /** Default: the fixed ids of schemas/ids.json. */
  readonly source?: SchemaSource;
  /**
   * Default: the limits for bytes of strangers, or those for our own where internal records are among the names. A
   * service that reads telemetry out of ingest's output gives INTERNAL_DECODE_LIMITS.
   */
  readonly limits?: DecodeLimits;
}

type Refusal = { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string };
type Plan = RecordReader | Refusal;

/** Refusals: EMPTY, TOO_LARGE, UNDECODABLE, UNKNOWN_SCHEMA, UNKNOWN_TYPE, ARRAY_TOO_LONG. */
export function avroRecordDecoder<N extends RecordName = (typeof TELEMETRY_RECORDS)[number]>(
  options: AvroDecoderOptions<N> = {},
): RecordDecoder<RecordTypes[N]> {
  const source = options.source ?? fileSchemaSource();
  const names: readonly RecordName[] = options.names ?? TELEMETRY_RECORDS;
  const foreign = names.every((name) => (HISTORY_RECORDS as readonly RecordName[]).includes(name));
  const limits = options.limits ?? (foreign ? DEFAULT_DECODE_LIMITS : INTERNAL_DECODE_LIMITS);
  return new FramedDecoder(source, names, limits) as RecordDecoder<RecordTypes[N]>;
}

class FramedDecoder implements RecordDecoder<unknown> {
  readonly #source: SchemaSource;
  readonly #names: ReadonlySet<RecordName>;
  readonly #limits: DecodeLimits;
  /** Readers by schema id. Bounded by the schemas that exist: an id without a schema is never kept here. */
  readonly #plans = new Map<number, Plan>();

  constructor(source: SchemaSource, names: readonly RecordName[], limits: DecodeLimits) {
    this.#source = source;
    this.#names = new Set(names);
    this.#limits = limits;
  }

  prepare(batch: readonly RawRecord[]): undefined | Promise<void> {
    let unknown: Set<number> | undefined;
    for (const { value } of batch) {
      const id = frameId(value);
      if (id >= 0 && !this.#plans.has(id)) (unknown ??= new Set()).add(id);
    }
    return unknown === undefined ? undefined : this.#source.prepare(unknown);
  }

  decode(record: RawRecord): DecodeResult<unknown> {
    const bytes = record.value;
    if (bytes === null || bytes.length === 0) return refuse('EMPTY', 'no value');
    if (bytes.length > this.#limits.recordBytesMax) return refuse('TOO_LARGE', `${bytes.length} bytes, at most ${this.#limits.recordBytesMax} are read`);
    const id = frameId(bytes);
    if (id < 0) return refuse('UNDECODABLE', 'no Confluent frame (0x00 and a schema id of 4 bytes)');
    const plan = this.#plans.get(id) ?? this.#plan(id);
    if ('ok' in plan) return plan;
    const event = plan.read(bytes, FRAME_BYTES, bytes.length);
    if (event === undefined) return { ok: false, reason: plan.fault.reason, detail: plan.fault.detail };
    return { ok: true, event, arrivedAt: record.arrivedAt };
  }

  #plan(id: number): Plan {
    const found = this.#source.lookup(id);
    if (found === undefined) throw new FarhandError('FARHAND_REGISTRY_UNAVAILABLE', `schema id ${id} has not been prepared`);
    if ('absent' in found) return refuse('UNKNOWN_SCHEMA', found.absent);
    const plan = this.#compile(found);
    this.#plans.set(id, plan);
    return plan;
  }

  #compile(writer: WriterSchema): Plan {
    const fullName = writer.node.kind === 'record' ? writer.node.name : writer.node.kind;
    const name = recordNameOf(fullName);
    if (name === undefined || !this.#names.has(name)) return refuse('UNKNOWN_TYPE', `schema id ${writer.id} is ${fullName.slice(0, 128)}, which is not read here`);
    try {
      return compileReader(name, writer.node, this.#limits);
    } catch (error) {
      if (!(error instanceof FarhandError) || error.code !== 'FARHAND_SCHEMA_INCOMPATIBLE') throw error;
      return refuse('UNKNOWN_SCHEMA', `schema id ${writer.id}: ${error.message.slice(0, 256)}`);
    }
  }
}

function refuse(reason: DeadLetterReason, detail: string): Refusal {
  return { ok: false, reason, detail };
}
