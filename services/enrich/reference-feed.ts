/** Brings the reference topics into the reference store: all that is there, then what comes, for as long as the worker runs. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { Clock } from '#lib/kernel/clock.ts';
import type { Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import type { Log, LogRecord } from '#lib/log/log.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import { startBroadcast, type Broadcast } from '#lib/runner/broadcast.ts';
import type { DeadLetterReason, ReferenceRecord } from '#schemas/records.ts';

export interface ReferenceFeedParts {
  readonly log: Log;
  readonly topics: readonly string[];
  /** Reads the records of REFERENCE_RECORDS. */
  readonly decoder: RecordDecoder<ReferenceRecord>;
  readonly reference: Pick<ReferenceStore, 'apply'>;
  /** That of ingest: the user of a device has to be named as the events name them. */
  readonly pseudonymiser: Pseudonymiser;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** A record that is left out, as it cannot be read. */
  readonly onUndecodable: (record: LogRecord, reason: DeadLetterReason) => void;
  /** The store or the registry is away; the same records are tried again. */
  readonly onRetry: (error: Error) => void;
}

export function startReferenceFeed({ log, topics, decoder, reference, pseudonymiser, clock, signal, onUndecodable, onRetry }: ReferenceFeedParts): Broadcast {
  const decode = (records: readonly LogRecord[]): ReferenceRecord[] => {
    const decoded: ReferenceRecord[] = [];
    for (const record of records) {
      if (record.value === null) continue; // a tombstone: versions end by validTo, never by deletion
      const result = decoder.decode(record);
      if (result.ok) decoded.push(pseudonymiser.reference(result.event));
      else onUndecodable(record, result.reason);
    }
    return decoded;
  };
  return startBroadcast({
    log,
    topics,
    clock,
    signal,
    apply: async (records) => {
      await decoder.prepare(records);
      await reference.apply(decode(records));
    },
    onRetry,
  });
}
