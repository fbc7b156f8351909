/**
 * The enrich worker on Kafka: farhand.events.v1 → farhand.enriched.v1. It also brings the reference topics into Redis:
 * every worker does, as taking a record in twice changes nothing; tasks start when all that is there has been taken in,
 * and wait while a Redis that lost it is filled again.
 */
import { z } from 'zod';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Metrics } from '#lib/observe/metrics.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference, type RedisReference } from '#lib/reference/redis.ts';
import type { ReferenceStats } from '#lib/reference/stats.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import { enrichConfigSchema } from './config.ts';
import { loadReference, OutageLog, watchDatabases } from './host-parts.ts';
import { ENRICH_OUTPUTS } from './outputs.ts';
import type { ReferenceFeed } from './reference-feed.ts';
import { createEnrichTask } from './task.ts';

/** What enrich needs of detect's section, with detect's default: feedback that names a finding must find its session. */
const detectNameSchema = z.object({
  rulesName: z.string().min(1).max(64).default('farhand-default').describe('Name of the configuration of detect; part of every finding id.'),
});

const definition = defineConfig({ ...sharedSections, enrich: enrichConfigSchema, detect: detectNameSchema });

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('enrich', args).config });
  const { kafka, topics, registry, redis, privacy, enrich, detect } = config;
  const host = new Host('enrich', config);
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.kafkaHooks));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['EnrichedKeystrokes', 'EnrichedConnection', 'KeystrokeLatency', 'Connection']);
    const databases = await watchDatabases(host, enrich);
    let feed: ReferenceFeed | undefined;
    const unavailable = countUnavailable(host.metrics);
    const outage = new OutageLog(host);
    const reference: RedisReference = createRedisReference({
      ...redisOptionsOf(redis),
      clock: host.clock,
      findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, detect.rulesName),
      requireLoaded: true,
      onNotLoaded: () => feed?.reload(),
      onUnavailable: (error) => {
        unavailable.inc();
        if (!reference.ready) outage.begin(error);
      },
      onReady: (ready) => (ready ? outage.end() : outage.begin()),
    });
    host.add({ name: 'redis', ready: () => reference.ready, close: () => reference.close() });
    countReference(host.metrics, reference, redis.nearCacheEntriesMax);
    feed = await loadReference(host, { log, topics, source, reference, pseudonymiser: createPseudonymiser(privacy) });
    // What ingest let in is longer behind it where a pseudonym is longer than the name.
    const decoder = avroRecordDecoder({ source, limits: INTERNAL_DECODE_LIMITS });
    const encoder = framedEncoder(source);
    const onBatch = countBatches(host.metrics);
    return {
      log,
      service: {
        inputs: [topics.events],
        outputs: { [ENRICH_OUTPUTS.enriched]: topics.enriched },
        changelog: null,
        createTask: () => createEnrichTask({ config: enrich, databases, reference, decoder, encoder, onBatch }),
      },
    };
  });
}

/** What a reference store counts, as metrics. */
const REFERENCE_COUNTS = {
  lookups: 'Requests that the reference store answered.',
  misses: 'Requests that needed a round trip to Redis.',
  fetches: 'Round trips to Redis for look-ups and policies.',
  applied: 'Reference records taken in, refused ones included.',
  unchanged: 'Reference records that changed nothing.',
  refused: 'Reference records that cannot be used.',
  invalidations: 'Tenants whose entries of the near cache were dropped because somebody wrote to them.',
  flushes: 'Times that the whole near cache was dropped.',
} as const satisfies Partial<Record<keyof ReferenceStats, string>>;

export function countUnavailable(metrics: Metrics): { inc(): void } {
  return metrics.counter('reference_unavailable_total', 'Calls of the reference store that failed because it was away.');
}

export function countReference(metrics: Metrics, reference: Pick<RedisReference, 'stats' | 'nearCacheEntries' | 'ready'>, entriesMax: number): void {
  for (const [name, help] of Object.entries(REFERENCE_COUNTS)) {
    metrics.countOf(`reference_${name}_total`, help, () => reference.stats[name as keyof typeof REFERENCE_COUNTS]);
  }
  metrics.gauge('reference_ready', '1 where the reference store answers and is filled, else 0: tasks wait.', {}, (gauge) => gauge.set(reference.ready ? 1 : 0));
  metrics.gauge('reference_near_cache_entries', 'Entries of the near cache.', {}, (gauge) => gauge.set(reference.nearCacheEntries));
  metrics.gauge('reference_near_cache_fill_ratio', 'How full the near cache is (1: entries are dropped to make room).', {}, (gauge) => gauge.set(reference.nearCacheEntries / entriesMax));
}

/** Metrics of the batches of enrich. */
export function countBatches(metrics: Metrics): (events: readonly unknown[]) => void {
  const enriched = metrics.counter('enrich_events_total', 'Enriched events.');
  return (events) => enriched.inc(events.length);
}
