/** Opens a history file, or a pipe, as a stream of plain bytes; gzip and zstd are told by their first bytes, not by their names. */
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { isAvroContainer } from '#lib/codec/container-read.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { compressionOf, type Compression } from './compression.ts';
import { isPipe, type HistoryPath } from './discover.ts';
import { Pipe } from './pipe.ts';
import { PlainFile } from './plain-file.ts';
import { isParquet } from './parquet-rows.ts';
import { zstdFrames } from './zstd-frames.ts';

/** Of a file, and of one among many that are open at a time. */
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_BYTES_OF_MANY = 256 * 1024;
const MANY_FILES = 8;
const MAGIC_BYTES = 4;
const NEVER = new AbortController().signal;

export interface ByteSource {
  readonly compression: Compression;
  /** True for an Avro object container, false for lines of text. */
  readonly avro: boolean;
  /** True for a Parquet file; its bytes are to be read from its end. */
  readonly parquet: boolean;
  /** Decompressed; rejects with FARHAND_HISTORY_UNREADABLE where the file is damaged. */
  readonly chunks: AsyncIterableIterator<Buffer>;
  /** Bytes of the file (as it lies on the disk) that were read. */
  readonly bytesRead: number;
  /** Nobody looks at the bytes of the chunk any more. Whoever never says so leaves them to the garbage collector. */
  giveBack(chunk: Buffer): void;
  close(): void;
}

function decompress(file: AsyncIterable<Buffer>, compression: Exclude<Compression, 'none'>, chunkSize: number): Readable {
  // Errors of either reach the reader of the last stream; the callback only keeps them from being unhandled.
  const ended = () => {};
  if (compression === 'gzip') return pipeline(file, createGunzip({ chunkSize }), ended);
  return pipeline(file, zstdFrames, createZstdDecompress({ chunkSize }), ended);
}

/** Enough of the content to tell what it is, however small the chunks are. */
async function firstBytes(chunks: AsyncIterator<Buffer>): Promise<Buffer> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < MAGIC_BYTES) {
    const next = await chunks.next();
    if (next.done) break;
    bytes = bytes.length === 0 ? next.value : Buffer.concat([bytes, next.value]);
  }
  return bytes;
}

/** The chunks, and what they begin with. */
async function begun(chunks: AsyncGenerator<Buffer, void, undefined>): Promise<{ first: Buffer; chunks: AsyncGenerator<Buffer, void, undefined> }> {
  const first = await firstBytes(chunks);
  async function* all(): AsyncGenerator<Buffer, void, undefined> {
    if (first.length > 0) yield first;
    yield* chunks;
  }
  return { first, chunks: all() };
}

/** @param files how many are read at a time; @param signal gives up waiting for what a pipe brings */
export async function openBytes(history: HistoryPath, files = 1, signal: AbortSignal = NEVER): Promise<ByteSource> {
  const chunkBytes = files > MANY_FILES ? CHUNK_BYTES_OF_MANY : CHUNK_BYTES;
  const file = isPipe(history) ? new Pipe(history.path, signal) : new PlainFile(history.path, chunkBytes);
  try {
    return await sourceOf(file, history, chunkBytes, signal);
  } catch (error) {
    file.destroy(); // a pipe that somebody still writes into would keep the process
    throw error;
  }
}

async function sourceOf(file: Pipe | PlainFile, history: HistoryPath, chunkBytes: number, signal: AbortSignal): Promise<ByteSource> {
  let compression: Compression = 'none';
  async function* guarded(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
    try {
      yield* chunks;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof FarhandError) throw error;
      const what = compression === 'none' ? 'cannot be read' : `the ${compression} stream is damaged or cut off`;
      const why = error instanceof Error ? error.message : String(error);
      throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${history.label}: ${what} at or before byte ${file.bytesRead}: ${why}`, { cause: error });
    }
  }
  let { first, chunks } = await begun(guarded(file.chunks()));
  compression = compressionOf(first);
  const parquet = compression === 'none' && isParquet(first);
  if (parquet && isPipe(history)) throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${history.label}: a Parquet file is read from its end, which a pipe does not have; write it into a file first`);
  const unpacked = compression === 'none' ? null : decompress(chunks, compression, chunkBytes);
  if (unpacked !== null) ({ first, chunks } = await begun(guarded(unpacked)));
  return {
    compression,
    avro: isAvroContainer(first),
    parquet,
    chunks,
    get bytesRead() {
      return file.bytesRead;
    },
    giveBack(chunk) {
      if (unpacked === null) file.giveBack(chunk);
    },
    close() {
      unpacked?.destroy();
      file.destroy();
    },
  };
}
