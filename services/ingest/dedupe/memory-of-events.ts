/**
 * Which events a task has seen: hash sets per event-time bucket, bounded in buckets and entries, and mirrored in the
 * task's state so that a restored task goes on where the last commit ended.
 *
 * A repeat carries the same observedAt, so it falls into the bucket of the first; the two neighbours are looked at as
 * well, for senders that stamp a repeat anew. Forgetting goes by use, not by time: one hostile clock that names the
 * year 2099 makes one small bucket and pushes nothing out.
 */
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import { CHUNK_ENTRIES_MAX, chunkCodec, chunkKey, emptyChunk, parseChunkKey, type Chunk } from './chunk.ts';
import { hashEventId, type Hash64 } from './event-hash.ts';
import { HashSet64 } from './hash-set.ts';

export interface EventMemoryLimits {
  readonly duplicateBucketMs: number;
  readonly duplicateBucketsMax: number;
  readonly duplicateEntriesMax: number;
}

interface Bucket {
  readonly start: number;
  readonly seen: HashSet64;
  touched: number;
  chunks: number;
  last: Chunk | null;
  /** The last chunk holds entries that the store was not told of yet. */
  dirty: boolean;
}

function openBucket(start: number): Bucket {
  return { start, seen: new HashSet64(), touched: 0, chunks: 0, last: null, dirty: false };
}

export class EventMemory {
  readonly #limits: EventMemoryLimits;
  readonly #store: KeyedStore<Chunk>;
  readonly #buckets = new Map<number, Bucket>();
  readonly #hash: Hash64 = { high: 0, low: 0 };
  readonly #dirty: Bucket[] = [];
  #entries = 0;
  #touches = 0;
  #restored = false;
  #forgottenBuckets = 0;

  constructor(state: TaskState, limits: EventMemoryLimits) {
    this.#limits = limits;
    this.#store = state.keyed('seen-events', chunkCodec);
  }

  get entries(): number {
    return this.#entries;
  }

  get buckets(): number {
    return this.#buckets.size;
  }

  get forgottenBuckets(): number {
    return this.#forgottenBuckets;
  }

  /** True for the first record with this id, which is remembered; false for a repeat. */
  isFirst(tenantId: string, eventId: string, observedAt: number): boolean {
    if (!this.#restored) this.#restore();
    const hash = this.#hash;
    hashEventId(tenantId, eventId, hash);
    const { duplicateBucketMs: width, duplicateEntriesMax } = this.#limits;
    const start = observedAt - (observedAt % width);
    const own = this.#buckets.get(start);
    if (own?.seen.has(hash.high, hash.low)) return false;
    if (this.#buckets.get(start - width)?.seen.has(hash.high, hash.low)) return false;
    if (this.#buckets.get(start + width)?.seen.has(hash.high, hash.low)) return false;
    const bucket = own ?? this.#open(start);
    while (this.#entries >= duplicateEntriesMax && this.#forgetStalest(bucket));
    bucket.seen.add(hash.high, hash.low);
    this.#entries++;
    this.#append(bucket, hash);
    return true;
  }

  #append(bucket: Bucket, hash: Hash64): void {
    if (bucket.last === null || bucket.last.count === CHUNK_ENTRIES_MAX) {
      if (bucket.dirty) this.#save(bucket);
      bucket.last = emptyChunk();
      bucket.chunks++;
    }
    const chunk = bucket.last;
    chunk.hashes[chunk.count * 2] = hash.high;
    chunk.hashes[chunk.count * 2 + 1] = hash.low;
    chunk.count++;
    bucket.touched = chunk.touched = ++this.#touches;
    if (!bucket.dirty) {
      bucket.dirty = true;
      this.#dirty.push(bucket);
    }
  }

  /** Tells the store what changed; to be called at the end of every batch, before the host commits. */
  endBatch(): void {
    for (const bucket of this.#dirty) {
      if (this.#buckets.get(bucket.start) === bucket) this.#save(bucket);
      bucket.dirty = false;
    }
    this.#dirty.length = 0;
  }

  #save(bucket: Bucket): void {
    this.#store.set(chunkKey(bucket.start, bucket.chunks - 1), bucket.last!);
  }

  #open(start: number): Bucket {
    while (this.#buckets.size >= this.#limits.duplicateBucketsMax && this.#forgetStalest(null));
    const bucket = openBucket(start);
    this.#buckets.set(start, bucket);
    return bucket;
  }

  /** Forgets the bucket that was touched longest ago, other than `kept`; false where there is none. */
  #forgetStalest(kept: Bucket | null): boolean {
    let stalest: Bucket | null = null;
    for (const bucket of this.#buckets.values()) {
      if (bucket !== kept && (stalest === null || bucket.touched < stalest.touched)) stalest = bucket;
    }
    if (stalest === null) return false;
    for (let i = 0; i < stalest.chunks; i++) this.#store.delete(chunkKey(stalest.start, i));
    this.#entries -= stalest.seen.size;
    this.#buckets.delete(stalest.start);
    this.#forgottenBuckets++;
    return true;
  }

  /** On first use, because the host fills the store after the topology is built. */
  #restore(): void {
    this.#restored = true;
    for (const [key, chunk] of this.#store.entries()) {
      const { bucket: start, chunk: number } = parseChunkKey(key);
      let bucket = this.#buckets.get(start);
      if (bucket === undefined) {
        bucket = openBucket(start);
        this.#buckets.set(start, bucket);
      }
      for (let i = 0; i < chunk.count; i++) {
        if (bucket.seen.add(chunk.hashes[i * 2]!, chunk.hashes[i * 2 + 1]!)) this.#entries++;
      }
      bucket.touched = Math.max(bucket.touched, chunk.touched);
      this.#touches = Math.max(this.#touches, chunk.touched);
      if (number >= bucket.chunks) {
        bucket.chunks = number + 1;
        bucket.last = chunk;
      }
    }
  }
}
