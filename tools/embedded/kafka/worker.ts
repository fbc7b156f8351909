/** One process of `farhand embedded --kafka`: telemetry.* → findings and dead letters, without topics in between. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { DEFAULT_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import { ERASURE_RECEIPTS, withErasures } from '#lib/runner/erasure.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { detectConfigSchema } from '../../../services/detect/config.ts';
import { openFleet } from '../../../services/detect/fleet/host.ts';
import { countBatches as countDetect } from '../../../services/detect/main.ts';
import { DETECT_OUTPUTS } from '../../../services/detect/outputs.ts';
import { enrichConfigSchema } from '../../../services/enrich/config.ts';
import { loadReference, watchDatabases } from '../../../services/enrich/host-parts.ts';
import { ingestConfigSchema } from '../../../services/ingest/config.ts';
import { countBatches as countIngest } from '../../../services/ingest/main.ts';
import { INGEST_OUTPUTS } from '../../../services/ingest/outputs.ts';
import { createChainedTask, type ChainedTaskParts } from './chained-task.ts';

const definition = defineConfig({ ...sharedSections, siem: siemSectionSchema, ingest: ingestConfigSchema, enrich: enrichConfigSchema, detect: detectConfigSchema });

/** The configuration of the chained job; Redis is not part of the job, its section only may be there. */
export function loadChainedConfig(file: string | null): ReturnType<typeof definition.load> {
  return definition.load({ file });
}

/** Runs until a signal; answers the exit status. */
export function runChainedWorker(file: string | null): Promise<number> {
  const config = loadChainedConfig(file);
  const { kafka, topics, registry, privacy, ingest, enrich, detect } = config;
  const siem = createSiemWriter(siemOutputsOf(config.siem, topics), thresholdsOf(detect.fusion));
  const host = new Host('chained', config);
  endWithParent();
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.kafkaHooks));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['DeadLetter', 'SuspiciousSession', 'FleetReport', 'FleetFact', 'FleetProgress']);
    const databases = await watchDatabases(host, enrich);
    const pseudonymiser = createPseudonymiser(privacy);
    const reference = createMemoryReference({
      findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, detect.rulesName),
      onRefused: (record, detail) => host.logger.error({ event: 'reference.refused', type: record.type, detail }),
    });
    await loadReference(host, { log, topics, source, reference, pseudonymiser });
    const decoder = avroRecordDecoder({ source, limits: { ...DEFAULT_DECODE_LIMITS, recordBytesMax: ingest.recordBytesMax } });
    const encoder = framedEncoder(source);
    const fleet = await openFleet({ log, topics, source, encoder, detect, metrics: host.metrics });
    const [countReceived, countFound] = [countIngest(host.metrics), countDetect(host.metrics, () => host.clock.nowMs())];
    return {
      log,
      service: {
        inputs: [topics.keystrokeLatency, topics.connection],
        arrivalRequired: ingest.arrivalTime === 'required',
        controls: [topics.erasures, ...fleet.controls],
        idleAfterMs: detect.fleet.idlePartitionMs,
        outputs: { [DETECT_OUTPUTS.suspiciousSessions]: topics.suspiciousSessions, ...siem.topics, [INGEST_OUTPUTS.deadLetters]: topics.deadLetter, [ERASURE_RECEIPTS]: topics.erasureReceipts, ...fleet.outputs },
        changelog: topics.chainedChangelog,
        createTask: (task, state) => {
          const [onReceived, onFound] = [countReceived(task), countFound(task)];
          const onBatch: ChainedTaskParts['onBatch'] = (received, found) => {
            onReceived(received);
            onFound(found);
          };
          const chained = createChainedTask({ config: { ingest, enrich, detect }, decoder, encoder, databases, reference, pseudonymiser, state, siem, onBatch, ...fleet.of(task) });
          return withErasures(chained, { topic: topics.erasures, service: 'chained', task });
        },
      },
      ...fleet.beside,
    };
  });
}

/** A child of `--workers N` whose parent was killed drains and leaves, instead of going on unsupervised. */
function endWithParent(): void {
  if (process.channel === undefined) return;
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
  process.channel?.unref();
}
