/** Opens what `--kafka` needs, out of the configuration: the log, the topic names, the schema ids. */
import { HISTORY_RECORDS } from '#lib/codec/decoder.ts';
import type { SchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaSectionSchema, registrySectionSchema, type TopicsSection, topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import type { Log, LogTimes } from '#lib/log/log.ts';
import { openSchemas } from '#lib/runner/schemas.ts';

const definition = defineConfig({ kafka: kafkaSectionSchema, topics: topicsSectionSchema, registry: registrySectionSchema });

export interface TelemetryLog {
  log: Log & LogTimes;
  topics: TopicsSection;
  source: SchemaSource;
}

/** FARHAND_LOG_UNAVAILABLE where no broker answers, FARHAND_CONFIG_INVALID for a wrong setting. */
export async function openTelemetryLog(configFile: string | null): Promise<TelemetryLog> {
  const { kafka, topics, registry } = definition.load({ file: configFile });
  const source = await openSchemas(registry, topics, HISTORY_RECORDS);
  return { log: await openKafkaLog(kafkaOptionsOf(kafka, systemClock)), topics, source };
}
