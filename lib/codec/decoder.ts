/** The port through which every host decodes records: one implementation for framed Avro, one for NDJSON lines. */
import type { RawRecord } from '#lib/runner/task.ts';
import type {
  Connection,
  DeadLetter,
  DeadLetterReason,
  DeviceAssignment,
  EnrichedConnection,
  EnrichedKeystrokes,
  Feedback,
  FleetFact,
  FleetProgress,
  FleetReport,
  KeystrokeLatency,
  NetworkPolicy,
  SuspiciousSession,
  Vantage,
} from '#schemas/records.ts';

/** Record name → TypeScript shape, for every Avro record of schemas/. */
export interface RecordTypes {
  KeystrokeLatency: KeystrokeLatency;
  Connection: Connection;
  DeviceAssignment: DeviceAssignment;
  Vantage: Vantage;
  NetworkPolicy: NetworkPolicy;
  Feedback: Feedback;
  SuspiciousSession: SuspiciousSession;
  EnrichedKeystrokes: EnrichedKeystrokes;
  EnrichedConnection: EnrichedConnection;
  DeadLetter: DeadLetter;
  FleetReport: FleetReport;
  FleetFact: FleetFact;
  FleetProgress: FleetProgress;
}

export type RecordName = keyof RecordTypes;

export const TELEMETRY_RECORDS = ['KeystrokeLatency', 'Connection'] as const satisfies readonly RecordName[];
export const REFERENCE_RECORDS = ['DeviceAssignment', 'Vantage', 'NetworkPolicy', 'Feedback'] as const satisfies readonly RecordName[];
export const HISTORY_RECORDS = [...TELEMETRY_RECORDS, ...REFERENCE_RECORDS] as const;
export const ENRICHED_RECORDS = ['EnrichedKeystrokes', 'EnrichedConnection'] as const satisfies readonly RecordName[];
/** The exchange between people: what the exchange reads, and what detect reads of it. */
export const FLEET_REPORT_RECORDS = ['FleetReport', 'FleetProgress'] as const satisfies readonly RecordName[];
export const FLEET_FACT_RECORDS = ['FleetFact', 'FleetProgress'] as const satisfies readonly RecordName[];

/**
 * `arrivedAt` (epoch ms or null) is what the record itself says (NDJSON `arrivedAt`), else what the log says.
 * A refusal carries a stable reason and a detail that names the field; the original bytes are in the RawRecord.
 */
export type DecodeResult<T> =
  | { readonly ok: true; readonly event: T; readonly arrivedAt: number | null }
  | { readonly ok: false; readonly reason: DeadLetterReason; readonly detail: string };

export interface RecordDecoder<T> {
  /**
   * Fetches the writer schemas of a batch that are not known yet. Answers undefined when there is nothing to wait
   * for. Rejects with FARHAND_REGISTRY_UNAVAILABLE (retriable) when the registry is away: that is back-pressure,
   * never a reason to refuse a record.
   */
  prepare(batch: readonly RawRecord[]): undefined | Promise<void>;
  /** Never throws for what is in the bytes, however hostile; the event has the full TypeScript shape. */
  decode(record: RawRecord): DecodeResult<T>;
}
