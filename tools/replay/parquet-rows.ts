/**
 * Rows of a Parquet file as lines of NDJSON: a column for each field and one named `type`; nested fields as lists and
 * structs. Timestamps become epoch ms, 64-bit integers numbers. Read by row groups, so memory holds one of them.
 */
import { open, type FileHandle } from 'node:fs/promises';
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib';
import { parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { HistoryPath } from './discover.ts';

/** Rows that are handed out at a time. */
const ROWS_MAX = 4096;
/** A page after decompression; larger ones are refused. */
const PAGE_BYTES_MAX = 256 * 1024 * 1024;

/** Snappy is built in. */
const bounded = { maxOutputLength: PAGE_BYTES_MAX };
const COMPRESSORS = {
  ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input, bounded)),
  GZIP: (input: Uint8Array) => new Uint8Array(gunzipSync(input, bounded)),
  BROTLI: (input: Uint8Array) => new Uint8Array(brotliDecompressSync(input, bounded)),
};

export function isParquet(head: Uint8Array): boolean {
  return head.length >= 4 && head[0] === 0x50 && head[1] === 0x41 && head[2] === 0x52 && head[3] === 0x31; // PAR1
}

/** Numbers of rows count from 1. Throws FARHAND_HISTORY_UNREADABLE with the row up to which was read. */
export async function* parquetLines({ path, label }: HistoryPath, onBytes: (read: number) => void): AsyncGenerator<{ number: number; bytes: Buffer }[]> {
  let read = 0;
  const handle = await open(path, 'r');
  try {
    const { size } = await handle.stat();
    const file = { byteLength: size, slice: (start: number, end?: number) => slice(handle, start, end ?? size) };
    const metadata = await parquetMetadataAsync(file);
    for (const { num_rows: rows } of metadata.row_groups) {
      const count = Number(rows);
      const objects = await parquetReadObjects({ file, metadata, rowStart: read, rowEnd: read + count, compressors: COMPRESSORS });
      for (let at = 0; at < objects.length; at += ROWS_MAX) {
        const first = read + at + 1;
        yield objects.slice(at, at + ROWS_MAX).map((row, i) => ({ number: first + i, bytes: Buffer.from(JSON.stringify(row, plain)) }));
      }
      read += count;
      onBytes(Math.floor((size * read) / Math.max(1, Number(metadata.num_rows))));
    }
  } catch (cause) {
    if (cause instanceof FarhandError) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new FarhandError('FARHAND_HISTORY_UNREADABLE', `${label}: the Parquet file is damaged or of a kind that is not read here: ${why}; rows up to ${read} were read`, { cause });
  } finally {
    await handle.close();
  }
}

async function slice(handle: FileHandle, start: number, end: number): Promise<ArrayBuffer> {
  const from = start < 0 ? (await handle.stat()).size + start : start;
  const bytes = new ArrayBuffer(Math.max(0, end - from));
  const { bytesRead } = await handle.read(new Uint8Array(bytes), 0, bytes.byteLength, from);
  if (bytesRead < bytes.byteLength) throw new Error(`ends at byte ${from + bytesRead}`);
  return bytes;
}

/** `this` holds the value as it was: JSON.stringify has turned dates into texts by then. */
function plain(this: Record<string, unknown>, key: string, value: unknown): unknown {
  const before = this[key];
  if (before instanceof Date) return before.getTime();
  return typeof value === 'bigint' ? Number(value) : value;
}
