/** The detect worker on Kafka: farhand.enriched.v1 → farhand.suspicious-sessions.v1 and the topics of the SIEM. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import type { Metrics } from '#lib/observe/metrics.ts';
import { Host } from '#lib/runner/host.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { detectConfigSchema } from './config.ts';
import { DETECT_OUTPUTS } from './outputs.ts';
import { createDetectTask, type DetectBatch } from './task.ts';

const definition = defineConfig({ ...sharedSections, siem: siemSectionSchema, detect: detectConfigSchema });

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('detect', args).config });
  const { kafka, topics, registry, detect } = config;
  const siem = createSiemWriter(siemOutputsOf(config.siem, topics), thresholdsOf(detect.fusion));
  const host = new Host('detect', config);
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.onKafkaLog));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['SuspiciousSession']);
    const decoder = avroRecordDecoder({ source, names: ENRICHED_RECORDS });
    const encoder = framedEncoder(source);
    const onBatch = countBatches(host.metrics);
    return {
      log,
      service: {
        inputs: [topics.enriched],
        outputs: { [DETECT_OUTPUTS.suspiciousSessions]: topics.suspiciousSessions, ...siem.topics },
        changelog: topics.detectChangelog,
        createTask: (task, state) => createDetectTask({ config: detect, decoder, encoder, siem, state, onBatch: (batch) => onBatch(task, batch) }),
      },
    };
  });
}

/** Metrics of the batches; by the chained host too. */
export function countBatches(metrics: Metrics): (task: number, batch: DetectBatch) => void {
  const findings = metrics.counter('detect_findings_total', 'Revisions of findings.', ['status', 'severity']);
  const people = metrics.gauge('detect_people', 'People in the state of a task.', ['task']);
  const active = metrics.gauge('detect_active_people', 'People with open windows or findings.', ['task']);
  const late = metrics.gauge('detect_late_events', 'Events whose window was closed already, since the start of the task.', ['task']);
  const early = metrics.gauge('detect_closed_early', 'Windows and sessions that were closed early because a bound was reached, since the start of the task.', ['task']);
  const watermark = metrics.gauge('detect_watermark_seconds', 'Event time that three devices of a task have passed, seconds since the epoch.', ['task']);
  return (task, batch) => {
    for (const { status, severity } of batch.findings) findings.inc({ status, severity });
    const labels = { task: String(task) };
    people.set(labels, batch.stats.people);
    active.set(labels, batch.stats.active);
    late.set(labels, batch.stats.lateEvents);
    early.set(labels, batch.stats.closedEarly);
    if (Number.isFinite(batch.stats.watermark)) watermark.set(labels, batch.stats.watermark / 1_000);
  };
}
