/** What surrounds enrich in any Kafka host, separate worker or chained: the databases, and the feed of reference data. */
import type { Counter, Gauge } from 'prom-client';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import type { Metrics } from '#lib/observe/metrics.ts';
import type { RedisReference } from '#lib/reference/redis.ts';
import type { Host } from '#lib/runner/host.ts';
import type { EnrichConfig } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';
import { startReferenceFeed, type ReferenceFeed, type ReferenceFeedParts } from './reference-feed.ts';

/** The metrics of the databases. */
export function databaseMetrics(metrics: Metrics, nowMs: () => number): DatabaseMetrics {
  const labels = { database: 'the configured files', version: 'one a database: the one in use' };
  const inUse = new Map<string, { version: string; builtAt: number }>();
  const show = (of: (builtAt: number) => number) => (gauge: Gauge) => {
    gauge.reset();
    for (const [database, { version, builtAt }] of inUse) gauge.set({ database, version }, of(builtAt) / 1_000);
  };
  metrics.gauge('database_built_timestamp_seconds', 'When a database in use was built, seconds since the epoch.', labels, show((builtAt) => builtAt));
  metrics.gauge('database_age_seconds', 'Age of a database in use: how long ago it was built.', labels, show((builtAt) => nowMs() - builtAt));
  return {
    inUse,
    refused: metrics.counter('database_refused_total', 'Changed database files that were not taken.', { database: 'the configured files' }),
    failures: metrics.counter('database_lookup_failures_total', 'Damaged records met in a database.', { database: 'the configured files' }),
  };
}

interface DatabaseMetrics {
  readonly inUse: Map<string, { version: string; builtAt: number }>;
  readonly refused: Counter;
  readonly failures: Counter;
}

export async function watchDatabases(host: Host, config: EnrichConfig): Promise<Databases> {
  const { inUse, refused, failures } = databaseMetrics(host.metrics, () => host.clock.nowMs());
  const databases = await openDatabases(config, {
    onDatabase: (database, version, builtAt) => {
      inUse.set(database, { version, builtAt });
      for (const counter of [refused, failures]) counter.inc({ database }, 0); // so that the first one is seen as growth
      host.logger.info({ event: 'database.opened', database, version });
    },
    onDatabaseRefused: (database, file, error) => {
      refused.inc({ database });
      host.logger.error({ event: 'database.refused', database, file, error: String(error) });
    },
    onLookupFailure: (database) => failures.inc({ database }),
  });
  addressCacheMetrics(host.metrics, databases, config.addressCacheEntriesMax);
  void databases.watch(host.clock, host.signal);
  return databases;
}

export function addressCacheMetrics(metrics: Metrics, databases: Pick<Databases, 'current'>, entriesMax: number): void {
  metrics.gauge('address_cache_entries', 'Addresses whose facts are kept ready; at most enrich.addressCacheEntriesMax, none after a reload.', {}, (gauge) => gauge.set(databases.current.cachedAddresses));
  metrics.gauge('address_cache_fill_ratio', 'How full that cache is (1: entries are dropped to make room).', {}, (gauge) => gauge.set(databases.current.cachedAddresses / entriesMax));
}

interface ReferenceParts extends Pick<ReferenceFeedParts, 'log' | 'pseudonymiser'> {
  readonly topics: TopicsSection;
  readonly source: SchemaSource;
  readonly reference: ReferenceFeedParts['reference'] & Partial<Pick<RedisReference, 'ready'>>;
}

/** Tells the log of an outage twice, when it begins and when it ends, however many calls fail in between. */
export class OutageLog {
  readonly #host: Pick<Host, 'logger' | 'signal'>;
  #away = false;

  constructor(host: Pick<Host, 'logger' | 'signal'>) {
    this.#host = host;
  }

  /** At the end of the worker the store is closed, which is no outage. */
  begin(error?: Error): void {
    if (this.#away || this.#host.signal.aborted) return;
    this.#away = true;
    this.#host.logger.warn({ event: 'reference.unavailable', error: error?.message ?? 'the connection was lost' });
  }

  end(): void {
    if (!this.#away) return;
    this.#away = false;
    this.#host.logger.info({ event: 'reference.available' });
  }
}

export function referenceFeedMetrics(metrics: Metrics): { undecodable: Counter; lost: Counter } {
  return {
    undecodable: metrics.counter('reference_undecodable_total', 'Reference records that could not be read.', { topic: 'the reference topics', reason: 'the reasons of errors.md' }),
    lost: metrics.counter('reference_lost_total', 'Times that the reference store turned out to be empty and was filled again.'),
  };
}

/** Starts the feed and resolves when the reference data that is there has been taken in, or the worker is to end. */
export async function loadReference(host: Host, { topics, source, ...parts }: ReferenceParts): Promise<ReferenceFeed> {
  const { undecodable, lost } = referenceFeedMetrics(host.metrics);
  const feed = startReferenceFeed({
    ...parts,
    topics: [topics.devices, topics.vantages, topics.networks, topics.feedback],
    erasures: topics.erasures,
    decoder: avroRecordDecoder({ source, names: REFERENCE_RECORDS }),
    clock: host.clock,
    signal: host.signal,
    onUndecodable: ({ topic, partition, offset }, reason) => {
      undecodable.inc({ topic, reason });
      host.logger.error({ event: 'reference.undecodable', topic, partition, offset, reason });
    },
    // A store that is away says so once, by its OutageLog.
    onRetry: (error) => host.logger[parts.reference.ready === false ? 'debug' : 'warn']({ event: 'reference.retry', error: error.message }),
    onLoaded: () => host.logger.info({ event: 'reference.loaded' }),
    onLost: () => {
      lost.inc();
      host.logger.warn({ event: 'reference.lost' });
    },
  });
  host.add({ name: 'reference', ready: () => feed.isLoaded, close: () => feed.ended.catch(() => undefined) });
  feed.ended.catch((error: Error) => host.fail(error));
  await Promise.race([feed.loaded, feed.ended]);
  return feed;
}
