/** What only the Redis adapter of the reference port can do wrong: stale entries, outages, several writers. Real Redis. */
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { redisSectionSchema } from '#lib/kernel/config-sections.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { assignment, feedback, policy, request, seattle } from '#lib/reference/fixtures.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference, type RedisReference, type RedisReferenceOptions } from '#lib/reference/redis.ts';
import type { ReferenceAnswer, ReferenceStore } from '#lib/reference/port.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';

const redisUrl = inject('redisUrl');
const stores: RedisReference[] = [];

function open(url: string, options: Partial<RedisReferenceOptions> = {}): RedisReference {
  const store = createRedisReference({ url, keyPrefix: `test-${randomUUID()}`, ...options });
  stores.push(store);
  return store;
}

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close();
});

/** Answers out of the near cache are there at once; a fetch that is only looked at may fail when the store closes. */
function isWarm(answers: ReferenceAnswer[] | Promise<ReferenceAnswer[]>): answers is ReferenceAnswer[] {
  if (Array.isArray(answers)) return true;
  answers.catch(() => undefined);
  return false;
}

/** The invalidation of a write that the store has read already may still be on its way; it flushes once more. */
async function becomesWarm(store: ReferenceStore): Promise<void> {
  await expect
    .poll(async () => {
      await store.lookup([request(9)]);
      return isWarm(store.lookup([request(9)]));
    })
    .toBe(true);
}

describe.skipIf(redisUrl === null)('the near cache over Redis', () => {
  const url = redisUrl as string;
  const keyPrefix = `test-${randomUUID()}`;
  const admin = new Redis(url, { lazyConnect: true });

  beforeAll(() => admin.connect());
  afterAll(async () => {
    const keys = await admin.keys('test-*');
    if (keys.length > 0) await admin.del(...keys);
    admin.disconnect();
  });

  it('brings all misses of a batch in one round trip, and none when warm', async () => {
    const prefix = `${keyPrefix}-a`;
    const store = open(url, { keyPrefix: prefix, findingIdOf: (tenant, session) => `${tenant} ${session}` });
    // By another client: the invalidations of own writes may arrive while the first lookup is under way.
    await open(url, { keyPrefix: prefix }).apply([...Array(300).keys()].map((i) => assignment(`d${i}`, 1, { tenantId: `t${i % 7}` })));
    const batch = [...Array(3000).keys()].map((i) => request(2, { tenantId: `t${i % 7}`, deviceId: `d${i % 300}`, sessionId: `s${i % 500}` }));
    const cold = store.lookup(batch);
    expect(isWarm(cold)).toBe(false);
    const answers = await cold;
    expect(store.stats).toMatchObject({ fetches: 1, lookups: 3000, misses: 3000 });
    expect(answers.filter((answer) => answer.assignment !== null).length).toBeGreaterThan(0);
    const warm = store.lookup(batch);
    expect(isWarm(warm)).toBe(true);
    expect(warm).toEqual(answers);
    expect(store.stats.fetches).toBe(1);
  });

  it("sees another client's writes: of known devices, of unknown ones, feedback, vantages and policies", async () => {
    const [store, other] = [open(url, { keyPrefix }), open(url, { keyPrefix })];
    const ask = async () => (await store.lookup([request(500), request(500, { deviceId: 'unknown' })])).map((a) => [a.assignment?.validFrom ?? null, a.vantage?.name ?? null, a.feedback?.verdict ?? null]);
    await other.apply([assignment('laptop', 100)]);
    expect(await ask()).toEqual([[100, null, null], [null, null, null]]);
    expect((await store.policies('acme', 0)).size).toBe(0);
    expect(isWarm(store.lookup([request(500)]))).toBe(true);
    await other.apply([assignment('laptop', 200), assignment('unknown', 1), seattle, feedback({ sessionId: 'session' }, 7), policy('10.0.0.0/8', 'BLOCKED')]);
    await expect.poll(ask).toEqual([[200, 'Seattle', 'BENIGN'], [1, 'Seattle', 'BENIGN']]);
    await expect.poll(async () => (await store.policies('acme', 0)).size).toBe(1);
    expect(store.stats.invalidations).toBeGreaterThanOrEqual(4);
  });

  it('leaves other tenants warm when one tenant changes, and all of them when what is written is known', async () => {
    const [store, other] = [open(url, { keyPrefix: `${keyPrefix}-b` }), open(url, { keyPrefix: `${keyPrefix}-b` })];
    const records = [assignment('laptop', 1), assignment('laptop', 1, { tenantId: 'rival' })];
    await other.apply(records);
    await store.lookup([request(5), request(5, { tenantId: 'rival' })]);
    await other.apply(records);
    expect(other.stats.unchanged).toBe(2);
    await other.apply([assignment('laptop', 2, { tenantId: 'rival' })]);
    await expect.poll(() => isWarm(store.lookup([request(5, { tenantId: 'rival' })]))).toBe(false);
    expect(isWarm(store.lookup([request(5)]))).toBe(true);
  });

  it('keeps to its bound', async () => {
    const store = open(url, { nearCacheEntriesMax: 200 });
    for (let i = 0; i < 1000; i += 100) {
      await store.lookup([...Array(100).keys()].map((j) => request(1, { deviceId: `d${i + j}`, sessionId: `s${i + j}` })));
      expect(store.nearCacheEntries).toBeLessThanOrEqual(200);
    }
    expect(store.nearCacheEntries).toBeGreaterThan(50);
  });

  it('loses nothing when several workers write the same fields at the same time', async () => {
    const prefix = `${keyPrefix}-c`;
    const writers = [1, 2, 3].map(() => open(url, { keyPrefix: prefix }));
    const times = [...Array(10).keys()];
    await Promise.all(writers.map(async (writer, w) => {
      for (const time of times) await writer.apply(['a', 'b', 'c'].map((device) => assignment(device, 10 * time + w)));
    }));
    const store = open(url, { keyPrefix: prefix });
    const wanted = times.flatMap((time) => [0, 1, 2].map((w) => 10 * time + w));
    const answers = await store.lookup(wanted.map((at) => request(at, { deviceId: 'b' })));
    expect(answers.map((answer) => answer.assignment?.validFrom)).toEqual(wanted);
  });

  it('never answers a version older than one whose write was over when the question was asked, but for the way of the message', async () => {
    const [store, other] = [open(url, { keyPrefix: `${keyPrefix}-d` }), open(url, { keyPrefix: `${keyPrefix}-d` })];
    const current = async () => (await store.lookup([request(1e6)]))[0]?.assignment?.validFrom ?? 0;
    for (let version = 1; version <= 200; version++) {
      // Reads are under way while the write lands: their replies may be old, and must not stay.
      const reads = [current(), current()];
      await other.apply([assignment('laptop', version)]);
      await Promise.all(reads);
      await expect.poll(current, { interval: 1 }).toBe(version);
    }
  });

  it('flushes when the connection that brings invalidations is lost, and goes on', async () => {
    const prefix = `${keyPrefix}-e`;
    const [store, other] = [open(url, { keyPrefix: prefix }), open(url, { keyPrefix: prefix })];
    await other.apply([assignment('laptop', 1)]);
    await store.lookup([request(9)]);
    expect(isWarm(store.lookup([request(9)]))).toBe(true);
    const clients = (await admin.client('LIST')) as string;
    for (const line of clients.split('\n').filter((client) => client.includes('name=farhand-invalidations'))) {
      await admin.client('KILL', 'ID', Number(/id=(\d+)/.exec(line)?.[1]));
    }
    await expect.poll(() => store.stats.flushes).toBe(1);
    await other.apply([assignment('laptop', 2)]);
    expect((await store.lookup([request(9)]))[0]?.assignment?.validFrom).toBe(2);
    await becomesWarm(store);
    await other.apply([assignment('laptop', 3)]);
    await expect.poll(async () => (await store.lookup([request(9)]))[0]?.assignment?.validFrom).toBe(3);
  });

  it('says so when a key holds what Farhand never wrote', async () => {
    const prefix = `${keyPrefix}-f`;
    const store = open(url, { keyPrefix: prefix });
    await admin.hset(`${prefix}:{acme}:assignments`, 'laptop', '{"broken":');
    await expect(store.lookup([request(1)])).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_CORRUPT', retriable: false });
    await admin.set(`${prefix}:{rival}:assignments`, 'no hash');
    await expect(store.lookup([request(1, { tenantId: 'rival' })])).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_CORRUPT' });
    expect((await store.lookup([request(1, { tenantId: 'third' })]))[0]?.assignment).toBeNull();
  });

  it('with requireLoaded, takes an empty Redis for one that must be loaded, not for a fleet without devices', async () => {
    const prefix = `${keyPrefix}-h`;
    let asked = 0;
    const store = open(url, { keyPrefix: prefix, requireLoaded: true, onNotLoaded: () => asked++ });
    const loader = open(url, { keyPrefix: prefix });
    await expect(store.lookup([request(9)])).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE', retriable: true });
    await expect(store.policies('acme', 9)).rejects.toMatchObject({ retriable: true });
    const loading = await loader.beginLoading();
    await loader.apply([assignment('laptop', 1), policy('10.0.0.0/8', 'BLOCKED')]);
    await expect(store.lookup([request(9)])).rejects.toThrow(/holds no reference data yet/);
    expect(asked).toBe(3);
    expect(await loader.markLoaded(loading)).toBe(true);
    expect((await store.lookup([request(9)]))[0]?.assignment?.validFrom).toBe(1);
    expect((await store.policies('acme', 9)).size).toBe(1);
    await becomesWarm(store);
    await admin.del(...(await admin.keys(`${prefix}*`)));
    await expect.poll(() => store.nearCacheEntries).toBeLessThanOrEqual(2); // a vantage and feedback that never were
    await expect(store.lookup([request(9)])).rejects.toThrow(/holds no reference data yet/);
    expect(store.stats.unavailable).toBe(4);
  });

  it('lost in the middle of a load: it is not marked as loaded, whoever else loads at the time', async () => {
    const prefix = `${keyPrefix}-i`;
    const [store, loader, other] = [open(url, { keyPrefix: prefix, requireLoaded: true }), open(url, { keyPrefix: prefix }), open(url, { keyPrefix: prefix })];
    const [half, abandoned] = [await loader.beginLoading(), await other.beginLoading()];
    await loader.apply([assignment('laptop', 1)]);
    await admin.del(...(await admin.keys(`${prefix}*`)));
    const whole = await other.beginLoading();
    expect(await loader.markLoaded(half)).toBe(false);
    await expect(store.lookup([request(9)])).rejects.toThrow(/holds no reference data yet/);
    await other.apply([assignment('laptop', 1)]);
    expect(await other.markLoaded(whole)).toBe(true);
    expect((await store.lookup([request(9)]))[0]?.assignment?.validFrom).toBe(1);
    expect(await other.markLoaded(abandoned)).toBe(false);
    expect(await admin.keys(`${prefix}*loading*`)).toEqual([]);
  });

  it('opens out of the configuration', async () => {
    const store = open(url, { ...redisOptionsOf(redisSectionSchema.parse({ url })), keyPrefix: `${keyPrefix}-g` });
    expect(await store.lookup([request(1)])).toEqual([{ assignment: null, vantage: null, feedback: null }]);
  });
});

describe('Redis that goes away', () => {
  let redis: LocalProgram | null = null;
  const bounds = { waitMsMax: 300, commandTimeoutMs: 300, heartbeatMs: 50 };

  beforeAll(async () => {
    try {
      redis = await startRedis();
    } catch (error) {
      if (process.env['CI'] === 'true') throw error;
      console.error(`reference contract: NO LOCAL REDIS, outages are not tested: ${(error as Error).message}`);
    }
  });
  afterAll(() => redis?.stop());

  /** The outcome of one lookup and how long it took, ms. */
  async function outcome(store: RedisReference): Promise<{ answer: number | null | 'unavailable'; ms: number }> {
    const began = systemClock.monotonicMs();
    const elapsed = () => systemClock.monotonicMs() - began;
    try {
      const answers = await store.lookup([request(9), request(9, { deviceId: `d${began}` })]);
      return { answer: answers[0]?.assignment?.validFrom ?? null, ms: elapsed() };
    } catch (error) {
      expect(error).toBeInstanceOf(FarhandError);
      expect(error).toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE', retriable: true });
      return { answer: 'unavailable', ms: elapsed() };
    }
  }

  it('killed in the middle: retriable errors, bounded waits, and no stale entry after the restart', async (context) => {
    if (redis === null) return context.skip();
    let unavailable = 0;
    const ready: boolean[] = [];
    const store = open(redis.address, { ...bounds, onUnavailable: () => unavailable++, onReady: (now) => ready.push(now) });
    await store.apply([assignment('laptop', 1)]);
    expect((await outcome(store)).answer).toBe(1);
    const outcomes: Awaited<ReturnType<typeof outcome>>[] = [];
    let done = false;
    const asking = (async () => {
      while (!done) {
        outcomes.push(await outcome(store));
        await systemClock.sleep(1);
      }
    })();
    await systemClock.sleep(50);
    redis.process.kill('SIGKILL');
    await systemClock.sleep(1_000);
    const port = Number(new URL(redis.address).port);
    await redis.stop();
    redis = await startRedis(port);
    // The new server is empty: whoever still says 1 says it out of a stale entry.
    await expect.poll(() => outcomes.at(-1)?.answer, { timeout: 5_000 }).toBeNull();
    await store.apply([assignment('laptop', 2)]);
    await expect.poll(() => outcomes.at(-1)?.answer).toBe(2);
    done = true;
    await asking;
    const said = outcomes.map(({ answer }) => answer).filter((answer, i, all) => answer !== all[i - 1]);
    expect(said).toEqual([1, 'unavailable', null, 2]);
    expect(Math.max(...outcomes.map(({ ms }) => ms))).toBeLessThan(bounds.waitMsMax + bounds.commandTimeoutMs + 400);
    expect(unavailable).toBe(outcomes.filter(({ answer }) => answer === 'unavailable').length);
    expect(store.stats.unavailable).toBe(unavailable);
    expect(store.stats.flushes).toBeGreaterThanOrEqual(1);
    expect(ready, 'one loss, one return').toEqual([true, false, true]);
  });

  it('hanging: even known entries stop being answered, and come back when it goes on', async (context) => {
    if (redis === null) return context.skip();
    const store = open(redis.address, bounds);
    await store.apply([assignment('laptop', 1)]);
    await expect.poll(() => isWarm(store.lookup([request(9)]))).toBe(true);
    redis.process.kill('SIGSTOP');
    try {
      await expect.poll(() => store.nearCacheEntries, { timeout: 2_000, interval: 20 }).toBe(0);
      expect((await outcome(store)).answer).toBe('unavailable');
    } finally {
      redis.process.kill('SIGCONT');
    }
    await expect.poll(async () => (await outcome(store)).answer, { timeout: 5_000 }).toBe(1);
  });

  it('not there at the start: retriable error, a name in the message, and a later start is enough', async (context) => {
    if (redis === null) return context.skip();
    const port = Number(new URL(redis.address).port);
    await redis.stop();
    const store = open(redis.address, bounds);
    await expect(store.apply([seattle])).rejects.toThrow(new RegExp(`Redis at 127.0.0.1:${port}: .*ECONNREFUSED`));
    await expect(store.policies('acme', 0)).rejects.toMatchObject({ retriable: true });
    redis = await startRedis(port);
    await expect.poll(() => store.ready, { timeout: 5_000 }).toBe(true);
    await store.apply([seattle]);
    expect((await store.lookup([request(1)]))[0]?.vantage).toEqual(seattle);
  });
});
