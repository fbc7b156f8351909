/** The three services as their main.ts compose them, on the simulated log and a reference store that may be away. */
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { ENRICHED_RECORDS, type RecordName } from '#lib/codec/decoder.ts';
import { framedEncoder } from '#lib/codec/encode.ts';
import { INTERNAL_DECODE_LIMITS } from '#lib/codec/limits.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import type { ReferenceStore } from '#lib/reference/port.ts';
import type { ServiceSpec } from '#lib/runner/options.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { DETECT_OUTPUTS } from '../../services/detect/outputs.ts';
import { createDetectTask } from '../../services/detect/task.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases, type Databases } from '../../services/enrich/databases.ts';
import { ENRICH_OUTPUTS } from '../../services/enrich/outputs.ts';
import { createEnrichTask } from '../../services/enrich/task.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { INGEST_OUTPUTS } from '../../services/ingest/outputs.ts';
import { createIngestTask } from '../../services/ingest/task.ts';
import { TOPICS } from './topics.ts';

export const SERVICES = ['ingest', 'enrich', 'detect'] as const;
export type ServiceName = (typeof SERVICES)[number];
export const groupOf = (service: ServiceName): string => `farhand-${service}`;

const config = { ingest: ingestConfigSchema.parse({}), enrich: enrichConfigSchema.parse({}), detect: detectConfigSchema.parse({}) };

export const INPUTS: Readonly<Record<ServiceName, readonly string[]>> = {
  ingest: [TOPICS.keystrokeLatency, TOPICS.connection],
  enrich: [TOPICS.events],
  detect: [TOPICS.enriched],
};
export const CHANGELOGS: Readonly<Record<ServiceName, string | null>> = { ingest: TOPICS.ingestChangelog, enrich: null, detect: TOPICS.detectChangelog };

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
      outputs: { [INGEST_OUTPUTS.events]: TOPICS.events, [INGEST_OUTPUTS.deadLetters]: TOPICS.deadLetter },
      createTask: (_task, state) => createIngestTask({ config: config.ingest, decoder, encoder, state }),
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
  const decoder = avroRecordDecoder({ source, names: ENRICHED_RECORDS as readonly Extract<RecordName, 'EnrichedKeystrokes' | 'EnrichedConnection'>[] });
  return {
    ...spec,
    outputs: { [DETECT_OUTPUTS.suspiciousSessions]: TOPICS.suspiciousSessions },
    createTask: (_task, state) => createDetectTask({ config: config.detect, decoder, encoder, state }),
  };
}
