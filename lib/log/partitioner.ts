/** Kafka's default partitioner: murmur2 over the key's bytes, positive part, modulo the number of partitions. */

const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** Murmur2 as org.apache.kafka.common.utils.Utils has it, of the first `length` bytes; a signed 32-bit integer. */
export function murmur2(data: Uint8Array, length = data.length): number {
  let h = SEED ^ length;
  const aligned = length & ~3;
  for (let i = 0; i < aligned; i += 4) {
    let k = data[i]! | (data[i + 1]! << 8) | (data[i + 2]! << 16) | (data[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const left = length - aligned;
  if (left >= 3) h ^= data[aligned + 2]! << 16;
  if (left >= 2) h ^= data[aligned + 1]! << 8;
  if (left >= 1) h = Math.imul(h ^ data[aligned]!, M);
  h ^= h >>> 13;
  h = Math.imul(h, M);
  return h ^ (h >>> 15);
}

/** The partition of a record whose key is the first `length` bytes, in [0, partitions). A record without a key goes to 0: the same on every run. */
export function partitionOf(key: Uint8Array | null, partitions: number, length?: number): number {
  return key === null ? 0 : (murmur2(key, length) & 0x7fffffff) % partitions;
}
