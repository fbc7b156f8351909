/**
 * Avro object containers in two steps, for hosts whose decoding happens elsewhere: `splitAvroContainer` finds where the
 * records of a file begin and end, `containerRecordDecoder` decodes one of them from its bytes and the file's schema.
 * Together they answer what readAvroContainer answers; a test holds them to it.
 */
import type { DeadLetterReason } from '#schemas/records.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { type SchemaNode, parseSchema } from './avro-schema.ts';
import { ByteStream } from './byte-stream.ts';
import { DEFAULT_CONTAINER_LIMITS } from './container-format.ts';
import { STRUCTURE_LIMITS, branchOf, readBlock, readHeader, type Branch } from './container-read.ts';
import { compileSkip, type Skip } from './compiled-skip.ts';
import { type DecodeResult, HISTORY_RECORDS, type RecordName, type RecordTypes } from './decoder.ts';
import type { FloatPool } from './float-pool.ts';
import { Cursor, type Guard, compileGuard, readLong } from './guard.ts';
import { DEFAULT_DECODE_LIMITS, type DecodeLimits } from './limits.ts';

/** The records of a block. */
export interface SplitBlock {
  readonly bytes: Buffer;
  /** Number in the file of the first record, counted from 1; the others follow. */
  readonly first: number;
  /** Where in `bytes` each record ends, and the next one begins; with its branch index in a container of a union. */
  readonly ends: readonly number[];
  /** What lies behind them, where that is no record or its end could not be found. */
  readonly rest: { readonly position: number; readonly reason: DeadLetterReason; readonly detail: string } | null;
  /** Chunks that lie before the end of this block: once it and those before it are not looked at any more, they may be written over. */
  readonly passed: readonly Buffer[];
}

export interface SplitContainer {
  /** The writer's schema as it stands in the file. */
  readonly schemaText: string;
  /** In order, by block. Throws FARHAND_HISTORY_UNREADABLE as readAvroContainer does. */
  readonly blocks: AsyncGenerator<SplitBlock, void, undefined>;
}

/** `label` is the file's name in messages. */
export async function splitAvroContainer(chunks: AsyncIterable<Uint8Array>, label: string): Promise<SplitContainer> {
  let passed: Buffer[] = [];
  const stream = new ByteStream(chunks, (chunk) => passed.push(chunk));
  const header = await guarded(label, () => readHeader(stream, label, DEFAULT_CONTAINER_LIMITS));
  const splitter = new BlockSplitter(header.schema);
  async function* blocks(): AsyncGenerator<SplitBlock, void, undefined> {
    try {
      while (!(await guarded(label, () => stream.atEnd()))) {
        const block = await guarded(label, () => readBlock(stream, header, label, splitter.next, DEFAULT_CONTAINER_LIMITS));
        const behind = passed;
        passed = [];
        yield { ...splitter.split(block.bytes, block.count), passed: behind };
      }
    } finally {
      await stream.close();
    }
  }
  return { schemaText: header.schemaText, blocks: blocks() };
}

async function guarded<T>(label: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof FarhandError) throw cause;
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${label}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}

class BlockSplitter {
  /** Number of the next record. */
  next = 1;
  readonly #guards: readonly Guard[];
  /** By branch; null for records that are not in our own layout. */
  readonly #skips: readonly (Skip | null)[];
  readonly #isUnion: boolean;
  readonly #cursor = new Cursor(DEFAULT_DECODE_LIMITS);

  constructor(schema: SchemaNode) {
    this.#isUnion = schema.kind === 'union';
    const nodes = schema.kind === 'union' ? schema.branches : [schema];
    const limits = { ...DEFAULT_DECODE_LIMITS, ...STRUCTURE_LIMITS };
    this.#guards = nodes.map((node) => compileGuard(node, limits));
    this.#skips = nodes.map((node) => compileSkip(node, limits));
  }

  split(bytes: Buffer, count: number): Omit<SplitBlock, 'passed'> {
    const ends: number[] = [];
    const first = this.next;
    this.next += count;
    let at = 0;
    for (let i = 0; i < count; i++) {
      const body = unionIndex(this.#cursor, bytes, at, this.#isUnion);
      const stop = body < 0 ? -1 : this.#stopOf(bytes, body);
      if (stop < 0) {
        const what = (body < 0 ? undefined : this.#guards[this.#cursor.items])?.fault.detail ?? 'no branch of the union of the container, or cut off';
        const detail = i === count - 1 ? what : `${what}; with the ${count - i - 1} records behind it in its block`;
        return { bytes, first, ends, rest: { position: first + i, reason: 'UNDECODABLE', detail } };
      }
      ends.push(stop);
      at = stop;
    }
    const rest = at < bytes.length ? ({ position: this.next - 1, reason: 'UNDECODABLE', detail: `${bytes.length - at} bytes after the last record of the block` } as const) : null;
    return { bytes, first, ends, rest };
  }

  /** End of the record of the branch in `cursor.items` whose body is at `body`; −1 where it cannot be found. */
  #stopOf(bytes: Buffer, body: number): number {
    const branch = this.#cursor.items;
    const stop = this.#skips[branch]?.(bytes, body, bytes.length) ?? -1;
    return stop < 0 ? (this.#guards[branch]?.walk(bytes, body, bytes.length) ?? -1) : stop;
  }
}

/** Where the body of the record at `at` begins, −1 where its branch cannot be read; the branch's index is left in `cursor.items`. */
export function unionIndex(cursor: Cursor, bytes: Uint8Array, at: number, isUnion: boolean, end = bytes.length): number {
  cursor.items = 0;
  if (!isUnion) return at;
  cursor.bytes = bytes;
  cursor.position = at;
  cursor.end = end;
  const index = readLong(cursor);
  if (!(index >= 0)) return -1;
  cursor.items = index;
  return cursor.position;
}

export interface ContainerRecordDecoder<N extends RecordName> {
  /** One record of a SplitBlock: `bytes[start, end)`. */
  decode(bytes: Uint8Array, start: number, end: number): DecodeResult<RecordTypes[N]>;
}

/** Throws FARHAND_HISTORY_UNREADABLE where the schema holds anything but records. */
export function containerRecordDecoder<N extends RecordName = (typeof HISTORY_RECORDS)[number]>(
  schemaText: string,
  options: { readonly names?: readonly N[]; readonly label: string; readonly limits?: DecodeLimits; readonly pool?: FloatPool | null },
): ContainerRecordDecoder<N> {
  const schema = parseSchema(JSON.parse(schemaText));
  const names: readonly RecordName[] = options.names ?? HISTORY_RECORDS;
  const nodes = schema.kind === 'union' ? schema.branches : [schema];
  const branches: Branch[] = nodes.map((node) => {
    if (node.kind === 'record') return branchOf(node, node.name, names, options.limits ?? DEFAULT_DECODE_LIMITS, options.pool);
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${options.label}: holds ${node.kind} values; a history holds records, or a union of records`);
  });
  const cursor = new Cursor(DEFAULT_DECODE_LIMITS);
  return {
    decode(bytes, start, end) {
      const body = unionIndex(cursor, bytes, start, schema.kind === 'union', end);
      const branch = body < 0 ? undefined : branches[cursor.items];
      if (branch === undefined) return { ok: false, reason: 'UNDECODABLE', detail: 'no branch of the union of the container, or cut off' };
      const { reader, refusal } = branch;
      if (reader === null) return { ok: false, reason: 'UNKNOWN_TYPE', detail: refusal };
      const event = reader.read(bytes, body, end) as RecordTypes[N] | undefined;
      return event === undefined ? { ok: false, ...reader.fault } : { ok: true, event, arrivedAt: null };
    },
  };
}
