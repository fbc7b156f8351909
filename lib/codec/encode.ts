/** Avro encoding in Confluent framing. */
import { assert } from '#lib/kernel/errors.ts';
import type { DeadLetter, EnrichedEvent, TelemetryEvent } from '#schemas/records.ts';
import { avroTypeOf } from './avro-types.ts';
import { compileWrite, type CompiledWriter } from './compiled-writer.ts';
import type { RecordName, RecordTypes } from './decoder.ts';
import { FRAME_BYTES, frameId } from './frame.ts';
import { schemaOf } from './schemas.ts';
import { type SchemaSource, fileSchemaSource } from './schema-source.ts';

const SLAB_BYTES = 262_144;
/** Largest record that is written, bytes; a dead letter carries one Kafka message, and topics may allow large ones. */
const ENCODED_BYTES_MAX = 33_554_432;

export interface FramedEncoder {
  /**
   * The framed bytes of a record. They stay valid for ever: buffers are cut from slabs of 256 KiB, so a caller that
   * keeps one keeps its slab. Throws FARHAND_INVARIANT when the record does not fit its schema (assert before encode).
   */
  encode<N extends RecordName>(name: N, record: RecordTypes[N]): Buffer;
}

/** For tasks that hand on telemetry: what came in the form that would be written need not be written anew. */
export interface TelemetryEncoder extends FramedEncoder {
  /**
   * Whether a frame that was decoded as telemetry of that type is in this release's own schema, and so may be handed on as it is.
   * Never for a long one: the same record has many encodings (blocks of arrays, padded numbers), and only our own is known to be short.
   */
  mayPass(type: TelemetryEvent['type'], frame: Uint8Array): boolean;
  /** As `encode`; the event within is copied out of its frame, which `mayPass`. */
  encodeAround(frame: Uint8Array, record: EnrichedEvent): Buffer;
}

/** Above the longest keystrokes that ingest lets in (512 samples of each kind). */
const PASSED_BYTES_MAX = 16_384;

/** The source must have prepared the writers that will be used. */
export function framedEncoder(source: SchemaSource): TelemetryEncoder {
  const slab = new Slab();
  return {
    encode: (name, record) => slab.write(name, record, source.writerId(name)),
    mayPass: (type, frame) => frame.length <= PASSED_BYTES_MAX && frameId(frame) === source.writerId(type),
    encodeAround: (frame, record) => slab.write(record.type, record, source.writerId(record.type), frame),
  };
}

const behindEvent = new Map<RecordName, CompiledWriter>();

/** Writes the fields of an enriched record behind its event. */
function writerBehind(name: EnrichedEvent['type']): CompiledWriter {
  let write = behindEvent.get(name);
  if (write === undefined) {
    const { node } = schemaOf(name);
    assert(node.kind === 'record' && node.fields[0]?.name === 'event', `${name} begins with its event`);
    behindEvent.set(name, (write = compileWrite(node, 1)));
  }
  return write;
}

let fixed: FramedEncoder | undefined;

/** Framed with the fixed ids of schemas/ids.json (no registry). */
export function encodeFramed<N extends RecordName>(name: N, record: RecordTypes[N]): Buffer {
  fixed ??= framedEncoder(fileSchemaSource());
  return fixed.encode(name, record);
}

const bare = new Map<'slab', Slab>();

/** The Avro body alone, without a frame: for containers. */
export function encodeBody<N extends RecordName>(name: N, record: RecordTypes[N]): Buffer {
  let slab = bare.get('slab');
  if (slab === undefined) bare.set('slab', (slab = new Slab()));
  return slab.write(name, record, null);
}

class Slab {
  #buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #used = 0;

  /** `event`: the frame of the event within an enriched record. */
  write(name: RecordName, record: unknown, id: number | null, event: Uint8Array | null = null): Buffer {
    const head = id === null ? 0 : FRAME_BYTES;
    for (;;) {
      const start = this.#used;
      const end = this.#buffer.length - start < head ? -1 : this.#encode(name, record, start + head, event);
      if (end >= 0) {
        if (id !== null) {
          this.#buffer[start] = 0;
          this.#buffer.writeUInt32BE(id, start + 1);
        }
        this.#used = end;
        return this.#buffer.subarray(start, end);
      }
      // `end` is minus the bytes that were missing. A fresh slab, or a larger one for a record beyond a slab's size.
      const size = start === 0 ? this.#buffer.length - end : SLAB_BYTES;
      assert(size <= ENCODED_BYTES_MAX, `${name} of more than ${ENCODED_BYTES_MAX} bytes`);
      this.#buffer = Buffer.allocUnsafeSlow(size);
      this.#used = 0;
    }
  }

  /** Answers where it ended, or minus the bytes that were missing. */
  #encode(name: RecordName, record: unknown, start: number, event: Uint8Array | null): number {
    try {
      if (event !== null) return this.#encodeAround(event, record as EnrichedEvent, start);
      return avroTypeOf(name).encode(name === 'DeadLetter' ? inBuffers(record as DeadLetter) : record, this.#buffer, start);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      assert(false, `${name} does not fit its schema: ${message}`);
    }
  }

  #encodeAround(frame: Uint8Array, record: EnrichedEvent, start: number): number {
    const body = frame.length - FRAME_BYTES;
    if (this.#buffer.length - start < body) return this.#buffer.length - start - body;
    this.#buffer.set(frame.subarray(FRAME_BYTES), start);
    return writerBehind(record.type)(record, this.#buffer, start + body);
  }
}

/** avsc takes a Buffer for bytes and nothing else; only dead letters have bytes. */
function inBuffers(letter: DeadLetter): DeadLetter {
  const { key, value } = letter;
  return Buffer.isBuffer(value) && (key === null || Buffer.isBuffer(key)) ? letter : { ...letter, key: key === null ? null : asBuffer(key), value: asBuffer(value) };
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
