/** The risks in a real Redis: newest revision wins whatever the order, tenants do not meet, keys expire and are bounded. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { REDIS_RISK_RIGHTS, redisAclLine } from '#lib/reference/redis-acl.ts';
import { createRedisRisk, riskKey, type RedisRiskOptions } from '#lib/reference/redis-risk.ts';
import type { RiskEntry, RiskStore } from '#lib/risk/risk.ts';
import { entry } from '#lib/risk/test-entries.ts';
import { startRedis } from '../infrastructure/local.ts';

const redisUrl = inject('redisUrl');

describe.skipIf(redisUrl === null)('the risks in Redis', () => {
  const url = redisUrl as string;
  const stores: RiskStore[] = [];
  const admin = new Redis(url, { lazyConnect: true });
  beforeAll(() => admin.connect());
  afterAll(() => admin.disconnect());
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close();
  });

  async function open(options: Partial<RedisRiskOptions> = {}): Promise<{ store: RiskStore; keyPrefix: string }> {
    const keyPrefix = `test-${randomUUID()}`;
    const store = createRedisRisk({ url, keyPrefix, username: null, password: null, tls: null, connectTimeoutMs: 2_000, commandTimeoutMs: 2_000, expiryMs: 60_000, findingsPerSubjectMax: 32, ...options });
    stores.push(store);
    await expect.poll(() => store.ready).toBe(true);
    return { store, keyPrefix };
  }
  const byId = (entries: RiskEntry[]): RiskEntry[] => entries.toSorted((a, b) => (a.findingId < b.findingId ? -1 : 1));

  test('any order of revisions, with any repeats, leaves the newest of each finding, by session and by device', async () => {
    const { store } = await open();
    const revisions = fc.array(fc.record({ findingId: fc.constantFrom('a', 'b', 'c'), revision: fc.integer({ min: 1, max: 6 }) }), { minLength: 1, maxLength: 30 });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(revisions, async (drawn) => {
        const tenantId = `t-${run++}`;
        const entries = drawn.map(({ findingId, revision }) => entry({ findingId, revision, riskScore: revision * 10 }));
        await store.apply(entries.map((of) => ({ tenantId, entry: of })));
        const newest = new Map<string, RiskEntry>();
        for (const of of entries) if ((newest.get(of.findingId)?.revision ?? 0) < of.revision) newest.set(of.findingId, of);
        expect(byId(await store.entriesOf({ tenantId, sessionId: 's-1' }))).toEqual(byId([...newest.values()]));
        expect(byId(await store.entriesOf({ tenantId, deviceId: 'd-1' }))).toEqual(byId([...newest.values()]));
        expect(await store.apply(entries.map((of) => ({ tenantId, entry: of })))).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  test('no choice of names lets one tenant see what is known of another', async () => {
    const { store } = await open();
    const names = ['a', 'a}:risk:s:b', 'b}:risk:s:c', 'c', '{a}', 'a:risk', '%7D', '}', 'ä€😀', ':'];
    const pairs = names.flatMap((tenantId) => names.map((id) => ({ tenantId, id })));
    await store.apply(pairs.map(({ tenantId, id }, i) => ({ tenantId, entry: entry({ findingId: `f-${i}`, sessionId: id, deviceId: id }) })));
    for (const [i, { tenantId, id }] of pairs.entries()) {
      expect((await store.entriesOf({ tenantId, sessionId: id })).map(({ findingId }) => findingId)).toEqual([`f-${i}`]);
      expect((await store.entriesOf({ tenantId, deviceId: id })).map(({ findingId }) => findingId)).toEqual([`f-${i}`]);
    }
  });

  test('a key expires after its last revision, holds a bounded number of findings, and names no person', async () => {
    const { store, keyPrefix } = await open({ findingsPerSubjectMax: 3 });
    await store.apply([5, 1, 4, 2, 3].map((n) => ({ tenantId: 'acme', entry: entry({ findingId: `f-${n}`, windowEnd: n }) })));
    expect(byId(await store.entriesOf({ tenantId: 'acme', sessionId: 's-1' })).map(({ findingId }) => findingId)).toEqual(['f-3', 'f-4', 'f-5']);
    const key = riskKey(keyPrefix, 'acme', 's', 's-1');
    expect(await admin.pttl(key)).toBeGreaterThan(50_000);
    expect(Object.keys(JSON.parse((await admin.hget(key, 'f-5'))!) as object)).not.toContain('userId');
  });

  test('the rights that farhand topics --acls lists for it are enough, and each is needed', async () => {
    const keyPrefix = `test-${randomUUID()}`;
    const able = async (rights: readonly string[]): Promise<boolean> => {
      const [name, , , ...rules] = redisAclLine('risk-tester', keyPrefix, rights).split(' ').slice(1);
      await admin.call('ACL', 'SETUSER', name!, 'reset', 'on', '>pw', ...rules);
      const { store } = await open({ keyPrefix, username: 'risk-tester', password: () => 'pw', findingsPerSubjectMax: 1 });
      const tenantId = randomUUID();
      try {
        await store.apply([1, 2].map((n) => ({ tenantId, entry: entry({ findingId: `f-${n}`, windowEnd: n }) })));
        return (await store.entriesOf({ tenantId, sessionId: 's-1' })).length === 1;
      } catch {
        return false;
      }
    };
    expect(await able(REDIS_RISK_RIGHTS)).toBe(true);
    for (const right of REDIS_RISK_RIGHTS) expect(await able(REDIS_RISK_RIGHTS.filter((other) => other !== right)), right).toBe(false);
    await admin.call('ACL', 'DELUSER', 'risk-tester');
  });

  test('a Redis that is away is a retriable error at once, and it is found again', async () => {
    const local = await startRedis();
    const { store } = await open({ url: local.address, commandTimeoutMs: 300 });
    await store.apply([{ tenantId: 'acme', entry: entry() }]);
    await local.stop();
    await expect.poll(() => store.ready).toBe(false);
    await expect(store.entriesOf({ tenantId: 'acme', sessionId: 's-1' })).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE', retriable: true });
    await expect(store.apply([{ tenantId: 'acme', entry: entry() }])).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE' });
  });
});
