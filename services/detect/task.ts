/** Detect as the runner drives it on Kafka: framed enriched events in, framed findings out, keyed by person. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ErasingTask } from '#lib/runner/erasure.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import type { SiemWriter } from '#lib/siem/writer.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { DETECT_OUTPUTS } from './outputs.ts';
import { buildDetect, type DetectOptions, type DetectStats } from './topology.ts';

export interface DetectTaskParts extends DetectOptions {
  /** Reads the records of ENRICHED_RECORDS. */
  readonly decoder: RecordDecoder<EnrichedEvent>;
  /** Its source must have prepared SuspiciousSession. */
  readonly encoder: FramedEncoder;
  /** Absent: no topics for the SIEM. */
  readonly siem?: SiemWriter;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (batch: DetectBatch) => void;
}

export interface DetectBatch {
  readonly events: number;
  readonly findings: readonly SuspiciousSession[];
  readonly stats: DetectStats;
}

export function createDetectTask({ decoder, encoder, siem, onBatch, ...options }: DetectTaskParts): ErasingTask {
  const pipeline = buildDetect(options);

  function emit(findings: readonly SuspiciousSession[], emitter: Emitter): void {
    for (const finding of findings) {
      const key = Buffer.from(`${finding.tenantId}|${finding.userId}`, 'utf8');
      emitter.emit(DETECT_OUTPUTS.suspiciousSessions, key, encoder.encode('SuspiciousSession', finding), finding.windowEnd);
    }
    siem?.write(findings, emitter);
  }

  function run(batch: readonly RawRecord[], emitter: Emitter): void {
    const events: EnrichedEvent[] = [];
    for (const record of batch) {
      const decoded = decoder.decode(record);
      if (!decoded.ok) {
        // Enrich wrote these bytes: they are ours, so this is a fault and not a poison message to step over.
        const { topic, partition, offset } = record;
        throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${decoded.reason} ${decoded.detail}`);
      }
      events.push(decoded.event);
    }
    const findings = pipeline.process(events);
    // Nobody takes them here yet.
    pipeline.takeReports();
    emit(findings, emitter);
    onBatch?.({ events: events.length, findings, stats: pipeline.stats() });
  }

  return {
    process(batch, emitter) {
      const waiting = decoder.prepare(batch);
      return waiting === undefined ? run(batch, emitter) : waiting.then(() => run(batch, emitter));
    },
    flush(emitter) {
      emit(pipeline.flush(), emitter);
    },
    erase: (tenantId, userId) => pipeline.erase(tenantId, userId),
  };
}
