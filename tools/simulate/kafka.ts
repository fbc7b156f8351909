/** Opens what `--kafka` needs, out of the configuration: the log, the topic names, the schema ids. */
import { readFileSync } from 'node:fs';
import { HISTORY_RECORDS } from '#lib/codec/decoder.ts';
import { registrySchemaSource } from '#lib/codec/registry.ts';
import { fileSchemaSource, type SchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { type KafkaSection, kafkaSectionSchema, type RegistrySection, registrySectionSchema, type TopicsSection, topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { readSecret } from '#lib/kernel/config-secret.ts';
import { KAFKA_DEFAULTS, openKafkaLog, type OpenKafkaOptions } from '#lib/log/kafka.ts';
import type { Log } from '#lib/log/log.ts';

const definition = defineConfig({ kafka: kafkaSectionSchema, topics: topicsSectionSchema, registry: registrySectionSchema });

export interface TelemetryLog {
  log: Log;
  topics: TopicsSection;
  source: SchemaSource;
}

/** FARHAND_LOG_UNAVAILABLE where no broker answers, FARHAND_CONFIG_INVALID for a wrong setting. */
export async function openTelemetryLog(configFile: string | null): Promise<TelemetryLog> {
  const { kafka, topics, registry } = definition.load({ file: configFile });
  const source = sourceOf(registry, topics);
  await source.prepareWriters(HISTORY_RECORDS);
  const log = await openKafkaLog({ ...KAFKA_DEFAULTS, brokers: kafka.brokers, clientId: `${kafka.clientId}-simulate`, clock: systemClock, ...security(kafka) });
  return { log, topics, source };
}

function security({ tls, sasl }: KafkaSection): Pick<OpenKafkaOptions, 'ssl' | 'sasl'> {
  const read = (path: string | null): { file: string } | null => (path === null ? null : { file: readFileSync(path, 'utf8') });
  const ca = read(tls.caFile);
  const cert = read(tls.certFile);
  const key = read(tls.keyFile);
  const ssl = { ...(ca && { ca: [ca.file] }), ...(cert && { cert: cert.file }), ...(key && { key: key.file }) };
  const password = readSecret(sasl.password, sasl.passwordFile, 'kafka.sasl.passwordFile') ?? '';
  const username = sasl.username ?? '';
  const mechanism = sasl.mechanism?.toLowerCase() as 'plain' | 'scram-sha-256' | 'scram-sha-512' | undefined;
  return {
    ...(tls.enabled && { ssl }),
    ...(mechanism !== undefined && { sasl: { mechanism, username, password } as NonNullable<OpenKafkaOptions['sasl']> }),
  };
}

function sourceOf(registry: RegistrySection, topics: TopicsSection): SchemaSource {
  if (registry.url === null) return fileSchemaSource();
  const password = readSecret(registry.password, registry.passwordFile, 'registry.passwordFile');
  return registrySchemaSource({
    urls: [registry.url],
    register: registry.registerSchemas,
    timeoutMs: registry.requestTimeoutMs,
    topics: { KeystrokeLatency: topics.keystrokeLatency, Connection: topics.connection },
    ...(registry.username !== null && password !== null && { username: registry.username, password }),
  });
}
