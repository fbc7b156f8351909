/**
 * Reference data in Redis (layout: redis-layout.ts), for the enrich workers. A batch is answered out of the near cache
 * when it can be, synchronously; all its misses go to Redis in one pipeline, which is one round trip. The near cache
 * is kept right by client-side invalidation and dropped when a connection is lost (redis-connection.ts).
 *
 * With `requireLoaded`, nothing is answered before somebody has filled this Redis (`beginLoading` … `markLoaded`): one
 * that came back empty would else make every device unknown.
 *
 * Redis away: every call ends within waitMsMax + commandTimeoutMs in the retriable FARHAND_REFERENCE_UNAVAILABLE.
 */
import type { ChainableCommander, Redis } from 'ioredis';
import { randomUUID } from 'node:crypto';
import type { ConnectionOptions } from 'node:tls';
import { systemClock, type Clock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { DeviceAssignment, Feedback, ReferenceRecord, Vantage } from '#schemas/records.ts';
import { namesOfFindings, type FindingNamer, type ForgottenPerson, type PolicyMatcher, type ReferenceAnswer, type ReferenceRequest, type ReferenceStore } from './port.ts';
import { RedisConnection } from './redis-connection.ts';
import { HashBatch, HashReader } from './redis-hash.ts';
import { fieldsOfPerson, forgetPerson } from './redis-erase.ts';
import { findingField, hashKey, loadedKey, loadingKey, parseHashKey, sessionField } from './redis-layout.ts';
import { PolicyReader } from './redis-policies.ts';
import { execute, groupRecords, writeRound } from './redis-writer.ts';
import { createReferenceStats, type OnRefused, type ReferenceStats } from './stats.ts';
import { assignmentAt, feedbackAt, joinFeedback, type Versions } from './versions.ts';

/** The group of vantages, which belong to no tenant. */
const NO_TENANT = '';

/** How long the mark of a load that was given up stays, seconds; no load takes as long. */
const LOADING_SECONDS_MAX = 86_400;

/** KEYS[1] the mark of one load, KEYS[2] that of loaded data. A Redis that lost its data lost the first mark too. */
const MARK_LOADED = `
if redis.call('DEL', KEYS[1]) == 0 then return 0 end
redis.call('SET', KEYS[2], '1')
return 1`;

export interface RedisReferenceOptions {
  /** `redis://host:port/db` or `rediss://…`. */
  readonly url: string;
  readonly username?: string | null;
  /** Asked again for every connection. */
  readonly password?: (() => string) | null;
  readonly tls?: ConnectionOptions | null;
  /** First part of every key; default `farhand`. */
  readonly keyPrefix?: string;
  /** Bound of the near cache, entries (a device, a session or a vantage is one); default 200,000. */
  readonly nearCacheEntriesMax?: number;
  readonly connectTimeoutMs?: number;
  readonly commandTimeoutMs?: number;
  readonly waitMsMax?: number;
  readonly heartbeatMs?: number;
  readonly findingIdOf?: FindingNamer;
  readonly onRefused?: OnRefused;
  /** Answer nothing out of a Redis whose reference data was not loaded, or was lost; default false. */
  readonly requireLoaded?: boolean;
  /** Called for each lookup that was refused for that reason: the host reads the reference topics again. */
  readonly onNotLoaded?: () => void;
  /** Called for each call that ended in FARHAND_REFERENCE_UNAVAILABLE; for a metric and a log line. */
  readonly onUnavailable?: (error: Error) => void;
  /** Called when `ready` turns true, and when it turns false: by a loss or by `close`. */
  readonly onReady?: (ready: boolean) => void;
  readonly clock?: Clock;
}

export interface RedisReference extends ReferenceStore {
  /** How many entries name the person, or are feedback on these sessions and findings. */
  holds(person: ForgottenPerson): Promise<number>;
  apply(records: readonly ReferenceRecord[]): Promise<void>;
  /** To be called before the reference topics are read from their beginnings; answers what `markLoaded` wants. */
  beginLoading(): Promise<string>;
  /**
   * Says that all of the reference topics was applied since `beginLoading`. False where Redis lost its data in between:
   * then it is not marked, and the topics have to be read again.
   */
  markLoaded(loading: string): Promise<boolean>;
  close(): Promise<void>;
  readonly stats: ReferenceStats;
  /** Entries in the near cache now; never more than `nearCacheEntriesMax`. */
  readonly nearCacheEntries: number;
  /** True while connected, with tracking on: for readiness. */
  readonly ready: boolean;
}

export function createRedisReference(options: RedisReferenceOptions): RedisReference {
  return new InRedis(options);
}

interface Batch {
  readonly assignments: HashBatch<Versions<DeviceAssignment>>;
  readonly vantages: HashBatch<Vantage>;
  readonly feedback: HashBatch<Versions<Feedback>>;
}

class InRedis implements RedisReference {
  readonly stats = createReferenceStats();
  readonly #options: RedisReferenceOptions;
  readonly #prefix: string;
  readonly #connection: RedisConnection;
  readonly #assignments: HashReader<Versions<DeviceAssignment>>;
  readonly #feedback: HashReader<Versions<Feedback>>;
  readonly #vantages: HashReader<Vantage>;
  readonly #policies: PolicyReader;
  readonly #policyReads = new Map<string, Promise<PolicyMatcher>>();

  constructor(options: RedisReferenceOptions) {
    this.#options = options;
    const prefix = options.keyPrefix ?? 'farhand';
    const entriesMax = options.nearCacheEntriesMax ?? 200_000;
    this.#prefix = prefix;
    // Devices and sessions come in like numbers; vantages and tenants are few.
    this.#assignments = new HashReader({ prefix, kind: 'assignments', entriesMax: entriesMax * 0.45, shape: 'versions' });
    this.#feedback = new HashReader({
      prefix,
      kind: 'feedback',
      entriesMax: entriesMax * 0.45,
      shape: 'versions',
      fieldsOf: feedbackFields(options.findingIdOf),
      join: (values) => values.reduce((joined, byFinding) => joinFeedback(joined, byFinding), null),
    });
    this.#vantages = new HashReader({ prefix, kind: 'vantages', entriesMax: entriesMax * 0.05, shape: 'record' });
    this.#policies = new PolicyReader(prefix, entriesMax * 0.05);
    this.#connection = new RedisConnection({
      url: options.url,
      username: options.username ?? null,
      password: options.password ?? null,
      tls: options.tls ?? null,
      connectTimeoutMs: options.connectTimeoutMs ?? 2_000,
      commandTimeoutMs: options.commandTimeoutMs ?? 2_000,
      waitMsMax: options.waitMsMax ?? 1_000,
      heartbeatMs: options.heartbeatMs ?? 1_000,
      clock: options.clock ?? systemClock,
      onInvalidate: (keys) => this.#onInvalidate(keys),
      onLost: () => {
        this.#flush();
        options.onReady?.(false);
      },
      onSession: () => options.onReady?.(true),
    });
  }

  get ready(): boolean {
    return this.#connection.tracked;
  }

  get nearCacheEntries(): number {
    return [this.#assignments, this.#feedback, this.#vantages, this.#policies].reduce((sum, { cache }) => sum + cache.size, 0);
  }

  lookup(requests: readonly ReferenceRequest[]): ReferenceAnswer[] | Promise<ReferenceAnswer[]> {
    const batch: Batch = { assignments: new HashBatch(), vantages: new HashBatch(), feedback: new HashBatch() };
    let misses = 0;
    requests.forEach(({ tenantId, deviceId, sessionId, vantageId }, index) => {
      const known = this.#assignments.find(batch.assignments, index, tenantId, deviceId);
      const placed = this.#vantages.find(batch.vantages, index, NO_TENANT, vantageId);
      const judged = this.#feedback.find(batch.feedback, index, tenantId, sessionId);
      if (!(known && placed && judged)) misses++;
    });
    if (misses > 0) return this.#lookupMissing(requests, batch, misses);
    this.stats.lookups += requests.length;
    return answersOf(requests, batch);
  }

  async apply(records: readonly ReferenceRecord[]): Promise<void> {
    const context = { prefix: this.#prefix, stats: this.stats, onRefused: this.#options.onRefused };
    for (const round of groupRecords(records, context)) {
      await this.#use((redis) => writeRound(redis, round, context));
    }
    this.stats.applied += records.length;
  }

  async forget({ tenantId, userId, sessions, findings }: ForgottenPerson): Promise<number> {
    const feedback = [...sessions.map(sessionField), ...findings.map(findingField)];
    return this.#use(async (redis) => {
      const removed = feedback.length === 0 ? 0 : await redis.hdel(hashKey(this.#prefix, 'feedback', tenantId), ...feedback);
      return removed + (await forgetPerson(redis, hashKey(this.#prefix, 'assignments', tenantId), userId));
    });
  }

  async holds({ tenantId, userId, sessions, findings }: ForgottenPerson): Promise<number> {
    const feedback = [...sessions.map(sessionField), ...findings.map(findingField)];
    return this.#use(async (redis) => {
      let found = feedback.length === 0 ? 0 : (await redis.hmget(hashKey(this.#prefix, 'feedback', tenantId), ...feedback)).filter((value) => value !== null).length;
      for await (const _field of fieldsOfPerson(redis, hashKey(this.#prefix, 'assignments', tenantId), userId)) found++;
      return found;
    });
  }

  policies(tenantId: string, at: number): PolicyMatcher | Promise<PolicyMatcher> {
    const cached = this.#policies.cached(tenantId);
    if (cached !== undefined) return cached.at(at);
    let read = this.#policyReads.get(tenantId);
    if (read === undefined) {
      read = this.#readPolicies(tenantId).finally(() => this.#policyReads.delete(tenantId));
      this.#policyReads.set(tenantId, read);
    }
    return read.then((found) => found.at(at));
  }

  async beginLoading(): Promise<string> {
    const loading = randomUUID();
    await this.#use((redis) => redis.set(loadingKey(this.#prefix, loading), '1', 'EX', LOADING_SECONDS_MAX));
    return loading;
  }

  async markLoaded(loading: string): Promise<boolean> {
    const keys = [loadingKey(this.#prefix, loading), loadedKey(this.#prefix)];
    return (await this.#use((redis) => redis.eval(MARK_LOADED, keys.length, ...keys))) === 1;
  }

  async close(): Promise<void> {
    await this.#connection.close();
  }

  async #lookupMissing(requests: readonly ReferenceRequest[], batch: Batch, misses: number): Promise<ReferenceAnswer[]> {
    await this.#use((redis) => this.#fetch(redis, batch));
    this.stats.lookups += requests.length;
    this.stats.misses += misses;
    return answersOf(requests, batch);
  }

  /** Brings every miss of the batch in one pipeline. */
  async #fetch(redis: Redis, batch: Batch): Promise<void> {
    const pipeline = this.#pipeline(redis);
    const assignments = this.#assignments.ask(batch.assignments, pipeline);
    const vantages = this.#vantages.ask(batch.vantages, pipeline);
    const feedback = this.#feedback.ask(batch.feedback, pipeline);
    try {
      this.stats.fetches++;
      const values = await this.#executeLoaded(pipeline);
      const replies = (values as (string | null)[][]).values();
      this.#assignments.take(batch.assignments, replies, assignments);
      this.#vantages.take(batch.vantages, replies, vantages);
      this.#feedback.take(batch.feedback, replies, feedback);
    } finally {
      this.#assignments.cache.end(assignments);
      this.#vantages.cache.end(vantages);
      this.#feedback.cache.end(feedback);
    }
  }

  async #readPolicies(tenantId: string): Promise<PolicyMatcher> {
    return this.#use(async (redis) => {
      const pipeline = this.#pipeline(redis);
      const take = this.#policies.ask(tenantId, pipeline);
      this.stats.fetches++;
      return take(this.#executeLoaded(pipeline));
    });
  }

  #pipeline(redis: Redis): ChainableCommander {
    return redis.pipeline().exists(loadedKey(this.#prefix));
  }

  /**
   * The replies to what was asked. The key is looked at before the reads, as data may be loading, and after them, as it
   * may be deleted in between.
   */
  async #executeLoaded(pipeline: ChainableCommander): Promise<unknown[]> {
    const replies = await execute<unknown>(pipeline.exists(loadedKey(this.#prefix)));
    const [before, after] = [replies.shift(), replies.pop()];
    if ((before === 1 && after === 1) || this.#options.requireLoaded !== true) return replies;
    this.#options.onNotLoaded?.();
    throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', `Redis holds no reference data yet (key ${loadedKey(this.#prefix)})`);
  }

  async #use<T>(work: (redis: Redis) => Promise<T>): Promise<T> {
    try {
      return await this.#connection.use(work);
    } catch (error) {
      if (error instanceof FarhandError && error.code === 'FARHAND_REFERENCE_UNAVAILABLE') {
        this.stats.unavailable++;
        this.#options.onUnavailable?.(error);
      }
      throw error;
    }
  }

  #onInvalidate(keys: readonly string[] | null): void {
    if (keys === null) return this.#flush();
    for (const key of keys) {
      const address = parseHashKey(this.#prefix, key);
      if (address === null) continue;
      this.stats.invalidations++;
      const reader = {
        assignments: this.#assignments,
        feedback: this.#feedback,
        vantages: this.#vantages,
        policies: this.#policies,
      }[address.kind];
      reader.cache.invalidate(address.tenantId);
    }
  }

  #flush(): void {
    this.stats.flushes++;
    for (const { cache } of [this.#assignments, this.#feedback, this.#vantages, this.#policies]) cache.flush();
  }
}

/** Feedback on a session lies under the session, or under the ids of its findings. */
function feedbackFields(findingIdOf: FindingNamer | undefined): (tenantId: string, sessionId: string) => string[] {
  if (findingIdOf === undefined) return (_tenantId, sessionId) => [sessionField(sessionId)];
  return (tenantId, sessionId) => [sessionField(sessionId), ...namesOfFindings(findingIdOf, tenantId, sessionId).map(findingField)];
}

/** All requests are answered by now; picks the versions that held at each request's time. */
function answersOf(requests: readonly ReferenceRequest[], batch: Batch): ReferenceAnswer[] {
  return requests.map(({ observedAt: at }, i) => ({
    assignment: assignmentAt(batch.assignments.values[i] ?? null, at),
    vantage: batch.vantages.values[i] ?? null,
    feedback: feedbackAt(batch.feedback.values[i] ?? null, at),
  }));
}
