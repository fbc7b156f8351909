/** One suite over both adapters of lib/reference/port.ts: memory, and Redis (real) with its near cache. */
import { Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { assignment, feedback, policy, request, seattle } from '#lib/reference/fixtures.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import type { FindingNamer, ReferenceStore } from '#lib/reference/port.ts';
import { createRedisReference } from '#lib/reference/redis.ts';
import type { ReferenceRecord } from '#schemas/records.ts';

const redisUrl = inject('redisUrl');
const findingIdOf: FindingNamer = (tenantId, sessionId, ordinal) => `finding ${ordinal} of ${tenantId}/${sessionId}`;

interface Adapter {
  readonly name: string;
  readonly open: (prefix: string) => ReferenceStore & { close?: () => Promise<void> };
  readonly skip: boolean;
}

const adapters: Adapter[] = [
  { name: 'memory', open: () => createMemoryReference({ findingIdOf }), skip: false },
  {
    name: 'redis',
    open: (keyPrefix) => createRedisReference({ url: redisUrl ?? '', keyPrefix, findingIdOf, waitMsMax: 5_000 }),
    skip: redisUrl === null,
  },
];

describe.each(adapters)('reference store: $name', ({ open, skip }) => {
  const stores: (ReferenceStore & { close?: () => Promise<void> })[] = [];
  const keyPrefix = `test-${randomUUID()}`;
  let number = 0;

  /** A store of its own that knows `records`. */
  async function storeWith(...records: ReferenceRecord[]): Promise<ReferenceStore> {
    const store = open(`${keyPrefix}-${++number}`);
    stores.push(store);
    await store.apply(records);
    return store;
  }

  afterAll(async () => {
    for (const store of stores) await store.close?.();
    if (skip) return;
    const redis = new Redis(redisUrl as string);
    const keys = await redis.keys(`${keyPrefix}*`);
    if (keys.length > 0) await redis.del(...keys);
    redis.disconnect();
  });

  it.skipIf(skip)('answers unknown as null, never drops a request', async () => {
    const store = await storeWith();
    expect(await store.lookup([request(5), request(6)])).toEqual(Array(2).fill({ assignment: null, vantage: null, feedback: null }));
    expect(await store.lookup([])).toEqual([]);
    expect((await store.policies('acme', 0)).match('10.0.0.1')).toBeNull();
  });

  it.skipIf(skip)('answers the version that held at the time of the event, in the order of the requests', async () => {
    const store = await storeWith(
      assignment('laptop', 300),
      assignment('laptop', 100, { validTo: 200 }),
      assignment('other', 0),
      assignment('laptop', 0, { tenantId: 'rival', userId: 'theirs' }),
      seattle,
    );
    const times = [350, 99, 100, 200, 199, 300];
    const ask = () => store.lookup([...times.map((at) => request(at)), request(5, { deviceId: 'other' }), request(5, { tenantId: 'rival' })]);
    for (const answers of [await ask(), await ask()]) {
      expect(answers.map((answer) => answer.assignment?.validFrom ?? null)).toEqual([300, null, 100, null, 100, 300, 0, 0]);
      expect(answers[0]?.assignment).toEqual(assignment('laptop', 300));
      expect(answers[7]?.assignment?.userId).toBe('theirs');
      expect(answers.every((answer) => answer.vantage?.name === 'Seattle')).toBe(true);
    }
    expect((await store.lookup([request(0, { vantageId: 'nowhere' })]))[0]?.vantage).toBeNull();
  });

  it.skipIf(skip)('gives the same answers after the topics are read again, in any order', async () => {
    const records = [assignment('laptop', 100), assignment('laptop', 300), seattle, policy('10.0.0.0/8', 'BLOCKED'), feedback({ sessionId: 'session' }, 50)];
    const store = await storeWith(...records);
    const ask = async () => [await store.lookup([request(99), request(150), request(400)]), (await store.policies('acme', 0)).match('10.1.1.1')];
    const first = await ask();
    await store.apply(records);
    await store.apply(records.toReversed());
    expect(await ask()).toEqual(first);
  });

  it.skipIf(skip)('lets a correction and a new version take effect at once', async () => {
    const store = await storeWith(assignment('laptop', 100));
    expect((await store.lookup([request(500)]))[0]?.assignment?.validFrom).toBe(100);
    await store.apply([assignment('laptop', 100, { userId: 'corrected' }), assignment('laptop', 600)]);
    await expect.poll(async () => (await store.lookup([request(500), request(600)])).map((a) => a.assignment?.userId)).toEqual([
      'corrected',
      'user of laptop from 600',
    ]);
  });

  it.skipIf(skip)('finds feedback by session and by any finding of the session, as it stood', async () => {
    const store = await storeWith(
      feedback({ sessionId: 'session' }, 100, 'BENIGN'),
      feedback({ findingId: findingIdOf('acme', 'session', 1) }, 200, 'CONFIRMED'),
      feedback({ findingId: findingIdOf('acme', 'another', 1) }, 10, 'CONFIRMED'),
      feedback({ findingId: findingIdOf('acme', 'session', 3) }, 300, 'BENIGN'),
      { ...feedback({ sessionId: 'session' }, 0), sessionId: null },
    );
    const answers = await store.lookup([request(99), request(100), request(200), request(300), request(10, { sessionId: 'another' }), request(10, { tenantId: 'rival', sessionId: 'another' })]);
    expect(answers.map((answer) => answer.feedback?.verdict ?? null)).toEqual([null, 'BENIGN', 'CONFIRMED', 'BENIGN', 'CONFIRMED', null]);
  });

  it.skipIf(skip)('matches the most specific policy of the tenant; a change changes the generation, nothing else does', async () => {
    const store = await storeWith(
      policy('203.0.113.0/24', 'CORPORATE_EGRESS', { latitude: 40, longitude: -100 }),
      policy('203.0.113.64/26', 'BLOCKED'),
      policy('2001:db8::/32', 'TRUSTED_PARTNER'),
      policy('no range', 'BLOCKED'),
      policy('0.0.0.0/0', 'BLOCKED', { tenantId: 'rival' }),
    );
    const before = await store.policies('acme', 0);
    expect(before.size).toBe(3);
    expect(before.match('203.0.113.1')).toEqual({ kind: 'CORPORATE_EGRESS', cidr: '203.0.113.0/24', latitude: 40, longitude: -100 });
    expect(before.match('::ffff:203.0.113.70')?.kind).toBe('BLOCKED');
    expect(before.match('2001:db8::1')?.kind).toBe('TRUSTED_PARTNER');
    expect(before.match('198.51.100.1')).toBeNull();
    expect(before.match('not an address')).toBeNull();
    expect((await store.policies('acme', 0)).generation).toBe(before.generation);
    await store.apply([policy('203.0.113.77/26', 'TRUSTED_PARTNER')]);
    await expect.poll(async () => (await store.policies('acme', 0)).match('203.0.113.70')?.kind).toBe('TRUSTED_PARTNER');
    const after = await store.policies('acme', 0);
    expect([after.size, after.generation === before.generation]).toEqual([3, false]);
    expect((await store.policies('rival', 0)).generation).not.toBe(after.generation);
  });

  it.skipIf(skip)('keeps tenants and devices with hostile names apart', async () => {
    const names = ['a}:assignments', 'a', 'a}', '{a', 'a:b', '', '__proto__', 'é\u0000"\\'];
    const store = await storeWith(...names.map((name) => assignment(name, 1, { tenantId: name, userId: `of ${name}` })));
    const ask = () => store.lookup(names.map((name) => request(2, { tenantId: name, deviceId: name })));
    for (const answers of [await ask(), await ask()]) expect(answers.map((answer) => answer.assignment?.userId)).toEqual(names.map((name) => `of ${name}`));
  });
});

beforeAll(() => {
  if (redisUrl === null) console.error('reference contract: NO REDIS, only the memory adapter is tested');
});
