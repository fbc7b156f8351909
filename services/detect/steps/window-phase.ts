/**
 * Where in the minute a person's windows begin. Were it the same second for all, a whole fleet's windows would close
 * together, and what comes then would wait for them; so it goes by the person's name, in whole seconds.
 */
import { HOUR_MS, MINUTE_MS } from '../fleet/minutes.ts';
import type { Person } from './person.ts';

const SECOND_MS = 1_000;
const SECONDS = MINUTE_MS / SECOND_MS;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

function mixed(hash: number, text: string): number {
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), FNV_PRIME);
  return hash;
}

/** In ms, below a minute. FNV-1a (RFC 9923) over UTF-16 units: another hash than the one that puts people into partitions. */
export function phaseOf(tenantId: string, userId: string): number {
  const hash = mixed(Math.imul(mixed(FNV_OFFSET, tenantId) ^ 0x7c, FNV_PRIME), userId);
  return ((hash >>> 16) % SECONDS) * SECOND_MS;
}

type Phased = Pick<Person, 'phaseMs'>;

/** Start of the person's window that holds a time, epoch ms. */
export const windowStartOf = ({ phaseMs }: Phased, at: number): number => Math.floor((at - phaseMs) / MINUTE_MS) * MINUTE_MS + phaseMs;

/** When the last of the person's windows that begin in an hour is over. A window belongs to the hour in which it begins. */
export const hourOverAt = ({ phaseMs }: Phased, hour: number): number => hour + HOUR_MS + phaseMs;
