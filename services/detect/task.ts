/** Detect as the runner drives it on Kafka: framed enriched events in, framed findings out, keyed by person. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { PART_RECORDS } from '#lib/runner/parts.ts';
import type { ErasingTask } from '#lib/runner/erasure.ts';
import type { Emitter, Left, RawRecord } from '#lib/runner/task.ts';
import type { SiemWriter } from '#lib/siem/writer.ts';
import type { EnrichedEvent, SuspiciousSession } from '#schemas/records.ts';
import { FleetLink, type FleetLinkParts } from './fleet/link.ts';
import { findingsEmitter } from './outputs.ts';
import { LOOK_COST_MAX } from './steps/active-people.ts';
import { SharedDatabases } from './steps/shared-databases.ts';
import { buildDetect, type DetectOptions, type DetectStats } from './topology.ts';

export interface DetectTaskParts extends DetectOptions {
  /** Reads the records of ENRICHED_RECORDS. */
  readonly decoder: RecordDecoder<EnrichedEvent>;
  /** Its source must have prepared SuspiciousSession. */
  readonly encoder: FramedEncoder;
  /** Absent: no topics for the SIEM. */
  readonly siem?: SiemWriter;
  /** The exchange between people; absent: nothing is exchanged. */
  readonly fleet?: FleetLinkParts;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (batch: DetectBatch) => void;
}

export interface DetectBatch {
  readonly events: number;
  readonly findings: readonly SuspiciousSession[];
  readonly stats: DetectStats;
}

export function createDetectTask({ decoder, encoder, siem, fleet, onBatch, lookCostMax = LOOK_COST_MAX, ...options }: DetectTaskParts): ErasingTask {
  const pipeline = buildDetect({ ...options, lookCostMax });
  const emit = findingsEmitter(encoder, siem);
  const databases = new SharedDatabases();
  const link = fleet === undefined ? null : new FleetLink(options.config, pipeline, fleet);

  function run(batch: readonly RawRecord[], emitter: Emitter): Left {
    const findings: SuspiciousSession[] = [];
    let events: EnrichedEvent[] = [];
    let [left, shown] = [0, 0];
    const show = (): void => {
      findings.push(...pipeline.process(events));
      shown += events.length;
      events = [];
    };
    if (link !== null) for (const record of batch) if (link.isFact(record)) link.hear(record);
    const through = link === null ? Infinity : link.shownThrough;
    for (const record of batch) {
      if (link?.isFact(record) === true) continue;
      if (left > 0) {
        left++;
        continue;
      }
      const decoded = decoder.decode(record);
      if (!decoded.ok) {
        // Enrich wrote these bytes: they are ours, so this is a fault and not a poison message to step over.
        const { topic, partition, offset } = record;
        throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${decoded.reason} ${decoded.detail}`);
      }
      const { event } = decoded;
      if (event.type === 'EnrichedConnection') event.network.databases = databases.of(event.network.databases);
      const { observedAt } = event.event;
      if (link?.meets(observedAt) === true) {
        show();
        findings.push(...link.settle());
      }
      if (observedAt > through) left++;
      else if (events.push(event) >= PART_RECORDS) show();
    }
    show();
    if (link === null) pipeline.takeReports();
    else findings.push(...link.report(emitter));
    emit(findings, emitter);
    onBatch?.({ events: shown, findings, stats: pipeline.stats() });
    return left;
  }

  return {
    process(batch, emitter) {
      const waiting = decoder.prepare(batch);
      const facts = link?.prepare(batch);
      if (waiting === undefined && facts === undefined) return run(batch, emitter);
      return Promise.all([waiting, facts]).then(() => run(batch, emitter));
    },
    resume: () => pipeline.resume(),
    busy: () => pipeline.busy,
    idle: () => link?.idle(emit) ?? null,
    flush(emitter) {
      emit(pipeline.flush(), emitter);
    },
    erase(request, emitter) {
      link?.erase(request, emitter);
      return pipeline.erase(request.tenantId, request.userId);
    },
  };
}
