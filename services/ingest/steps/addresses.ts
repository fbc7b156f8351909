/** IP literals, as the contract wants them: no port, no zone, no prefix length. */
import { isIPv6 } from 'node:net';

const ADDRESS_LENGTH_MAX = 45; // IPv4-mapped IPv6 written in full
const ZERO = 48;
const NINE = 57;
const DOT = 46;
const PERCENT = '%';

/** Strict dotted quad: four decimal numbers up to 255 without leading zeros (which some stacks read as octal). */
function isIPv4Literal(text: string): boolean {
  let parts = 1;
  let digits = 0;
  let value = 0;
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code >= ZERO && code <= NINE) {
      if (digits > 0 && value === 0) return false;
      value = value * 10 + (code - ZERO);
      digits++;
      if (value > 255) return false;
    } else if (code === DOT) {
      if (digits === 0 || parts === 4) return false;
      parts++;
      digits = 0;
      value = 0;
    } else {
      return false;
    }
  }
  return parts === 4 && digits > 0;
}

export function isIpLiteral(value: unknown): value is string {
  if (typeof value !== 'string' || value.length < 2 || value.length > ADDRESS_LENGTH_MAX) return false;
  return isIPv4Literal(value) || (isIPv6(value) && !value.includes(PERCENT));
}
