/** Names that are the same on every run, worker and host. */
import { hash } from 'node:crypto';

/**
 * Identifier of a finding: the first 128 bits of SHA-256 over the parts, each led by its length so that no two lists
 * of parts read the same. Shape: `f-` and 32 hexadecimal digits.
 *
 * @param ordinal the how-manieth finding of the session it is, from 1
 * @param rulesName name of the detector configuration (not its version: a tuned threshold keeps the ids)
 */
export function findingIdOf(tenantId: string, sessionId: string, ordinal: number, rulesName: string): string {
  let text = '';
  for (const part of [tenantId, sessionId, String(ordinal), rulesName]) text += `${Buffer.byteLength(part)}:${part}`;
  return `f-${hash('sha256', text, 'hex').slice(0, 32)}`;
}
