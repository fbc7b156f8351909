/** The records of one batch, out of what its producer packed them with. */
import { gunzipSync, zstdDecompressSync } from 'node:zlib';

export const GZIP = 1;
export const ZSTD = 4;
/** One batch never unpacks to more than this; a hostile one would otherwise fill the memory. */
const UNPACKED_BYTES_MAX = 128 * 1024 * 1024;
/** How many times its length a frame is believed to hold: what it says is checked by unpacking it, not before. */
const TRUSTED_RATIO_MAX = 32;
/** Room behind the content: an output that is full to the last byte makes node:zlib take another piece. */
const SPARE_BYTES = 64;

const ZSTD_MAGIC = 0xfd2fb528;
/** By the two low bits of a frame's descriptor, and by the two high ones (RFC 8878, 3.1.1.1.1). */
const DICTIONARY_ID_BYTES = [0, 1, 2, 4];
const SINGLE_SEGMENT = 0x20;

/** What the header of a zstd frame (RFC 8878, 3.1.1.1) says of its content, bytes; undefined where it says nothing. */
export function zstdContentBytes(packed: Buffer): number | undefined {
  if (packed.length < 14 || packed.readUInt32LE(0) !== ZSTD_MAGIC) return undefined;
  const descriptor = packed[4]!;
  const isSingle = (descriptor & SINGLE_SEGMENT) !== 0;
  const at = 5 + (isSingle ? 0 : 1) + DICTIONARY_ID_BYTES[descriptor & 3]!;
  switch (descriptor >>> 6) {
    case 0:
      return isSingle ? packed[at] : undefined;
    case 1:
      return packed.readUInt16LE(at) + 256;
    case 2:
      return packed.readUInt32LE(at);
    default: {
      const bytes = packed.length < at + 8 ? Infinity : Number(packed.readBigUInt64LE(at));
      return Number.isSafeInteger(bytes) ? bytes : undefined;
    }
  }
}

/** Throws RangeError for a codec that is not known, and what node:zlib throws where the bytes are not such. */
export function unpackRecords(packed: Buffer, codec: number): Buffer {
  const options = { maxOutputLength: UNPACKED_BYTES_MAX };
  if (codec === ZSTD) {
    const bytes = zstdContentBytes(packed);
    // In one piece where its size is known: pieces of 16 KiB that are put together afterwards cost half as much again.
    return zstdDecompressSync(packed, bytes === undefined || bytes > TRUSTED_RATIO_MAX * packed.length ? options : { ...options, chunkSize: bytes + SPARE_BYTES });
  }
  if (codec === GZIP) return gunzipSync(packed, options);
  throw new RangeError(`compression codec ${codec} (snappy or lz4) is not supported; use zstd, gzip or none`);
}
