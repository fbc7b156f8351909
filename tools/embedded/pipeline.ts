/**
 * The whole chain in one process, without topics in between: ingest → enrich → detect, on plain objects. Used by the
 * demonstration, the replay and the evaluation; the steps and their order are those of the Kafka workers.
 *
 * With `partitions` > 1 the people are spread over as many detect tasks as Kafka's partitioner would, so that what the
 * workers find can be compared to the byte.
 */
import { ndjsonRecordDecoder } from '#lib/codec/ndjson.ts';
import { TELEMETRY_RECORDS } from '#lib/codec/decoder.ts';
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { findingIdOf } from '#lib/kernel/identity.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import { createMemoryReference, type MemoryReference } from '#lib/reference/memory.ts';
import type { OnRefused } from '#lib/reference/stats.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import { createMemoryState } from '#lib/state/memory.ts';
import type { DeadLetter, EnrichedEvent, ReferenceRecord, SuspiciousSession, TelemetryEvent } from '#schemas/records.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { buildDetect, type DetectPipeline } from '../../services/detect/topology.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { buildEnrich } from '../../services/enrich/topology.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import type { TelemetryDecoder } from '../../services/ingest/steps/decode.ts';
import { personKey } from '../../services/ingest/task.ts';
import { buildIngest } from '../../services/ingest/topology.ts';

const definition = defineConfig({ privacy: sharedSections.privacy, siem: siemSectionSchema, ingest: ingestConfigSchema, enrich: enrichConfigSchema, detect: detectConfigSchema });

export type EmbeddedConfig = ReturnType<typeof definition.load>;

/** The sections that the chain needs, from a file (or the variable FARHAND_CONFIG), the environment and the defaults. */
export function loadEmbeddedConfig(file: string | null = null): EmbeddedConfig {
  return definition.load({ file });
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

/** Spreads people over detect tasks; the same person always goes to the same one. */
class Router {
  readonly #partitions: number;
  /** Partition by person; bounded by being emptied, because it can always be computed again. */
  readonly #known = new Map<string, number>();
  static readonly KNOWN_MAX = 200_000;

  constructor(partitions: number) {
    this.#partitions = partitions;
  }

  split(events: readonly EnrichedEvent[]): readonly (readonly EnrichedEvent[])[] {
    if (this.#partitions === 0) return [];
    if (this.#partitions === 1) return [events];
    const parts: EnrichedEvent[][] = Array.from({ length: this.#partitions }, () => []);
    for (const enriched of events) parts[this.#of(enriched.event)]!.push(enriched);
    return parts;
  }

  #of(event: TelemetryEvent): number {
    const person = `${event.tenantId}|${event.userId}`;
    let partition = this.#known.get(person);
    if (partition === undefined) {
      if (this.#known.size >= Router.KNOWN_MAX) this.#known.clear();
      partition = partitionOf(personKey(event), this.#partitions);
      this.#known.set(person, partition);
    }
    return partition;
  }
}

export async function createEmbeddedPipeline(options: EmbeddedOptions): Promise<EmbeddedPipeline> {
  const { config, onEvents, onEnriched, onFindings, onDeadLetters, onRefused } = options;
  const partitions = options.detection === false ? 0 : (options.partitions ?? 1);
  const decoder = options.decoder ?? ndjsonRecordDecoder({ names: TELEMETRY_RECORDS });
  const pseudonymiser = createPseudonymiser(config.privacy);
  const reference: MemoryReference = createMemoryReference({
    findingIdOf: (tenantId, sessionId) => findingIdOf(tenantId, sessionId, 1, config.detect.rulesName),
    ...(onRefused === undefined ? {} : { onRefused }),
  });
  const databases = await openDatabases(config.enrich);
  const ingest = buildIngest({ config: config.ingest, decoder, state: createMemoryState(), pseudonymiser });
  const enrich = buildEnrich({ config: config.enrich, databases, reference });
  const detects: DetectPipeline[] = Array.from({ length: partitions }, () => buildDetect({ config: config.detect, state: createMemoryState() }));
  const router = new Router(partitions);
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
      for (const [partition, part] of router.split(enriched).entries()) {
        if (part.length > 0) found(detects[partition]!.process(part));
      }
    },
    applyReference: (records) => reference.apply(pseudonymiser.idle ? records : records.map((record) => pseudonymiser.reference(record))),
    flush() {
      for (const detect of detects) found(detect.flush());
    },
    counts() {
      counts.lateEvents = detects.reduce((sum, detect) => sum + detect.stats().lateEvents, 0);
      return { ...counts };
    },
  };
}
