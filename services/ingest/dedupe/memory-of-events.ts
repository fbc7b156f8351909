/**
 * Which events a task has seen: hash sets per event-time bucket, bounded in buckets and entries, and mirrored in the
 * task's state so that a restored task goes on where the last commit ended.
 *
 * A repeat carries the same observedAt, so it falls into the bucket of the first; the two neighbours are looked at as
 * well, for senders that stamp a repeat anew. Forgetting goes by use, not by time: one hostile clock that names the
 * year 2099 makes one small bucket and pushes nothing out.
 */
import type { KeyedStore, TaskState } from '#lib/state/state.ts';
import { Bucket } from './bucket.ts';
import { CHUNK_ENTRIES_MAX, chunkCodec, chunkKey, emptyChunk, parseChunkKey, type Chunk } from './chunk.ts';
import { hashEventId, type Hash64 } from './event-hash.ts';

export interface EventMemoryLimits {
  readonly duplicateBucketMs: number;
  readonly duplicateBucketsMax: number;
  readonly duplicateEntriesMax: number;
}

/** Batches without a question after which a bucket rests. */
const RESTS_AFTER = 16;

interface Around {
  readonly start: number;
  readonly own: Bucket | undefined;
  readonly before: Bucket | undefined;
  readonly after: Bucket | undefined;
}

export class EventMemory {
  readonly #limits: EventMemoryLimits;
  readonly #store: KeyedStore<Chunk>;
  readonly #buckets = new Map<number, Bucket>();
  readonly #hash: Hash64 = { high: 0, low: 0 };
  readonly #dirty: Bucket[] = [];
  #batch = 0;
  /** The buckets that the last event was looked for in: nearly always those of the next. Null where they may have changed. */
  #around: Around | null = null;
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
    let around = this.#around;
    // A division costs more than all the rest of this.
    if (around === null || observedAt < around.start || observedAt >= around.start + width) around = this.#lookAround(observedAt);
    const { start, own, before, after } = around;
    if (this.#isIn(own, hash) || this.#isIn(before, hash) || this.#isIn(after, hash)) return false;
    const bucket = own ?? this.#open(start);
    while (this.#entries >= duplicateEntriesMax && this.#forgetStalest(bucket));
    bucket.note(hash.high, hash.low);
    this.#entries++;
    this.#append(bucket, hash);
    return true;
  }

  #lookAround(observedAt: number): Around {
    const { duplicateBucketMs: width } = this.#limits;
    const start = observedAt - (observedAt % width);
    return (this.#around = { start, own: this.#buckets.get(start), before: this.#buckets.get(start - width), after: this.#buckets.get(start + width) });
  }

  #isIn(bucket: Bucket | undefined, { high, low }: Hash64): boolean {
    if (bucket === undefined) return false;
    bucket.asked = this.#batch;
    return bucket.has(high, low);
  }

  #append(bucket: Bucket, hash: Hash64): void {
    let chunk = bucket.last;
    if (chunk === null || chunk.count === CHUNK_ENTRIES_MAX) {
      if (bucket.dirty) this.#save(bucket);
      bucket.chunks.push((chunk = emptyChunk()));
    }
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
    if (++this.#batch % RESTS_AFTER === 0) for (const bucket of this.#buckets.values()) if (!bucket.rests && bucket.asked < this.#batch - RESTS_AFTER) bucket.rest();
  }

  #save(bucket: Bucket): void {
    this.#store.set(chunkKey(bucket.start, bucket.chunks.length - 1), bucket.last!);
  }

  #open(start: number): Bucket {
    while (this.#buckets.size >= this.#limits.duplicateBucketsMax && this.#forgetStalest(null));
    const bucket = new Bucket(start);
    bucket.asked = this.#batch;
    this.#buckets.set(start, bucket);
    this.#around = null;
    return bucket;
  }

  /** Forgets the bucket that was touched longest ago, other than `kept`; false where there is none. */
  #forgetStalest(kept: Bucket | null): boolean {
    let stalest: Bucket | null = null;
    for (const bucket of this.#buckets.values()) {
      if (bucket !== kept && (stalest === null || bucket.touched < stalest.touched)) stalest = bucket;
    }
    if (stalest === null) return false;
    for (let i = 0; i < stalest.chunks.length; i++) this.#store.delete(chunkKey(stalest.start, i));
    this.#entries -= stalest.entries;
    this.#buckets.delete(stalest.start);
    this.#around = null;
    this.#forgottenBuckets++;
    return true;
  }

  /** On first use, because the host fills the store after the topology is built. */
  #restore(): void {
    this.#restored = true;
    const found = [...this.#store.entries()].map(([key, chunk]) => ({ ...parseChunkKey(key), entries: chunk }));
    for (const { bucket: start, entries: chunk } of found.sort((a, b) => a.chunk - b.chunk)) {
      let bucket = this.#buckets.get(start);
      if (bucket === undefined) this.#buckets.set(start, (bucket = new Bucket(start)));
      for (let i = 0; i < chunk.count; i++) if (bucket.note(chunk.hashes[i * 2]!, chunk.hashes[i * 2 + 1]!)) this.#entries++;
      bucket.touched = Math.max(bucket.touched, chunk.touched);
      this.#touches = Math.max(this.#touches, chunk.touched);
      bucket.chunks.push(chunk);
    }
  }
}
