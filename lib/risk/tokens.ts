/**
 * Who may ask for whose risk. A YAML file lists the policy points: a name, the SHA-256 of its token, and the tenants it
 * may ask about. The file holds no token, so that reading it gives no access; it is read again when it changes, so that
 * tokens are rotated without a restart (old and new listed together for a while).
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { FarhandError } from '#lib/kernel/errors.ts';

const TOKENS_MAX = 1_000;

const fileSchema = z.strictObject({
  tokens: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(64),
        sha256: z.string().regex(/^[0-9a-f]{64}$/, 'allowed are 64 hexadecimal digits in lower case'),
        tenants: z.union([z.literal('*'), z.array(z.string().min(1).max(256)).min(1).max(10_000)]),
      }),
    )
    .min(1)
    .max(TOKENS_MAX),
});

interface Grant {
  readonly digest: Buffer;
  readonly tenants: ReadonlySet<string> | null;
}

export type Access = 'granted' | 'unknown token' | 'other tenant';

export class Tokens {
  readonly #file: string;
  #grants: readonly Grant[];
  #stamp: string;

  private constructor(file: string, grants: readonly Grant[], stamp: string) {
    this.#file = file;
    this.#grants = grants;
    this.#stamp = stamp;
  }

  /** Throws FARHAND_CONFIG_INVALID where the file cannot be used. */
  static open(file: string): Tokens {
    return new Tokens(file, read(file), stampOf(file));
  }

  /** Looks whether the file has changed. A file that cannot be used throws, and the tokens before it stay in use. */
  refresh(): boolean {
    const stamp = stampOf(this.#file);
    if (stamp === this.#stamp) return false;
    this.#stamp = stamp;
    this.#grants = read(this.#file);
    return true;
  }

  /** Compares with every token in constant time: how long it takes tells nothing about any of them. */
  check(token: string, tenantId: string): Access {
    const digest = createHash('sha256').update(token).digest();
    let known: Grant | null = null;
    for (const grant of this.#grants) if (timingSafeEqual(grant.digest, digest)) known = grant;
    if (known === null) return 'unknown token';
    return known.tenants === null || known.tenants.has(tenantId) ? 'granted' : 'other tenant';
  }
}

function stampOf(file: string): string {
  try {
    const { mtimeMs, size, ino } = statSync(file);
    return `${mtimeMs}/${size}/${ino}`;
  } catch {
    return 'gone';
  }
}

function read(file: string): Grant[] {
  const wrong = (why: string, cause?: unknown) => new FarhandError('FARHAND_CONFIG_INVALID', `risk.tokensFile is ${JSON.stringify(file)}: ${why}`, { cause });
  let content: unknown;
  try {
    content = parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw wrong((error as Error).message.split('\n')[0] ?? '', error);
  }
  const parsed = fileSchema.safeParse(content);
  // The values are not repeated: somebody may have written a token where its hash belongs.
  if (!parsed.success) throw wrong(parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`).join('; '));
  const { tokens } = parsed.data;
  if (new Set(tokens.map(({ sha256 }) => sha256)).size < tokens.length) throw wrong('two entries have the same token');
  return tokens.map(({ sha256, tenants }) => ({ digest: Buffer.from(sha256, 'hex'), tenants: tenants === '*' ? null : new Set(tenants) }));
}
