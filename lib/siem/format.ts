/** One finding in one form. Pure: the same finding and settings give the same bytes. */
import type { SuspiciousSession } from '#schemas/records.ts';
import { toCef } from './cef.ts';
import { toEcs } from './ecs.ts';
import { toOcsf } from './ocsf.ts';
import type { SeverityMap, Thresholds } from './severity.ts';

export const SIEM_FORMS = ['OCSF', 'ECS', 'CEF'] as const;
export type SiemForm = (typeof SIEM_FORMS)[number];

export interface FormatOptions {
  readonly severities: SeverityMap;
  readonly thresholds: Thresholds;
}

/** One line without a line break: JSON, or CEF. */
export function formatFinding(form: SiemForm, finding: SuspiciousSession, options: FormatOptions): string {
  switch (form) {
    case 'OCSF':
      return JSON.stringify(toOcsf(finding, options));
    case 'ECS':
      return JSON.stringify(toEcs(finding, options));
    case 'CEF':
      return toCef(finding, options);
  }
}
