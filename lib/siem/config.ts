/** Where findings go for the SIEM: a section of its own, as routing is no part of the rules whose hash findings carry. */
import { z } from 'zod';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Severity } from '#schemas/records.ts';
import { SIEM_FORMS, type SiemForm } from './format.ts';
import { SIEM_LEVELS, type SeverityMap } from './severity.ts';

const OUTPUTS_MAX = 64;
const TENANTS_MAX = 1_000;

const level = (value: (typeof SIEM_LEVELS)[number]) => z.enum(SIEM_LEVELS).default(value).describe(`Level of findings of severity ${value}.`);
const tenantList = () => z.array(z.string().min(1).max(256)).max(TENANTS_MAX);

const outputSchema = z
  .strictObject({
    topic: z
      .string()
      .regex(/^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/, 'allowed is 1 to 249 letters, digits, dots, dashes and underscores')
      .nullable()
      .default(null)
      .describe('Topic; null: the one that topics.siemFindings names. Each output has a topic of its own.'),
    form: z.enum(SIEM_FORMS).default('OCSF').describe('OCSF: Detection Finding 1.8.0 as JSON; ECS: Elastic Common Schema as JSON; CEF: one line of text.'),
    tenants: tenantList().min(1).nullable().default(null).describe('Only the findings of these tenants; null: of all.'),
    exceptTenants: tenantList().default([]).describe('Not the findings of these tenants: those that have a topic of their own.'),
    minimumSeverity: z
      .enum(['LOW', 'MEDIUM', 'HIGH', 'CRITICAL'])
      .default('LOW')
      .describe('Only findings that have reached this severity. It never falls, so the closing of one that was sent is sent too.'),
    severities: z
      .strictObject({ LOW: level('LOW'), MEDIUM: level('MEDIUM'), HIGH: level('HIGH'), CRITICAL: level('CRITICAL') })
      .prefault({})
      .describe('Which level of the SIEM each severity becomes.'),
  })
  .refine((output) => output.tenants === null || output.exceptTenants.length === 0, { message: 'give tenants or exceptTenants, not both' });

export const siemSectionSchema = z
  .strictObject({
    outputs: z
      .array(outputSchema)
      .max(OUTPUTS_MAX)
      .prefault([{}])
      .describe('Topics for the SIEM, each in its form; an empty list writes none. All commit with the findings, in one transaction.'),
  })
  .superRefine(({ outputs }, context) => {
    outputs.forEach(({ topic }, i) => {
      const first = outputs.findIndex((other) => other.topic === topic);
      if (first < i) context.addIssue({ code: 'custom', path: ['outputs', i, 'topic'], message: `outputs ${first} and ${i} have the same topic` });
    });
  });

export type SiemSection = Readonly<z.output<typeof siemSectionSchema>>;

export interface SiemOutput {
  /** Name among the outputs of the service; the host maps it to `topic`. */
  readonly name: string;
  readonly topic: string;
  readonly form: SiemForm;
  readonly tenants: ReadonlySet<string> | null;
  readonly exceptTenants: ReadonlySet<string>;
  readonly minimumSeverity: Severity;
  readonly severities: SeverityMap;
}

/**
 * The outputs with their topics. A topic that Farhand uses for something else throws FARHAND_CONFIG_INVALID.
 *
 * @param topics the section of that name
 */
export function siemOutputsOf(section: SiemSection, topics: Readonly<Record<string, string | number>> & { readonly siemFindings: string }): SiemOutput[] {
  const taken = new Map(Object.entries(topics).filter(([key]) => key !== 'siemFindings').map(([key, name]) => [name, key]));
  const seen = new Set<string>();
  return section.outputs.map((output, i) => {
    const topic = output.topic ?? topics.siemFindings;
    const other = taken.get(topic) ?? (seen.has(topic) ? 'another output' : undefined);
    if (other !== undefined) {
      throw new FarhandError('FARHAND_CONFIG_INVALID', `siem.outputs.${i}.topic is ${topic}, which is the topic of ${other} already; an output needs a topic of its own`);
    }
    seen.add(topic);
    const { form, tenants, exceptTenants, minimumSeverity, severities } = output;
    return { name: `siem${i}`, topic, form, tenants: tenants === null ? null : new Set(tenants), exceptTenants: new Set(exceptTenants), minimumSeverity, severities };
  });
}
