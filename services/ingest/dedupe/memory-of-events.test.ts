import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createCapturedState, createMemoryState } from '#lib/state/memory.ts';
import { CHUNK_ENTRIES_MAX, chunkCodec, emptyChunk } from './chunk.ts';
import { hashEventId } from './event-hash.ts';
import { HashSet64 } from './hash-set.ts';
import { EventMemory } from './memory-of-events.ts';

const HOUR = 3_600_000;
const limits = { duplicateBucketMs: HOUR, duplicateBucketsMax: 72, duplicateEntriesMax: 1_000_000 };
const hex = (tenant: string, id: string) => {
  const hash = { high: 0, low: 0 };
  hashEventId(tenant, id, hash);
  return hash.high.toString(16).padStart(8, '0') + hash.low.toString(16).padStart(8, '0');
};

describe('the hash of an event id', () => {
  it('never changes meaning, because changelogs hold it', () => {
    expect(hex('acme', 'e-1')).toBe(HASH_OF_ACME_E1);
    expect(hex('', '')).toBe(HASH_OF_NOTHING);
  });

  it('tells the border between tenant and event, and spreads 300,000 numbered ids without a collision', () => {
    expect(hex('a', 'bc')).not.toBe(hex('ab', 'c'));
    const seen = new Set<string>();
    for (let i = 0; i < 300_000; i++) seen.add(hex('acme', `event-${i}`));
    expect(seen.size).toBe(300_000);
  });
});

const HASH_OF_ACME_E1 = 'e5c5be88d5215133';
const HASH_OF_NOTHING = '37afb4e9267ece0d';

describe('the set of hashes', () => {
  it('answers as a Set does', () => {
    const half = fc.oneof(fc.constantFrom(0, 1, 2, 0xffffffff), fc.integer({ min: 0, max: 0xffffffff }));
    fc.assert(
      fc.property(fc.array(fc.tuple(half, half), { maxLength: 600 }), (pairs) => {
        const set = new HashSet64();
        const model = new Set<string>();
        for (const [high, low] of pairs) {
          const name = high === 0 && low === 0 ? '0,1' : `${high},${low}`; // the empty mark shares the place of 0,1
          expect(set.add(high, low)).toBe(!model.has(name));
          model.add(name);
          expect(set.has(high, low)).toBe(true);
        }
        expect(set.size).toBe(model.size);
      }),
      { examples: [[[[0, 0], [0, 1]]], [[[0, 1], [0, 0]]], [[[0, 0], ...Array.from({ length: 400 }, (_, i): [number, number] => [7, i + 2]), [0, 1], [0, 0]]]] },
    );
  });
});

describe('the memory of events', () => {
  it('knows a repeat, also one with a shifted time in the next bucket', () => {
    const memory = new EventMemory(createMemoryState(), limits);
    expect(memory.isFirst('acme', 'a', 10 * HOUR)).toBe(true);
    expect(memory.isFirst('acme', 'a', 10 * HOUR)).toBe(false);
    expect(memory.isFirst('acme', 'a', 11 * HOUR)).toBe(false);
    expect(memory.isFirst('acme', 'a', 9 * HOUR + 1)).toBe(false);
    expect(memory.isFirst('other', 'a', 10 * HOUR)).toBe(true);
    expect(memory.entries).toBe(2);
  });

  it('stays within its bounds and forgets what was touched longest ago, whatever a hostile clock says', () => {
    const memory = new EventMemory(createMemoryState(), { ...limits, duplicateBucketsMax: 3, duplicateEntriesMax: 10 });
    for (const hour of [100, 900_000, 102]) memory.isFirst('t', `first-${hour}`, hour * HOUR);
    memory.isFirst('t', 'again', 100 * HOUR);
    memory.isFirst('t', 'new', 104 * HOUR); // pushes out the year 2072, not the hour in use
    expect(memory.buckets).toBe(3);
    expect(memory.isFirst('t', 'first-100', 100 * HOUR)).toBe(false);
    for (let i = 0; i < 100; i++) memory.isFirst('t', `n-${i}`, 104 * HOUR);
    expect(memory.buckets).toBe(1);
    for (let i = 0; i < 100; i++) memory.isFirst('t', `m-${i}`, (200 + i) * HOUR);
    expect(memory.entries).toBeLessThanOrEqual(10);
    expect(memory.forgottenBuckets).toBeGreaterThan(90);
  });

  it('goes on after a restore exactly as if nothing had happened', () => {
    const event = fc.record({ id: fc.integer({ min: 0, max: 1500 }), hour: fc.integer({ min: 0, max: 4 }), commit: fc.boolean() });
    const small = { ...limits, duplicateBucketsMax: 3, duplicateEntriesMax: 900 };
    fc.assert(
      fc.property(fc.array(event, { maxLength: 1500, minLength: 100 }), fc.array(event, { maxLength: 200 }), (before, after) => {
        const state = createCapturedState();
        const memory = new EventMemory(state, small);
        const restoredState = createCapturedState();
        const copy = () => state.drainChanges(({ store, key, value }) => restoredState.restore(store, key, value));
        for (const { id, hour, commit } of before) {
          memory.isFirst('t', String(id), hour * HOUR);
          if (commit) {
            memory.endBatch();
            copy();
          }
        }
        memory.endBatch();
        copy();
        const restored = new EventMemory(restoredState, small);
        for (const { id, hour } of after) {
          expect(restored.isFirst('t', String(id), hour * HOUR)).toBe(memory.isFirst('t', String(id), hour * HOUR));
        }
      }),
      { numRuns: 60 },
    );
  });

  it('writes at a commit what is new and one part-filled chunk, not the whole set', () => {
    const state = createCapturedState();
    const memory = new EventMemory(state, limits);
    const bytesOfCommit = () => {
      let bytes = 0;
      state.drainChanges(({ value }) => (bytes += value?.byteLength ?? 0));
      return bytes;
    };
    for (let i = 0; i < 100_000; i++) memory.isFirst('t', `old-${i}`, HOUR);
    memory.endBatch();
    expect(bytesOfCommit()).toBeGreaterThan(800_000);
    for (let i = 0; i < 1000; i++) memory.isFirst('t', `new-${i}`, HOUR);
    memory.endBatch();
    expect(bytesOfCommit()).toBeLessThanOrEqual((1000 + 2 * CHUNK_ENTRIES_MAX) * 8 + 100);
    memory.isFirst('t', 'new-1', HOUR);
    memory.endBatch();
    expect(bytesOfCommit()).toBe(0);
  });

  it('encodes a chunk to the same chunk', () => {
    const chunk = emptyChunk();
    chunk.touched = 77;
    chunk.count = 2;
    chunk.hashes.set([1, 2, 0xffffffff, 4]);
    expect(chunkCodec.decode(chunkCodec.encode(chunk))).toEqual(chunk);
  });
});
