/**
 * The enrich worker on Kafka: farhand.events.v1 → farhand.enriched.v1. It also brings the reference topics into Redis:
 * every worker does, as taking a record in twice changes nothing; tasks start when all that is there has been taken in.
 */
import { z } from 'zod';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import { sharedSections, type TopicsSection } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference, type RedisReference } from '#lib/reference/redis.ts';
import { startBroadcast } from '#lib/runner/broadcast.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { enrichConfigSchema, type EnrichConfig } from './config.ts';
import { openDatabases, type Databases } from './databases.ts';
import { ENRICH_OUTPUTS } from './outputs.ts';
import { createEnrichTask } from './task.ts';

/** What enrich needs of detect's section, with detect's default: feedback that names a finding must find its session. */
const detectNameSchema = z.object({
  rulesName: z.string().min(1).max(64).default('farhand-default').describe('Name of the configuration of detect; part of every finding id.'),
});

const definition = defineConfig({ ...sharedSections, enrich: enrichConfigSchema, detect: detectNameSchema });

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('enrich', args).config });
  const { kafka, topics, registry, redis, enrich, detect } = config;
  const host = new Host('enrich', config);
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.onKafkaLog));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['EnrichedKeystrokes', 'EnrichedConnection']);
    const databases = await watchDatabases(host, enrich);
    const unavailable = host.metrics.counter('reference_unavailable_total', 'Calls of the reference store that failed because it was away.');
    const reference = createRedisReference({
      ...redisOptionsOf(redis),
      clock: host.clock,
      findingIdOf: (tenantId, sessionId) => findingIdOf(tenantId, sessionId, 1, detect.rulesName),
      onUnavailable: () => unavailable.inc(),
    });
    host.add({ name: 'redis', ready: () => reference.ready, close: () => reference.close() });
    countReference(host, reference);
    await loadReference(host, { log, topics, source, reference });
    const decoder = avroRecordDecoder({ source });
    const encoder = framedEncoder(source);
    return {
      log,
      service: {
        inputs: [topics.events],
        outputs: { [ENRICH_OUTPUTS.enriched]: topics.enriched },
        changelog: null,
        createTask: () => createEnrichTask({ config: enrich, databases, reference, decoder, encoder }),
      },
    };
  });
}

async function watchDatabases(host: Host, config: EnrichConfig): Promise<Databases> {
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

function countReference({ metrics }: Host, reference: RedisReference): void {
  for (const name of ['lookups', 'misses', 'fetches', 'applied', 'unchanged', 'refused', 'invalidations', 'flushes'] as const) {
    metrics.gauge(`reference_${name}`, `Reference store: ${name} since the start.`, [], (gauge) => gauge.set(reference.stats[name]));
  }
  metrics.gauge('reference_near_cache_entries', 'Entries of the near cache.', [], (gauge) => gauge.set(reference.nearCacheEntries));
}

interface ReferenceFeed {
  readonly log: Log;
  readonly topics: TopicsSection;
  readonly source: SchemaSource;
  readonly reference: ReferenceStore;
}

/** Starts the feed and resolves when the reference data that is there has been taken in, or the worker is to end. */
async function loadReference(host: Host, { log, topics, source, reference }: ReferenceFeed): Promise<void> {
  const decoder = avroRecordDecoder({ source, names: REFERENCE_RECORDS });
  const refused = host.metrics.counter('reference_undecodable_total', 'Reference records that could not be read.', ['topic', 'reason']);
  const decode = (records: readonly LogRecord[]): ReferenceRecord[] => {
    const decoded: ReferenceRecord[] = [];
    for (const record of records) {
      if (record.value === null) continue; // a tombstone: versions end by validTo, never by deletion
      const result = decoder.decode(record);
      if (result.ok) decoded.push(result.event);
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
