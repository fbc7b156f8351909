import type { FramedEncoder } from '#lib/codec/encode.ts';
import { personKey } from '#lib/kernel/identity.ts';
import type { Emitter } from '#lib/runner/task.ts';
import type { SiemWriter } from '#lib/siem/writer.ts';
import type { SuspiciousSession } from '#schemas/records.ts';

/** Named outputs of detect; the host maps names to topics or files. Those for the SIEM are of lib/siem/config.ts. */
export const DETECT_OUTPUTS = { suspiciousSessions: 'suspiciousSessions', fleetReports: 'fleetReports' } as const;
/** Of the exchange between people. */
export const EXCHANGE_OUTPUTS = { fleetFacts: 'fleetFacts' } as const;

/** What puts findings on their topic, and into the form of the SIEM where there is one. */
export function findingsEmitter(encoder: FramedEncoder, siem: SiemWriter | undefined): (findings: readonly SuspiciousSession[], emitter: Emitter) => void {
  return (findings, emitter) => {
    for (const finding of findings) emitter.emit(DETECT_OUTPUTS.suspiciousSessions, personKey(finding), encoder.encode('SuspiciousSession', finding), finding.windowEnd);
    siem?.write(findings, emitter);
  };
}
