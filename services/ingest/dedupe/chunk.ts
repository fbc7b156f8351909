/**
 * How remembered event ids lie in the changelog. Each bucket is a row of chunks of up to 512 hashes; only its last
 * chunk changes, a full one is written for the last time when it fills. So a commit costs 8 bytes per new event plus
 * at most one part-filled chunk (4 kB) per touched bucket, whatever the bucket holds already.
 */
import type { StateCodec } from '#lib/state/state.ts';

export const CHUNK_ENTRIES_MAX = 512;

export interface Chunk {
  /** Serial number of the task's insertion that touched the bucket last; orders buckets for forgetting. */
  touched: number;
  count: number;
  /** high, low, high, low, …; the first `count` pairs are set. */
  readonly hashes: Uint32Array;
}

export function emptyChunk(): Chunk {
  return { touched: 0, count: 0, hashes: new Uint32Array(CHUNK_ENTRIES_MAX * 2) };
}

/** Key in the state store: start of the bucket (epoch ms) and number of the chunk in it. */
export function chunkKey(bucket: number, chunk: number): string {
  return `${bucket}.${chunk}`;
}

export function parseChunkKey(key: string): { bucket: number; chunk: number } {
  const dot = key.indexOf('.');
  return { bucket: Number(key.slice(0, dot)), chunk: Number(key.slice(dot + 1)) };
}

const HEADER_BYTES = 8;

export const chunkCodec: StateCodec<Chunk> = {
  /** Little endian: touched (float64), then pairs of uint32. */
  encode(chunk) {
    const bytes = new Uint8Array(HEADER_BYTES + chunk.count * 8);
    const view = new DataView(bytes.buffer);
    view.setFloat64(0, chunk.touched, true);
    for (let i = 0; i < chunk.count * 2; i++) view.setUint32(HEADER_BYTES + i * 4, chunk.hashes[i]!, true);
    return bytes;
  },
  decode(bytes) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const chunk = emptyChunk();
    chunk.touched = view.getFloat64(0, true);
    chunk.count = Math.min(CHUNK_ENTRIES_MAX, (bytes.byteLength - HEADER_BYTES) >>> 3);
    for (let i = 0; i < chunk.count * 2; i++) chunk.hashes[i] = view.getUint32(HEADER_BYTES + i * 4, true);
    return chunk;
  },
};
