/**
 * The whole chain in one process, without topics in between: ingest → enrich → detect, on plain objects. Used by the
 * demonstration, the replay and the evaluation; the steps and their order are those of the Kafka workers.
 */
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import type { Override } from '#lib/kernel/config-source.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import type { OnRefused } from '#lib/reference/stats.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { DeadLetter, EnrichedEvent, ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { type Databases, openDatabases } from '../../services/enrich/databases.ts';
import { buildEnrich } from '../../services/enrich/topology.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import type { TelemetryDecoder } from '../../services/ingest/steps/decode.ts';
import { buildIngest } from '../../services/ingest/topology.ts';
import { createDetection } from './detection.ts';

const definition = defineConfig({ privacy: sharedSections.privacy, siem: siemSectionSchema, ingest: ingestConfigSchema, enrich: enrichConfigSchema, detect: detectConfigSchema });

export type EmbeddedConfig = ReturnType<typeof definition.load>;

/** The sections that the chain needs, from a file (or the variable FARHAND_CONFIG), the environment and the defaults. */
export function loadEmbeddedConfig(file: string | null = null, overrides: readonly Override[] = []): EmbeddedConfig {
  return definition.load({ file, overrides });
}

export interface EmbeddedOptions {
  readonly config: EmbeddedConfig;
  /** Default: lines of NDJSON. */
  readonly decoder?: TelemetryDecoder;
  /** Default 1: one detect task. */
  readonly partitions?: number;
  /** Valid events without repeats, pseudonymised, in order of arrival. */
  readonly onEvents?: (events: readonly TelemetryEvent[]) => void;
  /** The same events, enriched, in the same order. */
  readonly onEnriched?: (events: readonly EnrichedEvent[]) => void;
  /** False: the chain ends with enrichment. Default: true. */
  readonly detection?: boolean;
  readonly onFindings?: (findings: readonly SuspiciousSession[]) => void;
  readonly onDeadLetters?: (letters: readonly DeadLetter[]) => void;
  /** Reference records that cannot be used. */
  readonly onRefused?: OnRefused;
  /** Default: opened as the configuration says. */
  readonly databases?: Databases;
}

export interface EmbeddedCounts {
  /** Valid, without repeats. */
  events: number;
  rejected: number;
  duplicates: number;
  /** Revisions of findings. */
  revisions: number;
  /** Events that came after their window was closed. */
  lateEvents: number;
}

export interface EmbeddedPipeline {
  /** One batch in order of arrival; batch borders do not change what is found. */
  process(batch: readonly RawRecord[]): Promise<void>;
  /** Takes effect for the batches that follow. */
  applyReference(records: readonly ReferenceRecord[]): void;
  /** End of the input: fires every timer. */
  flush(): void;
  counts(): EmbeddedCounts;
}

/** Whether every record so far has said when it arrived: the exchange then trusts a single time (fleet/barrier.ts). */
function watchArrivals(decoder: TelemetryDecoder): { readonly decoder: TelemetryDecoder; readonly known: boolean } {
  let known = true;
  return {
    decoder: {
      prepare: (batch) => decoder.prepare(batch),
      decode(record) {
        const result = decoder.decode(record);
        if (result.ok && result.arrivedAt === null) known = false;
        return result;
      },
    },
    get known() {
      return known;
    },
  };
}

export async function createEmbeddedPipeline(options: EmbeddedOptions): Promise<EmbeddedPipeline> {
  const { config, onEvents, onEnriched, onFindings, onDeadLetters, onRefused } = options;
  const arrivals = watchArrivals(options.decoder ?? ndjsonRecordDecoder({ names: TELEMETRY_RECORDS }));
  const pseudonymiser = createPseudonymiser(config.privacy);
  const reference: MemoryReference = createMemoryReference({
    findingIdOf: (tenantId, sessionId, ordinal) => findingIdOf(tenantId, sessionId, ordinal, config.detect.rulesName),
    ...(onRefused === undefined ? {} : { onRefused }),
  });
  const databases = options.databases ?? (await openDatabases(config.enrich));
  const ingest = buildIngest({ config: config.ingest, decoder: arrivals.decoder, state: createMemoryState(), pseudonymiser });
  const enrich = buildEnrich({ config: config.enrich, databases, reference });
  const detection = options.detection === false ? null : createDetection(config, options);
  const counts: EmbeddedCounts = { events: 0, rejected: 0, duplicates: 0, revisions: 0, lateEvents: 0 };

  const found = (findings: readonly SuspiciousSession[]) => {
    if (findings.length === 0) return;
    counts.revisions += findings.length;
    onFindings?.(findings);
  };

  return {
    async process(batch) {
      const waiting = ingest.prepare(batch);
      if (waiting !== undefined) await waiting;
      const { events, deadLetters, duplicates } = ingest.process(batch);
      counts.events += events.length;
      counts.rejected += deadLetters.length;
      counts.duplicates += duplicates;
      if (deadLetters.length > 0) onDeadLetters?.(deadLetters);
      if (events.length === 0) return;
      onEvents?.(events);
      const answered = enrich.process(events);
      const enriched = answered instanceof Promise ? await answered : answered;
      onEnriched?.(enriched);
      if (detection !== null) found(detection.process(enriched, arrivals.known));
    },
    applyReference: (records) => reference.apply(pseudonymiser.idle ? records : records.map((record) => pseudonymiser.reference(record))),
    flush() {
      if (detection !== null) found(detection.flush());
    },
    counts() {
      counts.lateEvents = detection?.lateEvents() ?? 0;
      return { ...counts };
    },
  };
}
