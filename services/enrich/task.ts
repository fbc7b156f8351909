/** Enrich as the runner drives it on Kafka: framed telemetry in, framed enriched events out, keyed as their input. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { TelemetryEncoder } from '#lib/codec/encode.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Emitter, RawRecord, Task } from '#lib/runner/task.ts';
import type { EnrichedEvent, TelemetryEvent } from '#schemas/records.ts';
import { ENRICH_OUTPUTS } from './outputs.ts';
import { buildEnrich, type EnrichParts } from './topology.ts';

export interface EnrichTaskParts extends EnrichParts {
  readonly decoder: RecordDecoder<TelemetryEvent>;
  /** Its source must have prepared EnrichedKeystrokes, EnrichedConnection and the two records of telemetry. */
  readonly encoder: TelemetryEncoder;
  /** Called once per batch, for metrics. */
  readonly onBatch?: (events: readonly EnrichedEvent[]) => void;
}

export function createEnrichTask({ decoder, encoder, onBatch, ...parts }: EnrichTaskParts): Task {
  const pipeline = buildEnrich(parts);

  function emit(batch: readonly RawRecord[], events: readonly EnrichedEvent[], emitter: Emitter): void {
    for (let i = 0; i < events.length; i++) {
      const event = events[i]!;
      const { key, value: frame } = batch[i]!;
      const passes = frame !== null && encoder.mayPass(event.event.type, frame);
      emitter.emit(ENRICH_OUTPUTS.enriched, key, passes ? encoder.encodeAround(frame, event) : encoder.encode(event.type, event as never), event.event.observedAt);
    }
    onBatch?.(events);
  }

  function run(batch: readonly RawRecord[], emitter: Emitter): void | Promise<void> {
    const enriched = pipeline.process(batch.map((record) => decodeOwn(decoder, record)));
    return enriched instanceof Promise ? enriched.then((events) => emit(batch, events, emitter)) : emit(batch, enriched, emitter);
  }

  return {
    process(batch, emitter) {
      const waiting = decoder.prepare(batch);
      return waiting === undefined ? run(batch, emitter) : waiting.then(() => run(batch, emitter));
    },
    flush() {
      // Enrich waits for nothing: every event leaves in the batch that brought it.
    },
  };
}

/** The input is ingest's own output: a record that does not decode is a broken pipeline, not a broken sensor. */
function decodeOwn(decoder: RecordDecoder<TelemetryEvent>, record: RawRecord): TelemetryEvent {
  const result = decoder.decode(record);
  if (result.ok) return result.event;
  throw new FarhandError('FARHAND_POISON_RECORD', `${record.topic}/${record.partition}@${record.offset}: ${result.reason}, ${result.detail}`);
}
