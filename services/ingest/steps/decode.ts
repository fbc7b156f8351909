/** Bytes → records, through the decoder that the host chose (framed Avro, NDJSON). */
import type { DecodeResult, RecordDecoder } from '#lib/codec/decoder.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { reject, type Item, type Rejection } from './outcome.ts';

export type TelemetryDecoder = RecordDecoder<TelemetryEvent>;

/** Decodes a record and puts it behind `items`, or says why it cannot be. */
export type DecodeStep = (raw: RawRecord, items: Item[]) => Rejection | null;

/** Whatever the decoder calls it. */
const NO_VALUE = reject('EMPTY', 'the record has no value');

export function createDecodeStep(decoder: TelemetryDecoder): DecodeStep {
  return function decode(raw: RawRecord, items: Item[]): Rejection | null {
    const result: DecodeResult<TelemetryEvent> = decoder.decode(raw);
    if (!result.ok) return raw.value === null || raw.value.byteLength === 0 ? NO_VALUE : reject(result.reason, result.detail);
    items.push({ raw, event: result.event, arrivedAt: result.arrivedAt, asItCame: true });
    return null;
  };
}
