/** Names that are the same on every run, worker and host. */
import { hash } from 'node:crypto';

/** Key of the records of a person: all of them lie on one partition of their topic. */
export function personKey({ tenantId, userId }: { readonly tenantId: string; readonly userId: string }): Buffer {
  return Buffer.from(`${tenantId}|${userId}`, 'utf8');
}

const BAR = 0x7c;

/** Whether the key is that of the person, told without making a string; never where their names are beyond ASCII. */
export function isPlainPersonKey(key: Uint8Array, tenantId: string, userId: string): boolean {
  const split = tenantId.length;
  return key.length === split + 1 + userId.length && key[split] === BAR && isAsciiAt(key, 0, tenantId) && isAsciiAt(key, split + 1, userId);
}

function isAsciiAt(bytes: Uint8Array, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit >= 0x80 || unit !== bytes[from + i]) return false;
  }
  return true;
}

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
