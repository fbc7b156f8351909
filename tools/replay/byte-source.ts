/** Opens a history file as a stream of plain bytes; gzip and zstd are told by their first bytes, not by their names. */
import { open } from 'node:fs/promises';
import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline, type Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { isAvroContainer } from '#lib/codec/container-read.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { compressionOf, type Compression } from './compression.ts';
import type { HistoryPath } from './discover.ts';
import { PlainFile } from './plain-file.ts';
import { isParquet } from './parquet-rows.ts';
import { zstdFrames } from './zstd-frames.ts';

/** Of a file, and of one among many that are open at a time. */
const CHUNK_BYTES = 1024 * 1024;
const CHUNK_BYTES_OF_MANY = 256 * 1024;
const MANY_FILES = 8;
const MAGIC_BYTES = 4;

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

async function readHead(path: string): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}

function decompress(file: ReadStream, compression: Exclude<Compression, 'none'>, chunkSize: number): Readable {
  // Errors of either reach the reader of the last stream; the callback only keeps them from being unhandled.
  const ended = () => {};
  if (compression === 'gzip') return pipeline(file, createGunzip({ chunkSize }), ended);
  return pipeline(file, zstdFrames, createZstdDecompress({ chunkSize }), ended);
}

function bytesOf(path: string, compression: Compression, chunkBytes: number): { file: PlainFile | ReadStream; plain: AsyncIterable<Buffer>; close: () => void } {
  if (compression === 'none') {
    const file = new PlainFile(path, chunkBytes);
    return { file, plain: file.chunks(), close: () => file.destroy() };
  }
  const file = createReadStream(path, { highWaterMark: chunkBytes });
  const plain = decompress(file, compression, chunkBytes);
  const close = (): void => {
    plain.destroy();
    file.destroy();
  };
  return { file, plain, close };
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

/** @param files how many are read at a time */
export async function openBytes({ path, label }: HistoryPath, files = 1): Promise<ByteSource> {
  const damaged = (error: unknown, position: number, compression: Compression): FarhandError => {
    if (error instanceof FarhandError) return error;
    const what = compression === 'none' ? 'cannot be read' : `the ${compression} stream is damaged or cut off`;
    const why = error instanceof Error ? error.message : String(error);
    return new FarhandError('FARHAND_HISTORY_UNREADABLE', `${label}: ${what} at or before byte ${position}: ${why}`, { cause: error });
  };
  let head: Buffer;
  try {
    head = await readHead(path);
  } catch (error) {
    throw damaged(error, 0, 'none');
  }
  const compression = compressionOf(head);
  const chunkBytes = files > MANY_FILES ? CHUNK_BYTES_OF_MANY : CHUNK_BYTES;
  const { file, plain, close } = bytesOf(path, compression, chunkBytes);
  async function* guarded(): AsyncGenerator<Buffer> {
    try {
      for await (const chunk of plain) yield chunk;
    } catch (error) {
      throw damaged(error, file.bytesRead, compression);
    }
  }
  const chunks = guarded();
  const first = await firstBytes(chunks);
  async function* replayed(): AsyncGenerator<Buffer> {
    if (first.length > 0) yield first;
    yield* chunks;
  }
  return {
    compression,
    avro: isAvroContainer(first),
    parquet: compression === 'none' && isParquet(first),
    chunks: replayed(),
    get bytesRead() {
      return file.bytesRead;
    },
    giveBack(chunk) {
      if (file instanceof PlainFile) file.giveBack(chunk);
    },
    close,
  };
}
