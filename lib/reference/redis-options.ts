/**
 * The `redis` section of the configuration → the options of the adapter. Secrets and certificates out of files are read
 * again for every connection, so that a rotation needs no restart.
 */
import type { RedisSection } from '#lib/kernel/config-sections.ts';
import { liveSecret, liveTls } from '#lib/kernel/config-secret.ts';
import type { RedisReferenceOptions } from './redis.ts';

/** Throws FARHAND_CONFIG_INVALID where a file cannot be read. */
export function redisOptionsOf(section: RedisSection): RedisReferenceOptions {
  const { tls, passwordFile, password, ...rest } = section;
  return {
    ...rest,
    password: liveSecret(password, passwordFile, 'redis.passwordFile'),
    // ioredis turns TLS on when it is given options, whatever the URL says.
    tls: section.url.startsWith('rediss:') ? liveTls(tls, 'redis.tls') : null,
  };
}
