/** What surrounds enrich in any Kafka host, separate worker or chained: the databases, and the feed of reference data. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import type { TopicsSection } from '#lib/kernel/config-sections.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import { startBroadcast } from '#lib/runner/broadcast.ts';
import type { Host } from '#lib/runner/host.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import type { EnrichConfig } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';

export async function watchDatabases(host: Host, config: EnrichConfig): Promise<Databases> {
  const builtAt = host.metrics.gauge('database_built_seconds', 'When a database in use was built, seconds since the epoch.', ['database', 'version']);
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
  void databases.watch(host.clock, host.signal);
  return databases;
}

interface ReferenceFeed {
  readonly log: Log;
  readonly topics: TopicsSection;
  readonly source: SchemaSource;
  readonly reference: ReferenceStore;
  /** Applied to every record before it is taken in. */
  readonly map?: (record: ReferenceRecord) => ReferenceRecord;
}

/** Starts the feed and resolves when the reference data that is there has been taken in, or the worker is to end. */
export async function loadReference(host: Host, { log, topics, source, reference, map }: ReferenceFeed): Promise<void> {
  const decoder = avroRecordDecoder({ source, names: REFERENCE_RECORDS });
  const refused = host.metrics.counter('reference_undecodable_total', 'Reference records that could not be read.', ['topic', 'reason']);
  const decode = (records: readonly LogRecord[]): ReferenceRecord[] => {
    const decoded: ReferenceRecord[] = [];
    for (const record of records) {
      if (record.value === null) continue; // a tombstone: versions end by validTo, never by deletion
      const result = decoder.decode(record);
      if (result.ok) decoded.push(map === undefined ? result.event : map(result.event));
      else {
        refused.inc({ topic: record.topic, reason: result.reason });
        const { topic, partition, offset } = record;
        host.logger.error({ event: 'reference.undecodable', topic, partition, offset, reason: result.reason });
      }
    }
    return decoded;
  };
  const broadcast = startBroadcast({
    log,
    topics: [topics.devices, topics.vantages, topics.networks, topics.feedback],
    clock: host.clock,
    signal: host.signal,
    apply: async (records) => {
      await decoder.prepare(records);
      await reference.apply(decode(records));
    },
    onRetry: (error) => host.logger.warn({ event: 'reference.retry', error: error.message }),
  });
  host.add({ name: 'reference', ready: () => broadcast.isLoaded, close: () => broadcast.ended.catch(() => undefined) });
  broadcast.ended.catch((error: Error) => host.fail(error));
  await Promise.race([broadcast.loaded, broadcast.ended]);
  host.logger.info({ event: 'reference.loaded' });
}
