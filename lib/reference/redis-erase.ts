/** Takes the assignments of one person out of a tenant's hash in Redis. */
import type { Redis } from 'ioredis';
import type { DeviceAssignment } from '#schemas/records.ts';
import { decodeValue } from './redis-layout.ts';

const SCAN_FIELDS = 1_000;

/** KEYS[1] hash; ARGV field, value that was read, new value ('' to remove). Answers 1 where it was done. */
const REPLACE = `
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then redis.call('HDEL', KEYS[1], ARGV[1]) else redis.call('HSET', KEYS[1], ARGV[1], ARGV[3]) end
return 1`;

/** Fields of the hash that name the person, with their text. */
export async function* fieldsOfPerson(redis: Redis, key: string, userId: string): AsyncGenerator<[string, string]> {
  const named = JSON.stringify({ userId }).slice(1, -1);
  let cursor = '0';
  do {
    const [next, flat] = await redis.hscan(key, cursor, 'COUNT', SCAN_FIELDS);
    cursor = next;
    for (let i = 0; i < flat.length; i += 2) if (flat[i + 1]!.includes(named)) yield [flat[i]!, flat[i + 1]!];
  } while (cursor !== '0');
}

/** Answers how many assignments were removed. A field that others change meanwhile is looked at again. */
export async function forgetPerson(redis: Redis, key: string, userId: string): Promise<number> {
  let removed = 0;
  for await (const [field, found] of fieldsOfPerson(redis, key, userId)) {
    for (let text: string | null = found; text !== null; text = await redis.hget(key, field)) {
      const versions = decodeValue<DeviceAssignment[]>(key, field, text, 'versions');
      const others = versions.filter((version) => version.userId !== userId);
      if (others.length === versions.length) break;
      const done = await redis.eval(REPLACE, 1, key, field, text, others.length === 0 ? '' : JSON.stringify(others));
      if (done !== 1) continue;
      removed += versions.length - others.length;
      break;
    }
  }
  return removed;
}
