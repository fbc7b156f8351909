/** Compiles (writer schema, this release's schema) into a bounded reader. */
import type avro from 'avsc';
import { FarhandError, assert } from '#lib/kernel/errors.ts';
import type { DeadLetterReason } from '#schemas/records.ts';
import { type SchemaNode, sameEncoding, schemaJson } from './avro-schema.ts';
import { avroTypeFor, avroTypeOf } from './avro-types.ts';
import { type CompiledReader, compileRead } from './compiled-reader.ts';
import type { RecordName } from './decoder.ts';
import type { FloatPool } from './float-pool.ts';
import { compileGuard } from './guard.ts';
import type { DecodeLimits } from './limits.ts';
import { schemaOf } from './schemas.ts';
import { type Shape, ShapeFault, compileShape } from './shape.ts';

export interface RecordReader {
  readonly name: RecordName;
  /** The record between `start` and `end`, which it must fill exactly; undefined when it does not, see `fault`. */
  read(bytes: Uint8Array, start: number, end: number): unknown;
  /** The record that begins at `start` and ends at `end` or before, see `stop`; undefined when there is none. */
  readPrefix(bytes: Uint8Array, start: number, end: number): unknown;
  /** Where the last record that was read ended. */
  readonly stop: number;
  /** Why the last read answered undefined. */
  readonly fault: { readonly reason: DeadLetterReason; readonly detail: string };
}

/**
 * Throws FARHAND_SCHEMA_INCOMPATIBLE when the writer's records cannot be read as ours. With a `pool`, the arrays of floats of a record
 * may be its own: then they are of use until the pool is released.
 */
export function compileReader(name: RecordName, writer: SchemaNode, limits: DecodeLimits, pool: FloatPool | null = null): RecordReader {
  return sameEncoding(schemaOf(name).node, writer) ? new DirectReader(name, limits, pool) : new ResolvingReader(name, writer, limits);
}

/** The reader that takes any compatible writer, for tests that compare it with the quick one. */
export function compileResolvingReader(name: RecordName, writer: SchemaNode, limits: DecodeLimits): RecordReader {
  return new ResolvingReader(name, writer, limits);
}

/** Generated code that guards and decodes in one pass, for writers with our own layout. */
class DirectReader implements RecordReader {
  readonly name: RecordName;
  readonly fault: { reason: DeadLetterReason; detail: string } = { reason: 'UNDECODABLE', detail: '' };
  stop = 0;
  readonly #compiled: CompiledReader;

  constructor(name: RecordName, limits: DecodeLimits, pool: FloatPool | null) {
    this.name = name;
    this.#compiled = compileRead(schemaOf(name).node, limits, pool);
  }

  read(bytes: Uint8Array, start: number, end: number): unknown {
    const event = this.readPrefix(bytes, start, end);
    if (event === undefined || this.stop === end) return event;
    this.fault.reason = 'UNDECODABLE';
    this.fault.detail = `${this.name}: ${end - this.stop} bytes after its end`;
    return undefined;
  }

  readPrefix(bytes: Uint8Array, start: number, end: number): unknown {
    const { cursor } = this.#compiled;
    const event = this.#compiled.read(bytes, start, end);
    if (event === undefined) {
      this.fault.reason = cursor.reason;
      this.fault.detail = cursor.detail;
    } else {
      this.stop = cursor.position;
    }
    return event;
  }
}

/** Guard, then the Avro library with a resolver, then our shape: right for every compatible writer. */
class ResolvingReader implements RecordReader {
  readonly name: RecordName;
  readonly fault: { reason: DeadLetterReason; detail: string } = { reason: 'UNDECODABLE', detail: '' };
  stop = 0;
  readonly #guard;
  readonly #decode: (buffer: Buffer, start: number) => { value: unknown; offset: number };
  readonly #shape: Shape;

  constructor(name: RecordName, writer: SchemaNode, limits: DecodeLimits) {
    this.name = name;
    this.#guard = compileGuard(writer, limits);
    const type = avroTypeOf(name);
    this.#shape = compileShape(schemaOf(name).node, { arrayItemsMax: limits.arrayItemsMax, floats: 'float32', tagged: true });
    try {
      const resolver = type.createResolver(avroTypeFor(schemaJson(writer)));
      this.#decode = (buffer, start) => type.decode(buffer, start, resolver as avro.Resolver);
    } catch (cause) {
      const message = cause instanceof Error ? cause.message : String(cause);
      throw new FarhandError('FARHAND_SCHEMA_INCOMPATIBLE', `cannot be read as ${name}: ${message}`, { cause });
    }
  }

  read(bytes: Uint8Array, start: number, end: number): unknown {
    const event = this.readPrefix(bytes, start, end);
    if (event === undefined || this.stop === end) return event;
    return this.#refuse('UNDECODABLE', `${this.name}: ${end - this.stop} bytes after its end`);
  }

  readPrefix(bytes: Uint8Array, start: number, end: number): unknown {
    const stop = this.#guard.walk(bytes, start, end);
    if (stop < 0) return this.#refuse(this.#guard.fault.reason, this.#guard.fault.detail);
    try {
      const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const { value, offset } = this.#decode(buffer, start);
      assert(offset === stop, `the guard and the decoder of ${this.name} disagree about its end`);
      this.stop = stop;
      return this.#shape(value);
    } catch (error) {
      if (error instanceof FarhandError) throw error;
      if (error instanceof ShapeFault) return this.#refuse(error.reason, error.detail);
      return this.#refuse('UNDECODABLE', `${this.name}: ${error instanceof Error ? error.message.slice(0, 128) : 'unreadable'}`);
    }
  }

  #refuse(reason: DeadLetterReason, detail: string): undefined {
    this.fault.reason = reason;
    this.fault.detail = detail;
    return undefined;
  }
}
