/**
 * The least rights of Farhand's user on Redis, as one line of an ACL file (Redis 6.2 or later). A test runs the store with
 * exactly these, and finds each of them needed.
 */

/** Commands and the channel of invalidations. */
export const REDIS_RIGHTS = [
  '&__redis__:invalidate',
  // Signs of life, and tracking of what the near cache holds.
  '+ping', '+client|id', '+client|tracking', '+subscribe',
  // Reference data; a script needs the rights of what it calls.
  '+hmget', '+hgetall', '+exists', '+set', '+eval', '+hget', '+hset', '+del', '+hscan', '+hdel',
] as const;

/** Of the worker that answers policy points (lib/reference/redis-risk.ts): findings by session and device. */
export const REDIS_RISK_RIGHTS = ['+hgetall', '+eval', '+hget', '+hset', '+hlen', '+hdel', '+pexpire'] as const;

/** What the client asks beside that and can do without: the version, its name in CLIENT LIST, a database other than 0. */
const COURTESIES = ['+info', '+select', '+client|setname', '+client|setinfo'];

export function redisAclLine(username: string, keyPrefix: string, rights: readonly string[] = REDIS_RIGHTS): string {
  return `user ${username} on >PASSWORD resetkeys ~${keyPrefix}:* resetchannels -@all ${[...rights, ...COURTESIES].join(' ')}`;
}
