/**
 * The three services chained in one Kafka task: telemetry in; findings and dead letters out. Objects pass from stage to
 * stage, nothing is encoded in between; the state of ingest and detect lies in one changelog, and all of it commits in
 * one transaction. Everything about one person has to arrive on one partition: telemetry keyed by tenantId|userId.
 */
import type { FramedEncoder } from '#lib/codec/encode.ts';
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import { personKey } from '#lib/kernel/identity.ts';
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { ErasingTask } from '#lib/runner/erasure.ts';
import { partsOf } from '#lib/runner/parts.ts';
import type { Emitter, Left, RawRecord } from '#lib/runner/task.ts';
import type { SiemWriter } from '#lib/siem/writer.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import type { DetectConfig } from '../../../services/detect/config.ts';
import { FleetLink, type FleetLinkParts } from '../../../services/detect/fleet/link.ts';
import { findingsEmitter } from '../../../services/detect/outputs.ts';
import type { DetectBatch } from '../../../services/detect/task.ts';
import { LOOK_COST_MAX } from '../../../services/detect/steps/active-people.ts';
import { buildDetect } from '../../../services/detect/topology.ts';
import type { EnrichConfig } from '../../../services/enrich/config.ts';
import type { Databases } from '../../../services/enrich/databases.ts';
import { buildEnrich } from '../../../services/enrich/topology.ts';
import type { IngestConfig } from '../../../services/ingest/config.ts';
import { emitDeadLetter } from '../../../services/ingest/dead-letter.ts';
import { DecodedAhead } from '../../../services/ingest/steps/decode-ahead.ts';
import type { TelemetryDecoder } from '../../../services/ingest/steps/decode.ts';
import type { IngestBatch } from '../../../services/ingest/task.ts';
import { buildIngest } from '../../../services/ingest/topology.ts';

export interface ChainedTaskParts {
  readonly config: { readonly ingest: IngestConfig; readonly enrich: EnrichConfig; readonly detect: DetectConfig };
  readonly decoder: TelemetryDecoder;
  /** Its source must have prepared SuspiciousSession and DeadLetter. */
  readonly encoder: FramedEncoder;
  readonly databases: Databases;
  readonly reference: ReferenceStore;
  readonly pseudonymiser: Pseudonymiser;
  readonly state: TaskState;
  readonly siem: SiemWriter;
  /** The exchange between people; absent: nothing is exchanged. */
  readonly fleet?: FleetLinkParts;
  /** Called once per part of a batch, for metrics. */
  readonly onBatch?: (ingest: IngestBatch, detect: DetectBatch) => void;
}

export function createChainedTask({ config, decoder, encoder, databases, reference, pseudonymiser, state, siem, fleet, onBatch }: ChainedTaskParts): ErasingTask {
  const keyed = keyedDecoder(decoder);
  const decoded = new DecodedAhead(keyed);
  const ingest = buildIngest({ config: config.ingest, decoder: decoded, state, pseudonymiser });
  const enrich = buildEnrich({ config: config.enrich, databases, reference });
  const detect = buildDetect({ config: config.detect, state, lookCostMax: LOOK_COST_MAX });
  const emitFindings = findingsEmitter(encoder, siem);
  const link = fleet === undefined ? null : new FleetLink(config.detect, detect, fleet);

  function run(batch: readonly RawRecord[], emitter: Emitter): Left {
    if (batch.length === 0) runShown(batch, emitter);
    if (link === null) return runParts(batch, (part) => runShown(part, emitter));
    for (const record of batch) if (link.isFact(record)) link.hear(record);
    const telemetry = batch.filter((record) => !link.isFact(record));
    const timeOf = (record: RawRecord): number | null => decoded.timesOf(record, config.ingest.clockAheadMsMax)?.observedAt ?? null;
    const left = runParts(telemetry, (part) => {
      const shown = showKnown(link, part, timeOf, (known) => runShown(known, emitter), (findings) => emitFindings(findings, emitter));
      decoded.clear();
      return part.length - shown;
    });
    emitFindings(link.report(emitter), emitter);
    return left;
  }

  function runShown(batch: readonly RawRecord[], emitter: Emitter): void {
    const { events, deadLetters, observedAt, duplicates } = ingest.process(batch);
    for (const letter of deadLetters) emitDeadLetter(letter, observedAt.get(letter), encoder, emitter);
    const enriched = enrich.process(events);
    // A store that waits could fail after the state of ingest was touched; the memory store never does.
    assert(!(enriched instanceof Promise), 'a chained task has its reference data in memory');
    const findings = detect.process(enriched);
    if (link === null) detect.takeReports();
    emitFindings(findings, emitter);
    onBatch?.({ events: events.length, duplicates, deadLetters, seen: ingest.seen }, { events: events.length, findings, stats: detect.stats() });
  }

  return {
    process(batch, emitter) {
      const waiting = ingest.prepare(batch);
      const facts = link?.prepare(batch);
      if (waiting === undefined && facts === undefined) return run(batch, emitter);
      return Promise.all([waiting, facts]).then(() => run(batch, emitter));
    },
    resume: () => detect.resume(),
    busy: () => detect.busy,
    idle: () => link?.idle(emitFindings) ?? null,
    flush(emitter) {
      emitFindings(detect.flush(), emitter);
    },
    erase(request, emitter) {
      link?.erase(request, emitter);
      return detect.erase(request.tenantId, request.userId);
    },
  };
}

/** Part after part, until one leaves something; answers how much is left of all. */
function runParts(records: readonly RawRecord[], run: (part: readonly RawRecord[]) => Left): Left {
  let waiting = records.length;
  for (const part of partsOf(records)) {
    const left = run(part) ?? 0;
    waiting -= part.length - left;
    if (left > 0) return waiting;
  }
}

/** Shows telemetry up to the first record whose facts are not known yet; answers how many that were. */
function showKnown(link: FleetLink, telemetry: readonly RawRecord[], timeOf: (record: RawRecord) => number | null, show: (part: readonly RawRecord[]) => void, found: (findings: readonly SuspiciousSession[]) => void): number {
  const through = link.shownThrough;
  let [shown, at] = [0, 0];
  for (; at < telemetry.length; at++) {
    const time = timeOf(telemetry[at]!);
    if (time === null) continue;
    if (link.meets(time)) {
      show(telemetry.slice(shown, at));
      shown = at;
      found(link.settle());
    }
    if (time > through) break;
  }
  show(shown === 0 && at === telemetry.length ? telemetry : telemetry.slice(shown, at));
  return at;
}

/**
 * Refuses to work on telemetry that is keyed otherwise: a person's events would be spread over tasks that do not know
 * of each other, and findings would be missed without a sign. The ingest worker re-keys, the chained job cannot.
 */
function keyedDecoder(decoder: TelemetryDecoder): TelemetryDecoder {
  return {
    prepare: (batch) => decoder.prepare(batch),
    decode(record) {
      const result = decoder.decode(record);
      if (result.ok && !isKey(record.key, result.event.tenantId, result.event.userId)) {
        const { topic, partition, offset } = record;
        const text = 'not keyed by tenantId|userId, as farhand embedded --kafka needs it; the separate workers (farhand ingest, enrich, detect) re-key';
        throw new FarhandError('FARHAND_POISON_RECORD', `${topic}/${partition}@${offset}: ${text}`);
      }
      return result;
    },
  };
}

const BAR = 0x7c;

/** Whether the key's bytes are `tenantId|userId`, without making a string. */
function isKey(key: Uint8Array | null, tenantId: string, userId: string): boolean {
  if (key === null) return false;
  const split = tenantId.length;
  if (key.length !== split + 1 + userId.length || key[split] !== BAR) return isKeyUtf8(key, tenantId, userId);
  for (let i = 0; i < split; i++) if (key[i] !== tenantId.charCodeAt(i)) return isKeyUtf8(key, tenantId, userId);
  for (let i = 0; i < userId.length; i++) if (key[split + 1 + i] !== userId.charCodeAt(i)) return isKeyUtf8(key, tenantId, userId);
  return true;
}

/** Where names are beyond ASCII. An event without a name of its person is refused by the validation, not here. */
function isKeyUtf8(key: Uint8Array, tenantId: string, userId: string): boolean {
  return tenantId === '' || userId === '' || personKey({ tenantId, userId }).equals(key);
}
