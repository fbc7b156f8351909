/**
 * The risk worker on Kafka: farhand.suspicious-sessions.v1 → Redis, and the endpoint that answers policy points out of
 * it. Several may run: each takes some of the partitions, and any of them answers for all.
 */
import { readFileSync } from 'node:fs';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { sharedSections, type RedisSection } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Metrics } from '#lib/observe/metrics.ts';
import { redisOptionsOf } from '#lib/reference/redis-options.ts';
import { createRedisRisk, type RedisRiskOptions } from '#lib/reference/redis-risk.ts';
import { riskSectionSchema, type RiskSection } from '#lib/risk/config.ts';
import { riskServerMetrics, startRiskServer } from '#lib/risk/server.ts';
import { Tokens } from '#lib/risk/tokens.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import { rarelyCommitting } from './commit-interval.ts';
import { createRiskTask } from './task.ts';

const { kafka: kafkaSchema, topics: topicsSchema, registry: registrySchema, redis: redisSchema, observe } = sharedSections;
const definition = defineConfig({ kafka: kafkaSchema, topics: topicsSchema, registry: registrySchema, redis: redisSchema, observe, risk: riskSectionSchema });

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('risk', args).config });
  const { kafka, topics, registry, redis, risk } = config;
  const tls = tlsOf(risk);
  const tokens = tokensOf(risk);
  const host = new Host('risk', { ...config, kafka: rarelyCommitting(kafka) });
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.kafkaHooks));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, []);
    const decoder = avroRecordDecoder({ source, names: ['SuspiciousSession'], limits: INTERNAL_DECODE_LIMITS });
    const store = createRedisRisk({ ...riskStoreOptions(redis), expiryMs: risk.expiryMs, findingsPerSubjectMax: risk.findingsPerSubjectMax });
    host.add({ name: 'redis', ready: () => store.ready, close: () => store.close() });
    const onBatch = countRevisions(host.metrics);
    const server = await startRiskServer({ section: risk, tls, tokens, store, clock: host.clock, metrics: riskServerMetrics(host.metrics) }).catch((error: unknown) => {
      throw new FarhandError('FARHAND_CONFIG_INVALID', `risk.port is ${risk.port}: ${(error as Error).message}`, { cause: error });
    });
    host.add({ name: 'risk', close: () => server.close() });
    host.logger.info({ event: 'risk.listening', host: risk.host, port: server.port });
    void watchTokens(host, tokens, risk.tokensPollMs);
    return {
      log,
      service: { inputs: [topics.suspiciousSessions], outputs: {}, changelog: null, createTask: () => createRiskTask({ decoder, store, onBatch }) },
    };
  });
}

export function countRevisions(metrics: Metrics): (revisions: number, news: number) => void {
  const taken = metrics.counter('risk_revisions_total', 'Revisions of findings that were taken in.', { outcome: ['news', 'known'] });
  return (revisions, news) => {
    taken.inc({ outcome: 'news' }, news);
    taken.inc({ outcome: 'known' }, revisions - news);
  };
}

function riskStoreOptions(redis: RedisSection): Omit<RedisRiskOptions, 'expiryMs' | 'findingsPerSubjectMax'> {
  const { password = null, tls = null } = redisOptionsOf(redis);
  const { url, username, connectTimeoutMs, commandTimeoutMs, keyPrefix } = redis;
  return { url, username, password, tls, connectTimeoutMs, commandTimeoutMs, keyPrefix };
}

function tokensOf({ tokensFile }: RiskSection): Tokens {
  if (tokensFile === null) throw new FarhandError('FARHAND_CONFIG_INVALID', 'risk.tokensFile is null: a file with the tokens of the policy points is required (see docs/operations.md)');
  return Tokens.open(tokensFile);
}

function tlsOf({ certFile, keyFile }: RiskSection): { cert: string; key: string } | null {
  if (certFile === null || keyFile === null) return null;
  const read = (name: string, file: string): string => {
    try {
      return readFileSync(file, 'utf8');
    } catch (error) {
      throw new FarhandError('FARHAND_CONFIG_INVALID', `risk.${name} is ${JSON.stringify(file)}: ${(error as Error).message}`, { cause: error });
    }
  };
  return { cert: read('certFile', certFile), key: read('keyFile', keyFile) };
}

async function watchTokens(host: Host, tokens: Tokens, pollMs: number): Promise<void> {
  while (!host.signal.aborted) {
    await host.clock.sleep(pollMs, host.signal);
    try {
      if (tokens.refresh()) host.logger.info({ event: 'risk.tokens' });
    } catch (error) {
      host.logger.error({ event: 'risk.tokensRefused', error: (error as Error).message });
    }
  }
}
