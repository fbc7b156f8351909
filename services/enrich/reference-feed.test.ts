import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { assignment, request, seattle } from '#lib/reference/fixtures.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { startReferenceFeed, type ReferenceFeed, type ReferenceFeedParts } from './reference-feed.ts';

const TOPICS = ['reference.devices', 'reference.vantages'];
const ERASURES = 'farhand.erasures.v1';
const [DEVICES, VANTAGES] = TOPICS as [string, string];
const pseudonymiser = createPseudonymiser({ pseudonyms: { acme: { keyId: 'k', keyHex: '00112233445566778899aabbccddeeff' } } });
const pseudonym = (userId: string) => pseudonymiser.userId('acme', userId);

const outgoing = (topic: string, record: ReferenceRecord | Buffer | null) => ({
  topic, partition: 0, key: Buffer.from('k'), value: record === null || Buffer.isBuffer(record) ? record : encodeFramed(record.type, record), timestampMs: 1,
});

/** Loses everything when told, as Redis without persistence does when it is restarted. */
class LosingStore {
  #inner = createMemoryReference();
  readonly #marks = new Set<string>();
  #loads = 0;
  /** Told after every `apply`. */
  onApplied: () => void = () => undefined;
  filled = false;
  away = 0;

  forget(...of: Parameters<ReturnType<typeof createMemoryReference>['forget']>): number | Promise<number> {
    return this.#inner.forget(...of);
  }

  lose(): void {
    this.#inner = createMemoryReference();
    this.#marks.clear();
    this.filled = false;
  }

  async apply(records: readonly ReferenceRecord[]): Promise<void> {
    await Promise.resolve();
    this.#inner.apply(records);
    this.onApplied();
  }

  async beginLoading(): Promise<string> {
    await Promise.resolve();
    if (this.away-- > 0) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'away');
    const mark = String(this.#loads++);
    this.#marks.add(mark);
    return mark;
  }

  async markLoaded(mark: string): Promise<boolean> {
    await Promise.resolve();
    if (!this.#marks.delete(mark)) return false;
    return (this.filled = true);
  }

  users(): (string | undefined)[] {
    return this.#inner.lookup([request(5), request(5, { tenantId: 'rival' })]).map((answer) => answer.assignment?.userId);
  }
}

describe('the feed of reference data', () => {
  let log: MemoryLog;
  let stop: AbortController;
  let feed: ReferenceFeed | null;
  let store: LosingStore;
  const undecodable: (string | number)[][] = [];
  const counts = { retries: 0, loaded: 0, lost: 0 };

  function run(more: Partial<ReferenceFeedParts> = {}): ReferenceFeed {
    return (feed = startReferenceFeed({
      log, topics: TOPICS, erasures: ERASURES, decoder: avroRecordDecoder({ names: REFERENCE_RECORDS }), reference: store, pseudonymiser, clock: systemClock, signal: stop.signal,
      onUndecodable: ({ offset }, reason) => void undecodable.push([offset, reason]),
      onRetry: () => counts.retries++,
      onLoaded: () => counts.loaded++,
      onLost: () => counts.lost++,
      ...more,
    }));
  }

  beforeEach(async () => {
    [log, stop, feed, store] = [createMemoryLog(), new AbortController(), null, new LosingStore()];
    Object.assign(counts, { retries: 0, loaded: 0, lost: 0 });
    undecodable.length = 0;
    await log.admin.create([...TOPICS, ERASURES].map((name) => ({ name, partitions: 1, settings: {} })), 1);
    await log.append([
      outgoing(DEVICES, assignment('laptop', 1, { userId: 'ada' })),
      outgoing(DEVICES, assignment('laptop', 1, { tenantId: 'rival', userId: 'ada' })),
      outgoing(DEVICES, null),
      outgoing(DEVICES, Buffer.from('?')),
      outgoing(VANTAGES, seattle),
    ]);
  });
  afterEach(async () => {
    stop.abort();
    await feed?.ended;
  });

  it('brings the topics into the store, with the users named as the events name them', async () => {
    await run().loaded;
    expect(store.users()).toEqual([pseudonym('ada'), 'ada']);
    expect(undecodable).toEqual([[3, 'UNDECODABLE']]);
    await log.append([outgoing(DEVICES, assignment('laptop', 2, { userId: 'grace' }))]);
    await expect.poll(() => store.users()).toEqual([pseudonym('grace'), 'ada']);
    expect(counts).toEqual({ retries: 0, loaded: 1, lost: 0 });
  });

  it('forgets whom a request names, and does not learn them again from what is older, not even after a loss', async () => {
    const running = run();
    await running.loaded;
    const request = { requestId: 'r', tenantId: 'acme', userId: pseudonym('ada'), requestedAt: 1_000 };
    await log.append([{ topic: ERASURES, partition: 0, key: null, value: Buffer.from(JSON.stringify(request)), timestampMs: 1_000 }]);
    await expect.poll(() => store.users()).toEqual([undefined, 'ada']);
    store.lose();
    running.reload();
    await expect.poll(() => running.isLoaded).toBe(true);
    expect(store.users()).toEqual([undefined, 'ada']);
    const later = outgoing(DEVICES, assignment('laptop', 2, { userId: 'ada' }));
    await log.append([{ ...later, timestampMs: 2_000 }]);
    await expect.poll(() => store.users()).toEqual([pseudonym('ada'), 'ada']);
  });

  it('feeds a store in memory, which has nothing to lose', async () => {
    const reference = createMemoryReference();
    await run({ reference }).loaded;
    expect(reference.lookup([request(5)])[0]?.vantage).toEqual(seattle);
  });

  it('fills a store again that has lost everything, once for all who ask, and goes on following', async () => {
    const running = run();
    await running.loaded;
    store.lose();
    for (let i = 0; i < 5; i++) running.reload();
    expect(running.isLoaded).toBe(false);
    await expect.poll(() => running.isLoaded).toBe(true);
    expect(store.filled).toBe(true);
    expect(store.users()).toEqual([pseudonym('ada'), 'ada']);
    expect(counts).toEqual({ retries: 0, loaded: 2, lost: 1 });
    await log.append([outgoing(DEVICES, assignment('laptop', 2, { userId: 'grace' }))]);
    await expect.poll(() => store.users()).toEqual([pseudonym('grace'), 'ada']);
  });

  it('lost in the middle of a load, the store counts as filled only after a whole one', async () => {
    let applied = 0;
    store.onApplied = () => {
      if (++applied === 1 || applied === 3) store.lose();
    };
    await run().loaded;
    expect(store.filled).toBe(true);
    expect(store.users()).toEqual([pseudonym('ada'), 'ada']);
    expect(counts.lost).toBe(2);
  });

  it('waits for a store that is away, and ends while it waits', async () => {
    store.away = 1;
    await run().loaded;
    expect(counts.retries).toBe(1);
    store.away = Infinity;
    feed!.reload();
    await expect.poll(() => counts.retries).toBeGreaterThan(1);
    stop.abort();
    await feed!.ended;
    expect(feed!.isLoaded).toBe(false);
    expect(counts.loaded, 'only the first load was whole').toBe(1);
  });

  it('ended before the store came, it was never loaded', async () => {
    store.away = Infinity;
    run();
    await expect.poll(() => counts.retries).toBeGreaterThan(0);
    stop.abort();
    await feed!.ended;
    expect(counts.loaded).toBe(0);
  });
});
