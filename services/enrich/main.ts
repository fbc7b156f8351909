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
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisReference, type RedisReference } from '#lib/reference/redis.ts';
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
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.onKafkaLog));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['EnrichedKeystrokes', 'EnrichedConnection']);
    const databases = await watchDatabases(host, enrich);
    let feed: ReferenceFeed | undefined;
    const unavailable = host.metrics.counter('reference_unavailable_total', 'Calls of the reference store that failed because it was away.');
    const outage = new OutageLog(host);
    const reference: RedisReference = createRedisReference({
      ...redisOptionsOf(redis),
      clock: host.clock,
      findingIdOf: (tenantId, sessionId) => findingIdOf(tenantId, sessionId, 1, detect.rulesName),
      requireLoaded: true,
      onNotLoaded: () => feed?.reload(),
      onUnavailable: (error) => {
        unavailable.inc();
        if (!reference.ready) outage.begin(error);
      },
      onReady: (ready) => (ready ? outage.end() : outage.begin()),
    });
    host.add({ name: 'redis', ready: () => reference.ready, close: () => reference.close() });
    countReference(host, reference);
    feed = await loadReference(host, { log, topics, source, reference, pseudonymiser: createPseudonymiser(privacy) });
    // What ingest let in is longer behind it where a pseudonym is longer than the name.
    const decoder = avroRecordDecoder({ source, limits: INTERNAL_DECODE_LIMITS });
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

function countReference({ metrics }: Host, reference: RedisReference): void {
  for (const name of ['lookups', 'misses', 'fetches', 'applied', 'unchanged', 'refused', 'invalidations', 'flushes'] as const) {
    metrics.gauge(`reference_${name}`, `Reference store: ${name} since the start.`, [], (gauge) => gauge.set(reference.stats[name]));
  }
  metrics.gauge('reference_near_cache_entries', 'Entries of the near cache.', [], (gauge) => gauge.set(reference.nearCacheEntries));
}
