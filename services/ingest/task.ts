/** Ingest as the runner drives it on Kafka: framed Avro in, the same records out, keyed by person. */
import type { FramedEncoder } from '#lib/codec/encode.ts';
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Emitter, RawRecord, Task } from '#lib/runner/task.ts';
import type { TaskState } from '#lib/state/state.ts';
import type { DeadLetter, TelemetryEvent } from '#schemas/records.ts';
import type { IngestConfig } from './config.ts';
import { emitDeadLetter } from './dead-letter.ts';
import { INGEST_OUTPUTS } from './outputs.ts';
import type { TelemetryDecoder } from './steps/decode.ts';
import { buildIngest, type IngestPipeline } from './topology.ts';

export interface IngestTaskParts {
  readonly config: IngestConfig;
  readonly decoder: TelemetryDecoder;
  /** Its source must have prepared KeystrokeLatency, Connection and DeadLetter. */
  readonly encoder: FramedEncoder;
  readonly state: TaskState;
  readonly pseudonymiser?: Pseudonymiser;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (batch: IngestBatch) => void;
}

export interface IngestBatch {
  readonly events: number;
  readonly duplicates: number;
  readonly deadLetters: readonly DeadLetter[];
  readonly seen: IngestPipeline['seen'];
}

/** `tenantId|userId`, UTF-8: everything about one person lies on one partition. */
export function personKey(event: Pick<TelemetryEvent, 'tenantId' | 'userId'>): Buffer {
  return Buffer.from(`${event.tenantId}|${event.userId}`, 'utf8');
}

export function createIngestTask({ encoder, onBatch, ...parts }: IngestTaskParts): Task {
  const pipeline = buildIngest(parts);

  function run(batch: readonly RawRecord[], emitter: Emitter): void {
    const { events, deadLetters, observedAt, duplicates } = pipeline.process(batch);
    for (const event of events) {
      emitter.emit(INGEST_OUTPUTS.events, personKey(event), encoder.encode(event.type, event), event.observedAt);
    }
    for (const letter of deadLetters) emitDeadLetter(letter, observedAt.get(letter), encoder, emitter);
    onBatch?.({ events: events.length, duplicates, deadLetters, seen: pipeline.seen });
  }

  return {
    process(batch, emitter) {
      const waiting = pipeline.prepare(batch);
      return waiting === undefined ? run(batch, emitter) : waiting.then(() => run(batch, emitter));
    },
    flush() {
      // Ingest waits for nothing: every record leaves in the batch that brought it.
    },
  };
}
