/** The ingest worker on Kafka: telemetry.* → farhand.events.v1, rejects → farhand.dead-letter.v1. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { DEFAULT_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { growthInto, type Metrics } from '#lib/observe/metrics.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import { ingestConfigSchema } from './config.ts';
import { INGEST_OUTPUTS } from './outputs.ts';
import { createIngestTask, type IngestBatch } from './task.ts';

const definition = defineConfig({ ...sharedSections, ingest: ingestConfigSchema });

/** How long a task of ingest is at the end of its telemetry before it asks whether it holds the others up, ms. */
const IDLE_AFTER_MS = 200;

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('ingest', args).config });
  const { kafka, topics, registry, privacy, ingest } = config;
  const host = new Host('ingest', config);
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.kafkaHooks));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['KeystrokeLatency', 'Connection', 'DeadLetter']);
    const decoder = avroRecordDecoder({ source, limits: { ...DEFAULT_DECODE_LIMITS, recordBytesMax: ingest.recordBytesMax } });
    const encoder = framedEncoder(source);
    const pseudonymiser = createPseudonymiser(privacy);
    const count = countBatches(host.metrics);
    const partitions = await log.partitionsOf([topics.keystrokeLatency, topics.events]);
    const [tasks, eventPartitions] = [partitions.get(topics.keystrokeLatency)!, partitions.get(topics.events)!];
    return {
      log,
      service: {
        inputs: [topics.keystrokeLatency, topics.connection],
        arrivalRequired: ingest.arrivalTime === 'required',
        controls: [topics.ingestProgress],
        idleAfterMs: IDLE_AFTER_MS,
        outputs: { [INGEST_OUTPUTS.events]: topics.events, [INGEST_OUTPUTS.deadLetters]: topics.deadLetter, [INGEST_OUTPUTS.progress]: topics.ingestProgress },
        changelog: topics.ingestChangelog,
        createTask: (task, state) =>
          createIngestTask({ config: ingest, decoder, encoder, state, pseudonymiser, among: { task, tasks, eventPartitions, progress: topics.ingestProgress }, onBatch: count(task) }),
      },
    };
  });
}

/** Metrics of the batches; by the chained host too. */
export function countBatches(metrics: Metrics): (task: number) => (batch: IngestBatch) => void {
  const events = metrics.counter('ingest_events_total', 'Valid events without repeats.');
  const duplicates = metrics.counter('ingest_duplicates_total', 'Repeats that were dropped.');
  const rejected = metrics.counter('ingest_dead_letters_total', 'Records that were rejected.', { reason: 'the reasons of errors.md' });
  const seen = metrics.taskGauge('ingest_seen_event_ids', 'Event ids that the de-duplication remembers.');
  const forgotten = metrics.counter('ingest_forgotten_buckets_total', 'Buckets of the de-duplication that were forgotten because a bound was reached: repeats may pass.');
  return (task) => {
    const forget = growthInto(forgotten);
    return (batch) => {
      events.inc(batch.events);
      duplicates.inc(batch.duplicates);
      for (const { reason } of batch.deadLetters) rejected.inc({ reason });
      seen.set({ task: String(task) }, batch.seen.entries);
      forget(batch.seen.forgottenBuckets);
    };
  };
}
