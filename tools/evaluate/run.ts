/** Runs a fleet through ingest → enrich → detect in one process and scores Farhand and the simple rules on it. */
import type { RecordDecoder } from '#lib/codec/decoder.ts';
import { assert } from '#lib/kernel/errors.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { buildDetect } from '../../services/detect/topology.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { buildEnrich } from '../../services/enrich/topology.ts';
import { buildIngest } from '../../services/ingest/topology.ts';
import type { EmbeddedConfig } from '../embedded/pipeline.ts';
import type { Fleet } from '../simulate/fleet.ts';
import type { Arrival, Label } from '../simulate/options.ts';
import { type KindScore, Scores } from './scores.ts';
import { simpleRules } from './simple-rules.ts';

export interface EvaluationResult {
  events: number;
  rejected: number;
  duplicates: number;
  findings: number;
  /** Rows per detector, by its name; Farhand first. */
  scores: { detector: string; rows: KindScore[] }[];
  /** Every revision of every finding, for those who look further. */
  revisions: SuspiciousSession[];
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

export async function evaluateFleet(fleet: Fleet, config: EmbeddedConfig, rowOf?: (label: Label) => string, onProgress?: (events: number) => void): Promise<EvaluationResult> {
  const decoder = new ObjectDecoder();
  const pseudonymiser = createPseudonymiser(config.privacy);
  const reference = createMemoryReference({ findingIdOf: (tenantId, sessionId) => findingIdOf(tenantId, sessionId, 1, config.detect.rulesName) });
  const databases = await openDatabases(config.enrich);
  const ingest = buildIngest({ config: config.ingest, decoder, state: createMemoryState(), pseudonymiser });
  const enrich = buildEnrich({ config: config.enrich, databases, reference });
  const detect = buildDetect({ config: config.detect, state: createMemoryState() });
  const farhand = new Scores(fleet.labels);
  const rules = simpleRules().map((rule) => ({ rule, scores: new Scores(fleet.labels) }));
  const result: EvaluationResult = { events: 0, rejected: 0, duplicates: 0, findings: 0, scores: [], revisions: [] };
  const take = (found: readonly SuspiciousSession[]): void => {
    for (const finding of found) {
      result.revisions.push(finding);
      const { tenantId, sessionId, findingId: id, severity, detectedAt: at } = finding;
      farhand.seen({ tenantId, sessionId, id, severity, at });
    }
  };
  for (const batch of fleet) {
    const told = batch.filter((arrival) => !isTelemetry(arrival));
    if (told.length > 0) reference.apply(told.map(({ record }) => pseudonymiser.reference(record as ReferenceRecord)));
    const { events, deadLetters, duplicates } = ingest.process(decoder.wrap(batch.filter(isTelemetry)));
    result.events += events.length;
    result.rejected += deadLetters.length;
    result.duplicates += duplicates;
    const enriched = await enrich.process(events);
    assert(enriched.length === events.length, 'enrich answers one event per event');
    for (const record of enriched) {
      farhand.active(record.event);
      for (const { rule, scores } of rules) {
        scores.active(record.event);
        const sighting = rule.take(record);
        if (sighting !== null) scores.seen(sighting);
      }
    }
    take(detect.process(enriched));
    onProgress?.(result.events);
  }
  take(detect.flush());
  result.findings = new Set(result.revisions.map((revision) => revision.findingId)).size;
  result.scores = [{ detector: 'farhand', rows: farhand.rows(rowOf) }, ...rules.map(({ rule, scores }) => ({ detector: rule.name, rows: scores.rows(rowOf) }))];
  return result;
}
