/**
 * The risks in Redis, for the endpoint and for policy points that read Redis themselves:
 *
 * | key                                  | field     | value                               |
 * | ------------------------------------ | --------- | ----------------------------------- |
 * | `farhand:{<tenant>}:risk:s:<session>` | findingId | its newest revision, RiskEntry as JSON |
 * | `farhand:{<tenant>}:risk:d:<device>`  | findingId | the same                             |
 *
 * Tenant, session and device are URL-encoded, so that no choice of names makes two subjects share a key. No key names a
 * person. A key goes away `expiryMs` after its last revision.
 */
import { Redis } from 'ioredis';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RiskEntry, RiskStore, RiskSubject, RiskUpdate } from '#lib/risk/risk.ts';
import { redisClientOptions, type RedisConnectionOptions } from './redis-connection.ts';

/** Most updates of one round trip. */
const UPDATES_MAX = 500;

/**
 * KEYS: the hashes of the session and of the device. ARGV: finding, revision, entry, expiry in ms, most findings. A
 * revision that is not newer changes nothing. Of too many findings the one with the oldest window goes.
 */
const APPLY = `
local news = 0
for k = 1, 2 do
  local old = redis.call('HGET', KEYS[k], ARGV[1])
  if not old or cjson.decode(old).revision < tonumber(ARGV[2]) then
    news = 1
    redis.call('HSET', KEYS[k], ARGV[1], ARGV[3])
    redis.call('PEXPIRE', KEYS[k], ARGV[4])
    while redis.call('HLEN', KEYS[k]) > tonumber(ARGV[5]) do
      local all = redis.call('HGETALL', KEYS[k])
      local oldest, at = nil, nil
      for i = 1, #all, 2 do
        local windowEnd = cjson.decode(all[i + 1]).windowEnd
        if at == nil or windowEnd < at then oldest, at = all[i], windowEnd end
      end
      redis.call('HDEL', KEYS[k], oldest)
    end
  end
end
return news`;

export interface RedisRiskOptions extends Pick<RedisConnectionOptions, 'url' | 'username' | 'password' | 'tls' | 'connectTimeoutMs' | 'commandTimeoutMs'> {
  readonly keyPrefix: string;
  readonly expiryMs: number;
  readonly findingsPerSubjectMax: number;
}

export function riskKey(prefix: string, tenantId: string, kind: 's' | 'd', id: string): string {
  return `${prefix}:{${encodeURIComponent(tenantId)}}:risk:${kind}:${encodeURIComponent(id)}`;
}

export function createRedisRisk(options: RedisRiskOptions): RiskStore {
  // Requests that come in one turn of the event loop share a round trip.
  const redis = new Redis(options.url, { ...redisClientOptions(options), connectionName: 'farhand-risk', enableAutoPipelining: true });
  let lastError: Error | null = null;
  redis.on('error', (error: Error) => (lastError = error));
  if (options.password !== null) redis.on('close', () => (redis.options.password = options.password!()));
  redis.connect().catch((error: Error) => (lastError = error)); // retryStrategy goes on trying
  const unavailable = (error: unknown): FarhandError => {
    const { host, port } = redis.options;
    const why = redis.status === 'ready' ? (error as Error) : (lastError ?? (error as Error));
    return new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', `Redis at ${host}:${port}: ${why.message}`, { cause: error });
  };
  const ask = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw unavailable(error);
    }
  };
  const applyOne = (update: RiskUpdate): Promise<unknown> => {
    const { tenantId, entry } = update;
    const keys = [riskKey(options.keyPrefix, tenantId, 's', entry.sessionId), riskKey(options.keyPrefix, tenantId, 'd', entry.deviceId)];
    return redis.eval(APPLY, 2, ...keys, entry.findingId, entry.revision, JSON.stringify(entry), options.expiryMs, options.findingsPerSubjectMax);
  };
  return {
    get ready() {
      return redis.status === 'ready';
    },
    apply: (updates) =>
      ask(async () => {
        let news = 0;
        for (let i = 0; i < updates.length; i += UPDATES_MAX) {
          const answers = await Promise.all(updates.slice(i, i + UPDATES_MAX).map(applyOne));
          news += answers.filter((answer) => answer === 1).length;
        }
        return news;
      }),
    entriesOf: (subject: RiskSubject) =>
      ask(async () => {
        const key = 'sessionId' in subject ? riskKey(options.keyPrefix, subject.tenantId, 's', subject.sessionId) : riskKey(options.keyPrefix, subject.tenantId, 'd', subject.deviceId);
        return Object.values(await redis.hgetall(key)).map((value) => JSON.parse(value) as RiskEntry);
      }),
    close: () => Promise.resolve(redis.disconnect()),
  };
}
