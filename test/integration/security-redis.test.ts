/** Redis with TLS and ACL users: the store under its least rights, what it says when one is missing, and rotation. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { redisSectionSchema } from '#lib/kernel/config-sections.ts';
import { assignment, request, seattle } from '#lib/reference/fixtures.ts';
import { redisAclLine, REDIS_RIGHTS } from '#lib/reference/redis-acl.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference, type RedisReference } from '#lib/reference/redis.ts';
import { createAuthority, type Authority } from '../infrastructure/certificates.ts';
import type { LocalProgram } from '../infrastructure/local.ts';
import { startSecureRedis } from '../infrastructure/secure-redis.ts';

const directory = mkdtempSync(join(tmpdir(), 'farhand-redis-acl-'));
const passwordFile = join(directory, 'password');
let authority: Authority;
let server: LocalProgram;

/** One command of the administrator, in RESP. */
async function command(...words: string[]): Promise<string> {
  const { port } = new URL(server.address);
  const socket = connect({ host: '127.0.0.1', port: Number(port), ...redisOptionsOf(section()).tls });
  const encode = (of: string[]): string => `*${of.length}\r\n${of.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`;
  socket.end(encode(['AUTH', 'admin', 'admin-pw']) + encode(words));
  let answer = '';
  for await (const chunk of socket) answer += String(chunk);
  return answer.replace('+OK\r\n', '');
}

const section = (more: Record<string, unknown> = {}) =>
  redisSectionSchema.parse({ url: server.address, username: 'farhand', passwordFile, waitMsMax: 400, heartbeatMs: 100, tls: { caFile: authority.caFile }, ...more });
const open = (more: Record<string, unknown> = {}): RedisReference => createRedisReference(redisOptionsOf(section(more)));

const IN_SCRIPTS = new Set<string>(['+hget', '+hset', '+del', '+hdel', '+set']);

/** Everything that a worker asks of the store; `before`: what is done while its connections stand. */
async function useAll(before: () => Promise<unknown> = () => Promise.resolve()): Promise<void> {
  const store = open();
  try {
    const loading = await store.beginLoading();
    await store.apply([assignment('laptop', 1), seattle]);
    expect(await store.markLoaded(loading)).toBe(true);
    await before();
    const [answer] = await store.lookup([request(5)]);
    expect(answer).toMatchObject({ assignment: { deviceId: 'laptop' }, vantage: seattle });
    expect((await store.policies('acme', 5)).size).toBe(0);
    const person = { tenantId: 'acme', userId: 'user of laptop from 1', sessions: ['session'], findings: [] };
    expect([await store.holds(person), await store.forget(person), await store.holds(person)]).toEqual([1, 1, 0]);
    expect((await store.lookup([request(5)]))[0]).toMatchObject({ assignment: null });
    await command('HSET', 'farhand:{acme}:assignments', 'other', '[]');
    await expect.poll(() => store.stats.invalidations).toBeGreaterThan(0);
    await systemClock.sleep(250); // two signs of life
    expect(store.stats.flushes, 'sessions that were lost').toBe(0);
    await command('FLUSHALL');
  } finally {
    await store.close();
  }
}

beforeAll(async () => {
  authority = await createAuthority(directory);
  writeFileSync(passwordFile, 'first\n');
  server = await startSecureRedis(authority, ['user admin on >admin-pw ~* &* +@all', redisAclLine('farhand', 'farhand').replace('PASSWORD', 'first')]);
  console.log(`with TLS and ACL users: ${server.what}`);
});
afterAll(async () => {
  await server?.stop();
  rmSync(directory, { recursive: true, force: true });
});

test('the store works under exactly the rights that are listed, over TLS', async () => {
  await useAll();
});

test('each of the rights is needed, and the error names the one that is missing', async () => {
  for (const right of REDIS_RIGHTS.filter((one) => one.startsWith('+'))) {
    const [name] = right.slice(1).split('|') as [string];
    // A subcommand goes with its command: the others are given back.
    await command('ACL', 'SETUSER', 'farhand', `-${name}`, ...REDIS_RIGHTS.filter((other) => other !== right && other.startsWith(`+${name}|`)));
    const failure: unknown = await useAll().then(() => null, (error: unknown) => error);
    const said = failure as Error | null;
    // What a script may not call is told without the command's name in Redis 6; a lost sign of life ends the session.
    expect(`${right}: ${said?.message}`).toMatch(right === '+ping' ? /sessions that were lost|NOPERM/ : IN_SCRIPTS.has(right) ? /NOPERM|can't run this command/i : new RegExp(`NOPERM.*'${name}'`));
    if (right !== '+ping') expect(failure, right).toMatchObject({ code: 'FARHAND_FORBIDDEN' });
    await command('ACL', 'SETUSER', 'farhand', right);
    await command('FLUSHALL');
  }
  await command('ACL', 'SETUSER', 'farhand', 'resetkeys', '~other:*');
  await expect(useAll()).rejects.toMatchObject({ code: 'FARHAND_FORBIDDEN', message: expect.stringContaining('NOPERM') as string });
  await command('ACL', 'SETUSER', 'farhand', 'resetkeys', '~farhand:*');
  await useAll();
});

test('a password that is rotated is read at the next connection, without a restart', async () => {
  const store = open();
  await store.apply([seattle]);
  await command('ACL', 'SETUSER', 'farhand', 'resetpass', '>second');
  await command('CLIENT', 'KILL', 'USER', 'farhand');
  await expect(store.apply([seattle])).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE', message: expect.stringContaining('WRONGPASS') as string });
  writeFileSync(passwordFile, 'second\n');
  await expect.poll(async () => store.apply([seattle]).then(() => 'taken', (error: unknown) => (error as { code: string }).code), { timeout: 10_000 }).toBe('taken');
  await store.close();
});

test('without TLS, with another authority or without a password nobody comes in', async () => {
  const elsewhere = mkdtempSync(join(directory, 'other-'));
  const { caFile } = await createAuthority(elsewhere);
  for (const more of [{ url: server.address.replace('rediss:', 'redis:'), tls: {} }, { tls: { caFile } }, { username: null, passwordFile: null }]) {
    const store = open(more);
    await expect(store.apply([seattle]), JSON.stringify(more)).rejects.toMatchObject({ code: 'FARHAND_REFERENCE_UNAVAILABLE' });
    await store.close();
  }
});
