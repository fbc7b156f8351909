/** The three services and the exchange as their main.ts compose them, on the simulated log and a reference store that may be away. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS, FLEET_FACT_RECORDS, FLEET_REPORT_RECORDS, type RecordName } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { exchangeService } from '../../services/detect/fleet/task.ts';
import { DETECT_OUTPUTS } from '../../services/detect/outputs.ts';
import { createDetectTask } from '../../services/detect/task.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases, type Databases } from '../../services/enrich/databases.ts';
import { ENRICH_OUTPUTS } from '../../services/enrich/outputs.ts';
import { createEnrichTask } from '../../services/enrich/task.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { INGEST_OUTPUTS } from '../../services/ingest/outputs.ts';
import { createIngestTask } from '../../services/ingest/task.ts';
import { PARTITIONS, TOPICS } from './topics.ts';

export const SERVICES = ['ingest', 'enrich', 'detect', 'fleet'] as const;
export type ServiceName = (typeof SERVICES)[number];
export const groupOf = (service: ServiceName): string => `farhand-${service}`;

const config = { ingest: ingestConfigSchema.parse({}), enrich: enrichConfigSchema.parse({}), detect: detectConfigSchema.parse({}) };

const INPUTS: Readonly<Record<ServiceName, readonly string[]>> = {
  ingest: [TOPICS.keystrokeLatency, TOPICS.connection],
  enrich: [TOPICS.events],
  detect: [TOPICS.enriched],
  fleet: [TOPICS.fleetReports],
};
/** With what is read beside the inputs and waited for by nobody. */
export const READS: Readonly<Record<ServiceName, readonly string[]>> = { ...INPUTS, ingest: [...INPUTS.ingest, TOPICS.ingestProgress], detect: [TOPICS.enriched, TOPICS.fleetFacts] };
export const CHANGELOGS: Readonly<Record<ServiceName, string | null>> = { ingest: TOPICS.ingestChangelog, enrich: null, detect: TOPICS.detectChangelog, fleet: TOPICS.fleetChangelog };
/** One person at a time: every look at those who have stopped is cut, and faults fall in between. */
const LOOK_COST_MAX = 1;
/** Shorter than most outages: a task that has nothing to do must not be taken for one whose input is held up somewhere. */
const IDLE_AFTER_MS = 300;

let databases: Promise<Databases> | undefined;
/** The packaged ones, read once: they never change while a simulation runs. */
export function sharedDatabases(): Promise<Databases> {
  return (databases ??= openDatabases(config.enrich));
}

export interface ServiceParts {
  readonly databases: Databases;
  readonly reference: ReferenceStore;
}

const source = fileSchemaSource();

/** What one process runs; every call makes decoders and encoders of its own. */
export function serviceSpec(service: ServiceName, { databases, reference }: ServiceParts): ServiceSpec {
  const encoder = framedEncoder(source);
  const spec = { application: groupOf(service), inputs: INPUTS[service], changelog: CHANGELOGS[service] };
  if (service === 'ingest') {
    const decoder = avroRecordDecoder({ source });
    return {
      ...spec,
      controls: [TOPICS.ingestProgress],
      idleAfterMs: IDLE_AFTER_MS,
      outputs: { [INGEST_OUTPUTS.events]: TOPICS.events, [INGEST_OUTPUTS.deadLetters]: TOPICS.deadLetter, [INGEST_OUTPUTS.progress]: TOPICS.ingestProgress },
      createTask: (task, state) =>
        createIngestTask({ config: config.ingest, decoder, encoder, state, among: { task, tasks: PARTITIONS, eventPartitions: PARTITIONS, progress: TOPICS.ingestProgress } }),
    };
  }
  if (service === 'enrich') {
    const decoder = avroRecordDecoder({ source, limits: INTERNAL_DECODE_LIMITS });
    return {
      ...spec,
      outputs: { [ENRICH_OUTPUTS.enriched]: TOPICS.enriched },
      createTask: () => createEnrichTask({ config: config.enrich, databases, reference, decoder, encoder }),
    };
  }
  if (service === 'fleet') {
    const decoder = avroRecordDecoder({ source, names: FLEET_REPORT_RECORDS });
    return { ...spec, ...exchangeService(TOPICS, { config: config.detect, decoder, encoder, partitions: PARTITIONS }) };
  }
  const facts = avroRecordDecoder({ source, names: FLEET_FACT_RECORDS });
  const decoder = avroRecordDecoder({ source, names: ENRICHED_RECORDS as readonly Extract<RecordName, 'EnrichedKeystrokes' | 'EnrichedConnection'>[] });
  return {
    ...spec,
    controls: [TOPICS.fleetFacts],
    idleAfterMs: IDLE_AFTER_MS,
    upstream: [
      { application: groupOf('ingest'), inputs: INPUTS.ingest },
      { application: groupOf('enrich'), inputs: INPUTS.enrich },
    ],
    outputs: { [DETECT_OUTPUTS.suspiciousSessions]: TOPICS.suspiciousSessions, [DETECT_OUTPUTS.fleetReports]: TOPICS.fleetReports },
    createTask: (task, state) => createDetectTask({ config: config.detect, decoder, encoder, state, lookCostMax: LOOK_COST_MAX, fleet: { facts: TOPICS.fleetFacts, decoder: facts, encoder, task, partitions: PARTITIONS } }),
  };
}
