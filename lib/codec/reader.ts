/** Compiles (writer schema, this release's schema) into a bounded reader. */
import type avro from 'avsc';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DeadLetterReason } from '#schemas/records.ts';
import type { SchemaNode } from './avro-schema.ts';
import { avroTypeFor, avroTypeOf } from './avro-types.ts';
import type { RecordName } from './decoder.ts';
import { compileGuard } from './guard.ts';
import type { DecodeLimits } from './limits.ts';
import { schemaOf } from './schemas.ts';
import { type Shape, ShapeFault, compileShape } from './shape.ts';

export interface RecordReader {
  readonly name: RecordName;
  /** The record between `start` and `end`, which it must fill exactly; undefined when it does not, see `fault`. */
  read(bytes: Uint8Array, start: number, end: number): unknown;
  /** Why the last read answered undefined. */
  readonly fault: { readonly reason: DeadLetterReason; readonly detail: string };
}

/** Throws FARHAND_SCHEMA_INCOMPATIBLE when the writer's records cannot be read as ours. */
export function compileReader(name: RecordName, writer: { readonly json: unknown; readonly node: SchemaNode }, limits: DecodeLimits): RecordReader {
  return new ResolvingReader(name, writer, limits);
}

/** Guard, then the Avro library with a resolver, then our shape: right for every compatible writer. */
class ResolvingReader implements RecordReader {
  readonly name: RecordName;
  readonly fault: { reason: DeadLetterReason; detail: string } = { reason: 'UNDECODABLE', detail: '' };
  readonly #guard;
  readonly #decode: (buffer: Buffer, start: number) => { value: unknown; offset: number };
  readonly #shape: Shape;

  constructor(name: RecordName, writer: { readonly json: unknown; readonly node: SchemaNode }, limits: DecodeLimits) {
    this.name = name;
    this.#guard = compileGuard(writer.node, limits);
    const type = avroTypeOf(name);
    this.#shape = compileShape(schemaOf(name).node, { arrayItemsMax: limits.arrayItemsMax, floats: 'float32', tagged: true });
    try {
      const resolver = type.createResolver(avroTypeFor(writer.json));
      this.#decode = (buffer, start) => type.decode(buffer, start, resolver as avro.Resolver);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new FarhandError('FARHAND_SCHEMA_INCOMPATIBLE', `cannot be read as ${name}: ${message}`, { cause });
    }
  }

  read(bytes: Uint8Array, start: number, end: number): unknown {
    const stop = this.#guard.walk(bytes, start, end);
    if (stop !== end) return this.#refuse(stop, end);
    try {
      const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const { value, offset } = this.#decode(buffer, start);
      if (offset !== end) return this.#refuse(offset, end);
      return this.#shape(value);
    } catch (error) {
      this.fault.reason = error instanceof ShapeFault ? error.reason : 'UNDECODABLE';
      this.fault.detail = error instanceof ShapeFault ? error.detail : `${this.name}: ${error instanceof Error ? error.message.slice(0, 128) : 'unreadable'}`;
      return undefined;
    }
  }

  #refuse(stop: number, end: number): undefined {
    this.fault.reason = stop < 0 ? this.#guard.fault.reason : 'UNDECODABLE';
    this.fault.detail = stop < 0 ? this.#guard.fault.detail : `${this.name}: ${end - stop} bytes after its end`;
    return undefined;
  }
}
