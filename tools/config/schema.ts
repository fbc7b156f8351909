/** The configuration of everything: what all workers share and the section of each service. */
import { sharedSections } from '#lib/kernel/config-sections.ts';
import { defineConfig } from '#lib/kernel/config.ts';
import { riskSectionSchema } from '#lib/risk/config.ts';
import { siemSectionSchema } from '#lib/siem/config.ts';
import { detectConfigSchema } from '../../services/detect/config.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';

const serviceSections = {
  ingest: ingestConfigSchema,
  enrich: enrichConfigSchema,
  detect: detectConfigSchema,
  risk: riskSectionSchema,
} as const;

export type ServiceName = keyof typeof serviceSections;
export const SERVICE_NAMES = Object.keys(serviceSections) as ServiceName[];

/** All sections: for hosts that run the whole pipeline, and for the reference page. */
export const farhandConfig = defineConfig({ ...sharedSections, siem: siemSectionSchema, ...serviceSections });

/** What each section is for, in the reference page. */
export const SECTION_TEXTS: Readonly<Record<keyof typeof farhandConfig.sections, string>> = {
  kafka: 'The connection to Kafka, and how tasks read from it and commit to it.',
  topics: 'The names of the topics, and how `farhand topics` creates them.',
  registry: 'Where Avro schemas come from.',
  redis: 'The reference data of the enrich workers, and their near cache.',
  state: 'Checkpoints of the state of tasks on a local disk.',
  observe: 'Metrics, health and the log.',
  privacy: 'Whose users are named by pseudonyms: in the events by the ingest workers, in the reference data by the enrich workers. The same for both.',
  siem: 'The topics from which the SIEM gets the findings, written by the detect workers. See [siem.md](siem.md).',
  ingest: 'The ingest service: decode, validate, pseudonymise, de-duplicate.',
  enrich: 'The enrich service: places, networks, routes and reference data.',
  detect: 'The detect service: signals, evidence and findings. Findings carry the hash of this section.',
  risk: 'The endpoint at which zero-trust policy points ask for the present risk of a session or device (`farhand risk`). See [operations.md](operations.md#risk-for-policy-points).',
};
