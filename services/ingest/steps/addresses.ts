/** IP literals, as the contract wants them: no port, no zone, no prefix length. */
import { isIPv6 } from 'node:net';
import { parseIpv4 } from '#lib/kernel/ip-address.ts';

const ADDRESS_LENGTH_MAX = 45; // IPv4-mapped IPv6 written in full
const PERCENT = '%';

export function isIpLiteral(value: unknown): value is string {
  if (typeof value !== 'string' || value.length < 2 || value.length > ADDRESS_LENGTH_MAX) return false;
  return parseIpv4(value) >= 0 || (isIPv6(value) && !value.includes(PERCENT));
}
