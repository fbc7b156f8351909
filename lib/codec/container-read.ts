/** Streaming, bounded reading of Avro object containers that hold one record type or a union of records. */
import { createReadStream } from 'node:fs';
import { FarhandError } from '#lib/kernel/errors.ts';
import { type SchemaNode, parseSchema } from './avro-schema.ts';
import { ByteStream } from './byte-stream.ts';
import { CONTAINER_MAGIC, type ContainerLimits, DECOMPRESSORS, DEFAULT_CONTAINER_LIMITS, SYNC_BYTES } from './container-format.ts';
import { type DecodeResult, HISTORY_RECORDS, type RecordName, type RecordTypes } from './decoder.ts';
import type { FloatPool } from './float-pool.ts';
import { Cursor, type Guard, compileGuard, readLong } from './guard.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';
import { type RecordReader, compileReader } from './reader.ts';
import { recordNameOf } from './schemas.ts';

export interface ContainerRecord<T> {
  /** The record's number in the file, counted from 1. */
  readonly position: number;
  /** The bytes of the record as they are in the (decompressed) block; with its branch index in a container of a union. */
  readonly raw: Buffer;
  /** Null where the container's name for it is none of ours. */
  readonly name: RecordName | null;
  /** `arrivedAt` is always null: a container has no place for it. */
  readonly result: DecodeResult<T>;
}

export interface ContainerReadOptions<N extends RecordName> {
  /** Which records are read; every other one is refused as UNKNOWN_TYPE. Default: all records of a history. */
  readonly names?: readonly N[];
  /** The file's name in messages; default: the path. */
  readonly label?: string;
  readonly limits?: DecodeLimits;
  readonly containerLimits?: ContainerLimits;
}

/**
 * Hands out the records of a container in order, in batches of at most `batchRecordsMax`; a record that cannot be read
 * is handed out as a refusal with its bytes. When its end cannot be found either, the refusal carries the rest of its
 * block. Throws FARHAND_HISTORY_UNREADABLE, naming file and record, for a file that is no container, a schema or codec
 * that is not known, a block that is cut off or too large, and a wrong sync marker.
 */
export async function* readAvroContainer<N extends RecordName = (typeof HISTORY_RECORDS)[number]>(
  source: string | AsyncIterable<Uint8Array>,
  options: ContainerReadOptions<N> = {},
): AsyncGenerator<readonly ContainerRecord<RecordTypes[N]>[], void, undefined> {
  const label = options.label ?? (typeof source === 'string' ? source : 'container');
  const limits = options.containerLimits ?? DEFAULT_CONTAINER_LIMITS;
  const stream = new ByteStream(typeof source === 'string' ? createReadStream(source) : source);
  try {
    const header = await readHeader(stream, label, limits);
    const records = new BlockRecords(header.schema, options.names ?? HISTORY_RECORDS, options.limits ?? DEFAULT_DECODE_LIMITS, label);
    while (!(await stream.atEnd())) {
      const block = await readBlock(stream, header, label, records.next, limits);
      yield* records.of(block.bytes, block.count, limits.batchRecordsMax) as Generator<ContainerRecord<RecordTypes[N]>[]>;
    }
  } catch (cause) {
    if (cause instanceof FarhandError) throw cause;
    throw unreadable(label, cause instanceof Error ? cause.message : String(cause), cause);
  } finally {
    await stream.close();
  }
}

/** True when the first bytes of a file are those of a container. */
export function isAvroContainer(head: Uint8Array): boolean {
  return head.length >= CONTAINER_MAGIC.length && CONTAINER_MAGIC.equals(head.subarray(0, CONTAINER_MAGIC.length));
}

function unreadable(label: string, what: string, cause?: unknown): FarhandError {
  return new FarhandError('FARHAND_HISTORY_UNREADABLE', `${label}: ${what}`, { cause });
}

export interface Header {
  readonly schema: SchemaNode;
  /** The schema as it stands in the file. */
  readonly schemaText: string;
  readonly codec: string;
  readonly sync: Buffer;
}

export async function readHeader(stream: ByteStream, label: string, limits: ContainerLimits): Promise<Header> {
  const magic = await stream.take(CONTAINER_MAGIC.length);
  if (magic === undefined || !isAvroContainer(magic)) throw unreadable(label, 'not an Avro object container');
  const broken = () => unreadable(label, `the header of the container is cut off, broken or larger than ${limits.headerBytesMax} bytes`);
  const part = async (): Promise<Buffer> => {
    const length = await stream.long();
    if (!(length >= 0) || stream.offset + length > limits.headerBytesMax) throw broken();
    const bytes = await stream.take(length);
    if (bytes === undefined) throw broken();
    return bytes;
  };
  const metadata = new Map<string, Buffer>();
  for (;;) {
    let count = await stream.long();
    if (count === 0) break;
    if (count < 0) {
      count = -count;
      await stream.long(); // the block's size in bytes, of no use here
    }
    if (!(count <= limits.headerBytesMax)) throw broken();
    for (let i = 0; i < count; i++) {
      const key = (await part()).toString('latin1');
      metadata.set(key, await part());
    }
  }
  const sync = await stream.take(SYNC_BYTES);
  const text = metadata.get('avro.schema');
  if (sync === undefined || text === undefined) throw broken();
  const codec = metadata.get('avro.codec')?.toString('latin1') ?? 'null';
  if (!DECOMPRESSORS.has(codec)) throw unreadable(label, `codec ${JSON.stringify(codec.slice(0, 64))} is not read here (${[...DECOMPRESSORS.keys()].join(', ')} are)`);
  try {
    const schemaText = text.toString('utf8');
    return { schema: parseSchema(JSON.parse(schemaText)), schemaText, codec, sync: Buffer.from(sync) };
  } catch (cause) {
    throw unreadable(label, `the schema in the header: ${cause instanceof Error ? cause.message.slice(0, 256) : 'unreadable'}`, cause);
  }
}

export async function readBlock(stream: ByteStream, header: Header, label: string, next: number, limits: ContainerLimits): Promise<{ count: number; bytes: Buffer }> {
  const start = stream.offset;
  const where = `the block at byte ${start}, from record ${next},`;
  const count = await stream.long();
  const size = await stream.long();
  if (Number.isNaN(count) || Number.isNaN(size)) throw unreadable(label, `${where} is cut off`);
  if (count < 0 || size < 0) throw unreadable(label, `${where} announces ${count} records in ${size} bytes`);
  if (size > limits.blockBytesMax) throw unreadable(label, `${where} has ${size} bytes, at most ${limits.blockBytesMax} are read`);
  const packed = await stream.take(size);
  const sync = await stream.take(SYNC_BYTES);
  if (packed === undefined || sync === undefined) throw unreadable(label, `${where} is cut off`);
  if (!sync.equals(header.sync)) throw unreadable(label, `${where} ends in a wrong sync marker`);
  let bytes: Buffer;
  try {
    bytes = (DECOMPRESSORS.get(header.codec) as (block: Buffer, max: number) => Buffer)(packed, limits.blockDecodedBytesMax);
  } catch (cause) {
    throw unreadable(label, `${where} cannot be decompressed (${header.codec}): ${cause instanceof Error ? cause.message : 'broken'}`, cause);
  }
  // Every record of ours has a byte at least: a larger count would only be there to keep us busy.
  if (count > bytes.length) throw unreadable(label, `${where} announces ${count} records in ${bytes.length} bytes`);
  return { count, bytes };
}

/** What is walked over to find the next record: whatever a block can hold; items are bounded, since they may have no size. */
export const STRUCTURE_LIMITS = {
  recordBytesMax: DEFAULT_CONTAINER_LIMITS.blockDecodedBytesMax,
  stringBytesMax: DEFAULT_CONTAINER_LIMITS.blockDecodedBytesMax,
  arrayItemsMax: 1_048_576,
  itemsMax: 1_048_576,
};

export interface Branch {
  readonly name: RecordName | null;
  /** Null where this record is not read here; `refusal` says why. */
  readonly reader: RecordReader | null;
  readonly refusal: string;
  /** Finds the end of a record that the reader refused: structure only, the limits are those of the block. */
  readonly structure: Guard;
}

/** Tells the records of decompressed blocks apart and decodes them. */
class BlockRecords {
  /** Number of the next record. */
  next = 1;
  readonly #branches: readonly Branch[];
  readonly #isUnion: boolean;
  readonly #cursor = new Cursor(DEFAULT_DECODE_LIMITS);
  /** End of the record that was read last; −1 where it could not be found. */
  #stop = 0;
  /** Branch index of the union, set by #bodyOf. */
  #index = 0;

  constructor(schema: SchemaNode, names: readonly RecordName[], limits: DecodeLimits, label: string) {
    this.#isUnion = schema.kind === 'union';
    const nodes = schema.kind === 'union' ? schema.branches : [schema];
    this.#branches = nodes.map((node) => {
      if (node.kind !== 'record') throw unreadable(label, `holds ${node.kind} values; a history holds records, or a union of records`);
      return branchOf(node, node.name, names, limits);
    });
  }

  *of(bytes: Buffer, count: number, batchMax: number): Generator<ContainerRecord<unknown>[]> {
    let batch: ContainerRecord<unknown>[] = [];
    let at = 0;
    const first = this.next;
    this.next += count;
    for (let i = 0; i < count && at >= 0; i++) {
      batch.push(this.#record(bytes, at, first + i, count - i - 1));
      at = this.#stop;
      if (batch.length < batchMax) continue;
      yield batch;
      batch = [];
    }
    if (at >= 0 && at < bytes.length) {
      const detail = `${bytes.length - at} bytes after the last record of the block`;
      batch.push({ position: this.next - 1, raw: bytes.subarray(at), name: null, result: { ok: false, reason: 'UNDECODABLE', detail } });
    }
    if (batch.length > 0) yield batch;
  }

  #record(bytes: Buffer, at: number, position: number, following: number): ContainerRecord<unknown> {
    const start = this.#isUnion ? this.#bodyOf(bytes, at) : at;
    const branch = start < 0 ? undefined : this.#branches[this.#isUnion ? this.#index : 0];
    if (branch === undefined) return this.#lost(bytes, at, position, following, null, 'no branch of the union of the container, or cut off');
    const { name, reader } = branch;
    if (reader !== null) {
      const event = reader.readPrefix(bytes, start, bytes.length);
      if (event !== undefined) {
        this.#stop = reader.stop;
        return { position, raw: bytes.subarray(at, reader.stop), name, result: { ok: true, event, arrivedAt: null } };
      }
    }
    const stop = branch.structure.walk(bytes, start, bytes.length);
    const fault = reader === null ? ({ reason: 'UNKNOWN_TYPE', detail: branch.refusal } as const) : { ...reader.fault };
    if (stop < 0) return this.#lost(bytes, at, position, following, name, fault.detail);
    this.#stop = stop;
    return { position, raw: bytes.subarray(at, stop), name, result: { ok: false, ...fault } };
  }

  #bodyOf(bytes: Buffer, at: number): number {
    const cursor = this.#cursor;
    cursor.bytes = bytes;
    cursor.position = at;
    cursor.end = bytes.length;
    this.#index = readLong(cursor);
    return Number.isNaN(this.#index) ? -1 : cursor.position;
  }

  /** The record's end cannot be found, so neither can the records behind it: one refusal carries them all. */
  #lost(bytes: Buffer, at: number, position: number, following: number, name: RecordName | null, what: string): ContainerRecord<unknown> {
    this.#stop = -1;
    const detail = following === 0 ? what : `${what}; with the ${following} records behind it in its block`;
    return { position, raw: bytes.subarray(at), name, result: { ok: false, reason: 'UNDECODABLE', detail } };
  }
}

export function branchOf(node: SchemaNode, fullName: string, names: readonly RecordName[], limits: DecodeLimits, pool: FloatPool | null = null): Branch {
  const name = recordNameOf(fullName) ?? null;
  const structure = compileGuard(node, { ...limits, ...STRUCTURE_LIMITS });
  const skipped = (refusal: string): Branch => ({ name, reader: null, refusal, structure });
  if (name === null || !names.includes(name)) return skipped(`${fullName.slice(0, 128)} is not read here`);
  try {
    return { name, reader: compileReader(name, node, limits, pool), refusal: '', structure };
  } catch (error) {
    if (!(error instanceof FarhandError) || error.code !== 'FARHAND_SCHEMA_INCOMPATIBLE') throw error;
    return skipped(error.message.slice(0, 256));
  }
}
