/** Findings onto the topics of the SIEM, through the emitter of the task that found them: in its transaction. */
import type { Emitter } from '#lib/runner/task.ts';
import type { SuspiciousSession } from '#schemas/records.ts';
import type { SiemOutput } from './config.ts';
import { formatFinding } from './format.ts';
import { SEVERITIES, type Thresholds } from './severity.ts';

export interface SiemWriter {
  /** Topic by name of the output, for the host. */
  readonly topics: Readonly<Record<string, string>>;
  /**
   * Every revision to each output that wants it. Keyed by findingId, so that a compacted topic, or a sink that upserts
   * by key, keeps the newest revision; all revisions of a finding come from one task and so stay in order.
   */
  write(findings: readonly SuspiciousSession[], emitter: Emitter): void;
}

export function createSiemWriter(outputs: readonly SiemOutput[], thresholds: Thresholds): SiemWriter {
  return {
    topics: Object.fromEntries(outputs.map(({ name, topic }) => [name, topic])),
    write(findings, emitter) {
      if (outputs.length === 0) return;
      for (const finding of findings) {
        const key = Buffer.from(finding.findingId, 'utf8');
        for (const output of outputs) {
          if (!wants(output, finding)) continue;
          const text = formatFinding(output.form, finding, { severities: output.severities, thresholds });
          emitter.emit(output.name, key, Buffer.from(text, 'utf8'), finding.windowEnd);
        }
      }
    },
  };
}

function wants({ tenants, exceptTenants, minimumSeverity }: SiemOutput, { tenantId, severity }: SuspiciousSession): boolean {
  if (tenants !== null && !tenants.has(tenantId)) return false;
  return !exceptTenants.has(tenantId) && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(minimumSeverity);
}
