/** The detect worker on Kafka: farhand.enriched.v1 → farhand.suspicious-sessions.v1 and the topics of the SIEM. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { kafkaOptionsOf } from '#lib/log/kafka-section.ts';
import { openKafkaLog } from '#lib/log/kafka.ts';
import { growthInto, type Metrics } from '#lib/observe/metrics.ts';
import { ERASURE_RECEIPTS, withErasures } from '#lib/runner/erasure.ts';
import { Host } from '#lib/runner/host.ts';
import type { UpstreamStage } from '#lib/runner/options.ts';
import { openSchemas } from '#lib/runner/schemas.ts';
import { parseWorkerArguments } from '#lib/runner/worker-args.ts';
import { siemOutputsOf, siemSectionSchema } from '#lib/siem/config.ts';
import { thresholdsOf } from '#lib/siem/severity.ts';
import { createSiemWriter } from '#lib/siem/writer.ts';
import { detectConfigSchema } from './config.ts';
import { openFleet } from './fleet/host.ts';
import { SIGNALS } from './model/signals.ts';
import { DETECT_OUTPUTS } from './outputs.ts';
import { createDetectTask, type DetectBatch } from './task.ts';

const definition = defineConfig({ ...sharedSections, siem: siemSectionSchema, detect: detectConfigSchema });

/** Whose work a task of detect waits for. */
const stagesBefore = (groupIdPrefix: string, topics: Readonly<Record<'keystrokeLatency' | 'connection' | 'events', string>>): readonly UpstreamStage[] => [
  { application: `${groupIdPrefix}-ingest`, inputs: [topics.keystrokeLatency, topics.connection] },
  { application: `${groupIdPrefix}-enrich`, inputs: [topics.events] },
];

export function main(args: string[]): Promise<number> {
  const config = definition.load({ file: parseWorkerArguments('detect', args).config });
  const { kafka, topics, registry, detect } = config;
  const siem = createSiemWriter(siemOutputsOf(config.siem, topics), thresholdsOf(detect.fusion));
  const host = new Host('detect', config);
  return host.run(async () => {
    const log = await openKafkaLog(kafkaOptionsOf(kafka, host.clock, host.kafkaHooks));
    host.add({ name: 'log', close: () => log.close() });
    const source = await openSchemas(registry, topics, ['SuspiciousSession', 'FleetReport', 'FleetFact', 'FleetProgress']);
    const decoder = avroRecordDecoder({ source, names: ENRICHED_RECORDS });
    const encoder = framedEncoder(source);
    const fleet = await openFleet({ log, topics, source, encoder, detect, metrics: host.metrics });
    const count = countBatches(host.metrics, () => host.clock.nowMs());
    return {
      log,
      service: {
        inputs: [topics.enriched],
        controls: [topics.erasures, ...fleet.controls],
        ...(detect.fleet.enabled ? { idleAfterMs: detect.fleet.idlePartitionMs, upstream: stagesBefore(kafka.groupIdPrefix, topics) } : {}),
        outputs: { [DETECT_OUTPUTS.suspiciousSessions]: topics.suspiciousSessions, ...siem.topics, [ERASURE_RECEIPTS]: topics.erasureReceipts, ...fleet.outputs },
        changelog: topics.detectChangelog,
        createTask: (task, state) =>
          withErasures(createDetectTask({ config: detect, decoder, encoder, siem, state, onBatch: count(task), ...fleet.of(task) }), { topic: topics.erasures, service: 'detect', task }),
      },
      ...fleet.beside,
    };
  });
}

/** Metrics of the batches; by the chained host too. */
export function countBatches(metrics: Metrics, nowMs: () => number): (task: number) => (batch: DetectBatch) => void {
  const findings = metrics.counter('detect_findings_total', 'Revisions of findings.', { status: ['OPENED', 'ESCALATED', 'UPDATED', 'CLOSED'], severity: ['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] });
  const evidence = metrics.counter('detect_evidence_total', 'Pieces of evidence shown in revisions of open findings.', { signal: SIGNALS.map(({ name }) => name) });
  const events = metrics.counter('detect_events_total', 'Enriched events that were taken in.');
  const people = metrics.taskGauge('detect_people', 'People in the state of a task.');
  const active = metrics.taskGauge('detect_active_people', 'People with open windows or findings.');
  const late = metrics.counter('detect_late_events_total', 'Events whose window was closed already; they enter the longer windows only.');
  const early = metrics.counter('detect_closed_early_total', 'Windows and sessions that were closed early because a bound was reached.');
  const watermarks = watermarkGauges(metrics, nowMs);
  return (task) => {
    const [grewLate, grewEarly] = [growthInto(late), growthInto(early)];
    const labels = { task: String(task) };
    return (batch) => {
      events.inc(batch.events);
      for (const { status, severity, evidence: shown } of batch.findings) {
        findings.inc({ status, severity });
        if (status !== 'CLOSED') for (const { signal } of shown) evidence.inc({ signal });
      }
      people.set(labels, batch.stats.people);
      active.set(labels, batch.stats.active);
      grewLate(batch.stats.lateEvents);
      grewEarly(batch.stats.closedEarly);
      watermarks.set(labels.task, batch.stats.watermark);
    };
  };
}

/** Watermarks by task, epoch ms, as gauges that grow older by themselves. */
function watermarkGauges(metrics: Metrics, nowMs: () => number): Map<string, number> {
  const watermarks = new Map<string, number>();
  metrics.onForgetTasks(() => watermarks.clear());
  const show = (of: (watermark: number) => number) => (gauge: { set(labels: { task: string }, value: number): void }) => {
    for (const [task, watermark] of watermarks) if (Number.isFinite(watermark)) gauge.set({ task }, of(watermark) / 1_000);
  };
  metrics.taskGauge('detect_watermark_timestamp_seconds', 'Event time that three devices of a task have passed, seconds since the epoch.', {}, show((watermark) => watermark));
  metrics.taskGauge('detect_watermark_lag_seconds', 'How far that event time lies behind the clock of this worker.', {}, show((watermark) => nowMs() - watermark));
  return watermarks;
}
