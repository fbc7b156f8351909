/** Runs a fleet through the product's own ingest → enrich → detect in one process and says what came of each session. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import type { ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import type { Databases } from '../../services/enrich/databases.ts';
import { createDetection } from '../embedded/detection.ts';
import { createEmbeddedPipeline, type EmbeddedConfig } from '../embedded/pipeline.ts';
import type { Fleet } from '../simulate/fleet.ts';
import type { Arrival, Label } from '../simulate/options.ts';
import type { Truth } from './cases/fleet.ts';
import { Outcomes, type SessionOutcome } from './outcome.ts';
import { type SessionVerdict, Verdicts } from './verdicts.ts';

export interface RunResult {
  events: number;
  rejected: number;
  duplicates: number;
  sessions: SessionOutcome[];
  /** Every revision of every finding, where they were asked for. */
  revisions: SuspiciousSession[];
  /** By name: what each further configuration found. */
  variants: Record<string, SessionVerdict[]>;
}

/** Stands for the bytes that are not there: an empty value would be refused. */
const PASSED = new Uint8Array(1);

/** Hands objects through the decoder's port without encoding: `offset` is the place in the current batch. */
class ObjectDecoder implements RecordDecoder<TelemetryEvent> {
  #batch: readonly TelemetryEvent[] = [];

  wrap(arrivals: readonly Arrival[]): RawRecord[] {
    this.#batch = arrivals.map(({ record }) => record as TelemetryEvent);
    return arrivals.map(({ arrivedAt }, offset) => ({ topic: 'fleet', partition: 0, offset, arrivedAt, key: null, value: PASSED }));
  }

  prepare(): undefined {
    return undefined;
  }

  decode(record: RawRecord): ReturnType<RecordDecoder<TelemetryEvent>['decode']> {
    return { ok: true, event: this.#batch[record.offset]!, arrivedAt: record.arrivedAt };
  }
}

const isTelemetry = ({ record }: Arrival): boolean => record.type === 'KeystrokeLatency' || record.type === 'Connection';

export interface RunOptions {
  config: EmbeddedConfig;
  databases?: Databases;
  truths?: readonly Truth[];
  keepRevisions?: boolean;
  /** Simple rules beside; default true. */
  rules?: boolean;
  /** Further configurations of detection over the same enriched events, by name. */
  variants?: ReadonlyMap<string, EmbeddedConfig>;
}

export async function runFleet(fleet: Fleet, { config, databases, truths = [], keepRevisions = false, rules = true, variants = new Map() }: RunOptions): Promise<RunResult> {
  const decoder = new ObjectDecoder();
  const personOf = new Map(fleet.people.map(({ sessionId, tenantId, userId }) => [`${tenantId}|${sessionId}`, userId]));
  const outcomes = new Outcomes(fleet.labels, truths, (label: Label) => personOf.get(`${label.tenantId}|${label.sessionId}`) ?? '', rules);
  const revisions: SuspiciousSession[] = [];
  const detection = createDetection(config, { trace: (trace) => outcomes.judged(trace) });
  const others = [...variants].map(([name, other]) => ({ name, detection: createDetection(other), verdicts: new Verdicts(fleet.labels) }));
  const found = (findings: readonly SuspiciousSession[]): void => {
    if (findings.length === 0) return;
    outcomes.found(findings);
    if (keepRevisions) revisions.push(...findings);
  };
  const pipeline = await createEmbeddedPipeline({
    config,
    decoder,
    detection: false,
    ...(databases !== undefined && { databases }),
    onEnriched(records) {
      outcomes.enriched(records);
      found(detection.process(records, true));
      for (const { detection: other, verdicts } of others) verdicts.found(other.process(records, true));
    },
  });
  for (const batch of fleet) {
    const told = batch.filter((arrival) => !isTelemetry(arrival));
    if (told.length > 0) pipeline.applyReference(told.map(({ record }) => record as ReferenceRecord));
    await pipeline.process(decoder.wrap(batch.filter(isTelemetry)));
  }
  found(detection.flush());
  for (const { detection: other, verdicts } of others) verdicts.found(other.flush());
  const { events, rejected, duplicates } = pipeline.counts();
  return { events, rejected, duplicates, sessions: outcomes.all(), revisions, variants: Object.fromEntries(others.map(({ name, verdicts }) => [name, verdicts.all()])) };
}
