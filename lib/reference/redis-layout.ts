/**
 * How reference data lies in Redis. One hash per tenant and kind, so that one read of a hash is one tracked key and a
 * change invalidates that tenant only. `{tenant}` is also the hash tag of Redis Cluster: a tenant's hashes share a slot.
 *
 * | key                              | field                              | value (JSON)                              |
 * | -------------------------------- | ---------------------------------- | ----------------------------------------- |
 * | `farhand:{<tenant>}:assignments` | deviceId                           | versions of DeviceAssignment by validFrom |
 * | `farhand:{<tenant>}:feedback`    | `s:<sessionId>` or `f:<findingId>` | versions of Feedback by at                |
 * | `farhand:{<tenant>}:policies`    | range in one spelling              | NetworkPolicy                             |
 * | `farhand:{}:vantages`            | vantageId                          | Vantage                                   |
 * | `farhand:{}:loaded`              | (a string, no hash)                | `1` once the reference topics were read   |
 * | `farhand:{}:loading:<id>`        | (a string, no hash)                | `1` while a worker reads them             |
 *
 * Versions are arrays sorted by time, at most VERSIONS_MAX. `farhand` is the configured prefix. Values are the records
 * of contract section 3 as they came, nothing else: no telemetry, and never anything about what was typed.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { policyKey } from './policies.ts';
import { NO_RANGE, NO_SUBJECT } from './stats.ts';

export type ReferenceKind = 'assignments' | 'feedback' | 'policies' | 'vantages';

const KINDS: readonly string[] = ['assignments', 'feedback', 'policies', 'vantages'];

export interface HashAddress {
  readonly kind: ReferenceKind;
  /** Empty for vantages, which belong to no tenant. */
  readonly tenantId: string;
}

export interface FieldAddress extends HashAddress {
  readonly field: string;
}

export function hashKey(prefix: string, kind: ReferenceKind, tenantId: string): string {
  return `${prefix}:{${tenantId}}:${kind}`;
}

/** The key that says that the reference data is there: an empty Redis must not be taken for a fleet without devices. */
export function loadedKey(prefix: string): string {
  return `${prefix}:{}:loaded`;
}

/** The key that a load leaves at its beginning and must find at its end: where it is gone, so is what was loaded. */
export function loadingKey(prefix: string, loading: string): string {
  return `${prefix}:{}:loading:${loading}`;
}

/** The inverse of `hashKey`; null for a key that is not one of ours. */
export function parseHashKey(prefix: string, key: string): HashAddress | null {
  const start = prefix.length + 2;
  const end = key.lastIndexOf('}:');
  if (!key.startsWith(`${prefix}:{`) || end < start) return null;
  const kind = key.slice(end + 2);
  return KINDS.includes(kind) ? { kind: kind as ReferenceKind, tenantId: key.slice(start, end) } : null;
}

export const sessionField = (sessionId: string): string => `s:${sessionId}`;
export const findingField = (findingId: string): string => `f:${findingId}`;

/** Where a record lies, or why it cannot be used. */
export function addressOf(record: ReferenceRecord): FieldAddress | { readonly refused: string } {
  switch (record.type) {
    case 'DeviceAssignment':
      return { kind: 'assignments', tenantId: record.tenantId, field: record.deviceId };
    case 'Vantage':
      return { kind: 'vantages', tenantId: '', field: record.vantageId };
    case 'NetworkPolicy': {
      const field = policyKey(record);
      if (field === null) return { refused: NO_RANGE };
      return { kind: 'policies', tenantId: record.tenantId, field };
    }
    case 'Feedback':
      if (record.sessionId !== null) {
        return { kind: 'feedback', tenantId: record.tenantId, field: sessionField(record.sessionId) };
      }
      if (record.findingId !== null) {
        return { kind: 'feedback', tenantId: record.tenantId, field: findingField(record.findingId) };
      }
      return { refused: NO_SUBJECT };
  }
}

function corrupt(key: string, field: string, why: string): FarhandError {
  return new FarhandError('FARHAND_REFERENCE_CORRUPT', `Redis key ${key}, field ${field}: ${why}`);
}

/** One stored value → the record or the versions it holds. Throws FARHAND_REFERENCE_CORRUPT for foreign content. */
export function decodeValue<V>(key: string, field: string, text: string, shape: 'versions' | 'record'): V {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw corrupt(key, field, 'not JSON');
  }
  const isRecord = (item: unknown): boolean =>
    typeof item === 'object' && item !== null && typeof (item as { type?: unknown }).type === 'string';
  const good = shape === 'versions' ? Array.isArray(value) && value.length > 0 && value.every(isRecord) : isRecord(value);
  if (!good) throw corrupt(key, field, `not the ${shape} that Farhand writes`);
  return value as V;
}
