/** What surrounds enrich in any Kafka host, separate worker or chained: the databases, and the feed of reference data. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import type { RedisReference } from '#lib/reference/redis.ts';
import type { Host } from '#lib/runner/host.ts';
import type { EnrichConfig } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';
import { startReferenceFeed, type ReferenceFeed, type ReferenceFeedParts } from './reference-feed.ts';

export async function watchDatabases(host: Host, config: EnrichConfig): Promise<Databases> {
  const builtAt = host.metrics.gauge('database_built_seconds', 'When a database in use was built, seconds since the epoch; its age is time() less this, whatever the events say.', ['database', 'version']);
  const refused = host.metrics.counter('database_refused_total', 'Changed database files that were not taken.', ['database']);
  const failures = host.metrics.counter('database_lookup_failures_total', 'Damaged records met in a database.', ['database']);
  const versions = new Map<string, string>();
  const databases = await openDatabases(config, {
    onDatabase: (database, version, built) => {
      const before = versions.get(database);
      if (before !== undefined) builtAt.remove({ database, version: before });
      versions.set(database, version);
      builtAt.set({ database, version }, built / 1_000);
      host.logger.info({ event: 'database.opened', database, version });
    },
    onDatabaseRefused: (database, file, error) => {
      refused.inc({ database });
      host.logger.error({ event: 'database.refused', database, file, error: String(error) });
    },
    onLookupFailure: (database) => failures.inc({ database }),
  });
  host.metrics.gauge('address_cache_entries', 'Addresses whose facts are kept ready; at most enrich.addressCacheEntriesMax, none after a reload.', [], (gauge) =>
    gauge.set(databases.current.cachedAddresses),
  );
  void databases.watch(host.clock, host.signal);
  return databases;
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

/** Starts the feed and resolves when the reference data that is there has been taken in, or the worker is to end. */
export async function loadReference(host: Host, { topics, source, ...parts }: ReferenceParts): Promise<ReferenceFeed> {
  const refused = host.metrics.counter('reference_undecodable_total', 'Reference records that could not be read.', ['topic', 'reason']);
  const lost = host.metrics.counter('reference_lost_total', 'Times that the reference store turned out to be empty and was filled again.');
  const feed = startReferenceFeed({
    ...parts,
    topics: [topics.devices, topics.vantages, topics.networks, topics.feedback],
    decoder: avroRecordDecoder({ source, names: REFERENCE_RECORDS }),
    clock: host.clock,
    signal: host.signal,
    onUndecodable: ({ topic, partition, offset }, reason) => {
      refused.inc({ topic, reason });
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
