/**
 * Ingest as the runner drives it on Kafka: framed Avro in, the same records out, keyed by person. Where that moves people to
 * other partitions, tasks do not run ahead of each other (alignment.ts).
 */
import { isPlainPersonKey, personKey } from '#lib/kernel/identity.ts';
import type { TelemetryEncoder } from '#lib/codec/encode.ts';
import { NO_PSEUDONYMS, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import type { Emitter, Left, RawRecord, Task } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { AlignedTask, type IngestPlace } from './aligned-task.ts';
import type { IngestConfig } from './config.ts';
import { emitDeadLetter } from './dead-letter.ts';
import { INGEST_OUTPUTS } from './outputs.ts';
import { DecodedAhead } from './steps/decode-ahead.ts';
import type { TelemetryDecoder } from './steps/decode.ts';
import { buildIngest, type IngestPipeline } from './topology.ts';

export interface IngestTaskParts {
  readonly config: IngestConfig;
  readonly decoder: TelemetryDecoder;
  /** Its source must have prepared KeystrokeLatency, Connection and DeadLetter. */
  readonly encoder: TelemetryEncoder;
  readonly state: TaskState;
  readonly pseudonymiser?: Pseudonymiser;
  /** Where the task stands among the others; absent: it stands alone. */
  readonly among?: IngestPlace;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (batch: IngestBatch) => void;
}

export interface IngestBatch {
  readonly events: number;
  readonly duplicates: number;
  readonly deadLetters: readonly DeadLetter[];
  readonly seen: IngestPipeline['seen'];
}

/** Where the record came with the key that it should have, that one is handed on. */
function keyOf(tenantId: string, userId: string, key: Uint8Array | null): Uint8Array {
  return key !== null && isPlainPersonKey(key, tenantId, userId) ? key : personKey({ tenantId, userId });
}

export function createIngestTask({ encoder, onBatch, among, ...parts }: IngestTaskParts): Task {
  const { config, state, pseudonymiser = NO_PSEUDONYMS } = parts;
  const ahead = new DecodedAhead(parts.decoder);
  const pipeline = buildIngest({ ...parts, decoder: ahead });
  const aligned = among === undefined || config.alignMs === 0 ? null : new AlignedTask(among, config.alignMs, state);

  /**
   * Whether any of the records goes to another partition than it came from; what is rejected goes nowhere. Asked before the first
   * of them is written: a batch may span hours where telemetry is sparse, and would leave the people of slower tasks looking
   * as if they had stopped (seed 20337 of the simulation).
   */
  function anyMoves(telemetry: readonly RawRecord[], { task, eventPartitions }: IngestPlace): boolean {
    return telemetry.some((record) => {
      const decoded = ahead.look(record);
      if (!decoded.ok) return false;
      const { tenantId, userId } = decoded.event;
      const partition = partitionOf(keyOf(tenantId, pseudonymiser.userId(tenantId, userId), record.key), eventPartitions);
      return partition !== task && pipeline.admits(record);
    });
  }

  /** Answers the latest time among the events. */
  function run(batch: readonly RawRecord[], emitter: Emitter): number {
    const { events, items, deadLetters, observedAt, duplicates } = pipeline.process(batch);
    let latest = -Infinity;
    for (const { event, raw, asItCame } of items) {
      const frame = asItCame ? raw.value : null;
      if (event.observedAt > latest) latest = event.observedAt;
      const value = frame !== null && encoder.mayPass(event.type, frame) ? frame : encoder.encode(event.type, event);
      emitter.emit(INGEST_OUTPUTS.events, keyOf(event.tenantId, event.userId, raw.key), value, event.observedAt);
    }
    for (const letter of deadLetters) emitDeadLetter(letter, observedAt.get(letter), encoder, emitter);
    onBatch?.({ events: events.length, duplicates, deadLetters, seen: pipeline.seen });
    return latest;
  }

  /** As `run`, of as much as is not too far ahead of the other tasks; answers how many records are left. */
  function runAligned(batch: readonly RawRecord[], emitter: Emitter, aligned: AlignedTask): number {
    const telemetry = aligned.hear(batch);
    if (!aligned.alignment.active && anyMoves(telemetry, aligned.place)) aligned.alignment.rekeys();
    const { active } = aligned.alignment;
    const count = active ? aligned.countOf(telemetry, (record) => ahead.timesOf(record, config.clockAheadMsMax)) : telemetry.length;
    const latest = run(count === telemetry.length ? telemetry : telemetry.slice(0, count), emitter);
    if (!active) aligned.reached(telemetry, latest);
    ahead.clear();
    aligned.tell(emitter);
    return telemetry.length - count;
  }

  function take(batch: readonly RawRecord[], emitter: Emitter): Left {
    if (aligned !== null) return runAligned(batch, emitter, aligned);
    run(batch, emitter);
    return 0;
  }

  return {
    process(batch, emitter) {
      const waiting = pipeline.prepare(batch);
      return waiting === undefined ? take(batch, emitter) : waiting.then(() => take(batch, emitter));
    },
    idle: () => aligned?.idle() ?? null,
    flush() {
      // Ingest waits for nothing that it has been shown: every record leaves in the batch that brought it.
    },
  };
}
