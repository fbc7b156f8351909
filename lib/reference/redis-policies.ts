/** A tenant's policies out of Redis, compiled once per change: the near cache holds matchers, not rows. */
import type { ChainableCommander } from 'ioredis';
import type { NetworkPolicy } from '#schemas/records.ts';
import { NearCache } from './near-cache.ts';
import { compilePolicies } from './policies.ts';
import type { PolicyMatcher } from './port.ts';
import { decodeValue, hashKey } from './redis-layout.ts';

/** The only field of a tenant's group in the near cache. */
const MATCHER = '';

/** Most tenants whose compiled policies are kept over an invalidation, to be used again if the content is the same. */
const COMPILED_TENANTS_MAX = 1_000;

export class PolicyReader {
  readonly cache: NearCache<PolicyMatcher>;
  readonly #prefix: string;
  readonly #compiled = new Map<string, { content: string; matcher: PolicyMatcher }>();

  constructor(prefix: string, tenantsMax: number) {
    this.#prefix = prefix;
    this.cache = new NearCache(tenantsMax);
  }

  cached(tenantId: string): PolicyMatcher | undefined {
    return this.cache.get(tenantId, MATCHER);
  }

  /** Adds the question to a pipeline; the answer must be handed the pipeline's replies, of which it is the only one. */
  ask(tenantId: string, pipeline: ChainableCommander): (replies: Promise<unknown[]>) => Promise<PolicyMatcher> {
    const ticket = this.cache.begin();
    const key = hashKey(this.#prefix, 'policies', tenantId);
    pipeline.hgetall(key);
    return async (replies) => {
      try {
        const [fields] = (await replies) as [Record<string, string>];
        const rows = Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1));
        const matcher = this.#compile(tenantId, key, rows);
        this.cache.keep(ticket, tenantId, MATCHER, matcher);
        return matcher;
      } finally {
        this.cache.end(ticket);
      }
    };
  }

  /** The matcher of the same content again, so that callers' caches by generation survive a lost connection. */
  #compile(tenantId: string, key: string, rows: [string, string][]): PolicyMatcher {
    const content = JSON.stringify(rows);
    const known = this.#compiled.get(tenantId);
    if (known?.content === content) return known.matcher;
    const matcher = compilePolicies(rows.map(([field, text]) => decodeValue<NetworkPolicy>(key, field, text, 'record')));
    if (known === undefined && this.#compiled.size >= COMPILED_TENANTS_MAX) {
      this.#compiled.delete(this.#compiled.keys().next().value as string);
    }
    this.#compiled.set(tenantId, { content, matcher });
    return matcher;
  }
}
