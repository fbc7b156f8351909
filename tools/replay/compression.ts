/** Which compression the first bytes of a file say. */
export type Compression = 'none' | 'gzip' | 'zstd';

const ZSTD_MAGIC = 0xfd2fb528; // RFC 8878, little endian
const ZSTD_SKIPPABLE = 0x184d2a50; // … to 0x184d2a5f

export function compressionOf(head: Buffer): Compression {
  if (head.length >= 2 && head[0] === 0x1f && head[1] === 0x8b) return 'gzip'; // RFC 1952
  if (head.length < 4) return 'none';
  const magic = head.readUInt32LE(0);
  return magic === ZSTD_MAGIC || (magic & 0xfffffff0) >>> 0 === ZSTD_SKIPPABLE ? 'zstd' : 'none';
}
