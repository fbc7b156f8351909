/** Bytes → records, through the decoder that the host chose (framed Avro, NDJSON). */
import type { DecodeResult, RecordDecoder } from '#lib/codec/decoder.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { reject, type Item, type Rejection } from './outcome.ts';

export type TelemetryDecoder = RecordDecoder<TelemetryEvent>;

type Decoded = { readonly kind: 'ok'; readonly item: Item } | Rejection;

function decodeOne(decoder: TelemetryDecoder, raw: RawRecord): Decoded {
  if (raw.value === null || raw.value.byteLength === 0) return reject('EMPTY', 'the record has no value');
  const result: DecodeResult<TelemetryEvent> = decoder.decode(raw);
  if (!result.ok) return reject(result.reason, result.detail);
  return { kind: 'ok', item: { raw, event: result.event, arrivedAt: result.arrivedAt, asItCame: true } };
}

export function createDecodeStep(decoder: TelemetryDecoder): (batch: readonly RawRecord[]) => Decoded[] {
  return function decode(batch: readonly RawRecord[]): Decoded[] {
    const outcomes: Decoded[] = Array.from({ length: batch.length });
    for (let i = 0; i < batch.length; i++) outcomes[i] = decodeOne(decoder, batch[i]!);
    return outcomes;
  };
}
