/** Avro encoding in Confluent framing: 0x00, schema id (4 bytes, big endian), body. */
import { assert } from '#lib/kernel/errors.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { avroTypeOf } from './avro-types.ts';
import type { RecordName, RecordTypes } from './decoder.ts';
import { type SchemaSource, fileSchemaSource } from './schema-source.ts';

/** Bytes before the body of a frame. */
export const FRAME_BYTES = 5;
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

/** The source must have prepared the writers that will be used. */
export function framedEncoder(source: SchemaSource): FramedEncoder {
  const slab = new Slab();
  return {
    encode: (name, record) => slab.write(name, record, source.writerId(name)),
  };
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

  write(name: RecordName, record: unknown, id: number | null): Buffer {
    const head = id === null ? 0 : FRAME_BYTES;
    for (;;) {
      const start = this.#used;
      const end = this.#buffer.length - start < head ? -1 : this.#encode(name, record, start + head);
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

  #encode(name: RecordName, record: unknown, start: number): number {
    try {
      return avroTypeOf(name).encode(name === 'DeadLetter' ? inBuffers(record as DeadLetter) : record, this.#buffer, start);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      assert(false, `${name} does not fit its schema: ${message}`);
    }
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
