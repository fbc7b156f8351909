/** Bearer tokens (RFC 6750) on HTTP endpoints, compared in constant time. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

const digest = (text: string): Buffer => createHash('sha256').update(text, 'utf8').digest();

/** Whether the request carries the token that `token` answers now; null: every request may pass. */
export function isAuthorised(request: Pick<IncomingMessage, 'headers'>, token: (() => string) | null): boolean {
  if (token === null) return true;
  const given = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  // Of hashes, so that neither the length nor a common beginning shows in the time.
  return given !== undefined && timingSafeEqual(digest(given), digest(token()));
}

/** What a 401 says (RFC 6750, section 3). */
export const CHALLENGE = { 'www-authenticate': 'Bearer realm="farhand"' } as const;
