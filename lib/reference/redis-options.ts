/** The `redis` section of the configuration → the options of the adapter: reads secrets and certificates from files. */
import { readFileSync } from 'node:fs';
import type { RedisSection } from '#lib/kernel/config-sections.ts';
import { readSecret } from '#lib/kernel/config-secret.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RedisReferenceOptions } from './redis.ts';

/** Throws FARHAND_CONFIG_INVALID where a file cannot be read. */
export function redisOptionsOf(section: RedisSection): RedisReferenceOptions {
  const { tls, passwordFile, password, ...rest } = section;
  const pem = (name: 'caFile' | 'certFile' | 'keyFile'): Buffer | undefined => {
    const file = tls[name];
    if (file === null) return undefined;
    try {
      return readFileSync(file);
    } catch (error) {
      throw new FarhandError('FARHAND_CONFIG_INVALID', `redis.tls.${name} is ${JSON.stringify(file)}: ${(error as Error).message}`, { cause: error });
    }
  };
  const files = { ca: pem('caFile'), cert: pem('certFile'), key: pem('keyFile') };
  const given = Object.fromEntries(Object.entries(files).filter(([, content]) => content !== undefined));
  return {
    ...rest,
    password: readSecret(password, passwordFile, 'redis.passwordFile'),
    // ioredis turns TLS on when it is given options, whatever the URL says.
    tls: section.url.startsWith('rediss:') ? given : null,
  };
}
