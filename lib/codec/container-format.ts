/** What reading and writing Avro object containers share: magic, block codecs and their bounds. Source: Avro specification 1.12. */
import { deflateRawSync, inflateRawSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { snappyUncompress } from './snappy.ts';

export const CONTAINER_MAGIC = Buffer.from('Obj\u0001', 'latin1');
export const SYNC_BYTES = 16;

export interface ContainerLimits {
  /** The header's map of metadata, bytes. */
  readonly headerBytesMax: number;
  /** One block as it is in the file, bytes. */
  readonly blockBytesMax: number;
  /** One block after decompression, bytes. */
  readonly blockDecodedBytesMax: number;
  /** Records handed out at a time. */
  readonly batchRecordsMax: number;
}

/** Writers make blocks of 16 to 64 KiB; a thousand times that is no honest block. */
export const DEFAULT_CONTAINER_LIMITS: ContainerLimits = Object.freeze({
  headerBytesMax: 1_048_576,
  blockBytesMax: 16_777_216,
  blockDecodedBytesMax: 67_108_864,
  batchRecordsMax: 1_024,
});

export type ContainerCodec = 'null' | 'deflate' | 'zstandard';

/** Compression level of deflate and zstandard: their usual defaults, fixed so that the same records give the same bytes. */
const LEVEL = { deflate: 6, zstandard: 3 } as const;

export function compressBlock(codec: ContainerCodec, block: Buffer): Buffer {
  if (codec === 'deflate') return deflateRawSync(block, { level: LEVEL.deflate });
  if (codec === 'zstandard') return zstdCompressSync(block);
  return block;
}

type Decompress = (block: Buffer, bytesMax: number) => Buffer;

/** Each throws when the block is broken or larger than allowed. */
export const DECOMPRESSORS: ReadonlyMap<string, Decompress> = new Map<string, Decompress>([
  ['null', (block) => block],
  ['deflate', (block, maxOutputLength) => inflateRawSync(block, { maxOutputLength })],
  ['zstandard', (block, maxOutputLength) => zstdDecompressSync(block, { maxOutputLength })],
  ['snappy', snappyUncompress],
]);
