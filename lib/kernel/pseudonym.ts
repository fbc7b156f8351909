/**
 * Replaces userId by `p-<keyId>-<32 hex digits>` for the tenants that ask for it: the first 128 bits of HMAC-SHA-256
 * under the tenant's key. The same person keeps one pseudonym as long as the key stays; without the key nobody can
 * go back or try names. There is no way back with the key either, and no table: whoever holds it computes the pseudonyms
 * of candidates and compares. Keys of before (`retired`) name nobody any more and serve for that alone.
 * Everything behind ingest sees the pseudonym only, so whoever takes reference data in has to name its users alike.
 */
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { DeviceAssignment, ReferenceRecord } from '#schemas/records.ts';
import type { PrivacySection } from './config-sections.ts';
import { FarhandError } from './errors.ts';

const PSEUDONYM_HEX_DIGITS = 32;
/** Pseudonyms that are kept ready per tenant; the oldest goes first. */
const CACHE_ENTRIES_MAX = 50_000;

export interface Pseudonymiser {
  /** True where no tenant asks for pseudonyms. */
  readonly idle: boolean;
  userId(tenantId: string, userId: string): string;
  /** Reference data that names the user, so that it still fits the events. */
  reference(record: ReferenceRecord): ReferenceRecord;
  /** Every name that the user may go by: the present pseudonym, those of retired keys, the name itself. */
  namesOf(tenantId: string, userId: string): string[];
  /**
   * The candidate whose pseudonym this is; null where it is none of them. FARHAND_USAGE where the tenant has no key of
   * the pseudonym's id (or it is no pseudonym).
   */
  resolve(tenantId: string, pseudonym: string, candidates: Iterable<string>): string | null;
}

class TenantPseudonyms {
  readonly #key: Buffer;
  readonly keyId: string;
  readonly #prefix: string;
  readonly #cache = new Map<string, string>();

  constructor(keyId: string, key: Buffer) {
    this.#key = key;
    this.keyId = keyId;
    this.#prefix = `p-${keyId}-`;
  }

  of(userId: string): string {
    const known = this.#cache.get(userId);
    if (known !== undefined) return known;
    const digest = createHmac('sha256', this.#key).update(userId, 'utf8').digest('hex');
    const pseudonym = this.#prefix + digest.slice(0, PSEUDONYM_HEX_DIGITS);
    if (this.#cache.size >= CACHE_ENTRIES_MAX) this.#cache.delete(this.#cache.keys().next().value!);
    this.#cache.set(userId, pseudonym);
    return pseudonym;
  }
}

type KeySetting = Pick<PrivacySection['pseudonyms'][string], 'keyHex' | 'keyFile'>;

function readKey(path: string, setting: KeySetting): Buffer {
  if (setting.keyHex !== undefined) return Buffer.from(setting.keyHex, 'hex');
  const where = `${path}.keyFile`;
  let text: string;
  try {
    text = readFileSync(setting.keyFile!, 'utf8').trim();
  } catch (error) {
    throw new FarhandError('FARHAND_CONFIG_INVALID', `${where}: cannot read ${setting.keyFile}`, { cause: error });
  }
  if (!/^(?:[0-9a-fA-F]{2}){16,}$/.test(text)) {
    throw new FarhandError('FARHAND_CONFIG_INVALID', `${where}: ${setting.keyFile} must hold at least 32 hexadecimal digits`);
  }
  return Buffer.from(text, 'hex');
}

/** Reads the keys; throws FARHAND_CONFIG_INVALID where one is missing or malformed. */
export function createPseudonymiser({ pseudonyms }: Pick<PrivacySection, 'pseudonyms'>): Pseudonymiser {
  const tenants = new Map<string, TenantPseudonyms>();
  const retired = new Map<string, TenantPseudonyms[]>();
  for (const [tenantId, setting] of Object.entries(pseudonyms)) {
    const path = `privacy.pseudonyms.${tenantId}`;
    tenants.set(tenantId, new TenantPseudonyms(setting.keyId, readKey(path, setting)));
    retired.set(tenantId, (setting.retired ?? []).map((key, i) => new TenantPseudonyms(key.keyId, readKey(`${path}.retired.${i}`, key))));
  }
  const keysOf = (tenantId: string): TenantPseudonyms[] => [...(tenants.has(tenantId) ? [tenants.get(tenantId)!] : []), ...(retired.get(tenantId) ?? [])];
  const userId = (tenantId: string, id: string) => tenants.get(tenantId)?.of(id) ?? id;
  return {
    idle: tenants.size === 0,
    userId,
    reference(record) {
      if (record.type !== 'DeviceAssignment' || !tenants.has(record.tenantId)) return record;
      return { ...record, userId: userId(record.tenantId, record.userId) } satisfies DeviceAssignment;
    },
    namesOf: (tenantId, id) => [...keysOf(tenantId).map((key) => key.of(id)), id],
    resolve(tenantId, pseudonym, candidates) {
      const keyId = /^p-([A-Za-z0-9_.]{1,32})-[0-9a-f]{32}$/.exec(pseudonym)?.[1];
      const key = keysOf(tenantId).find((known) => known.keyId === keyId);
      if (key === undefined) throw new FarhandError('FARHAND_USAGE', keyId === undefined ? `'${pseudonym}' is no pseudonym` : `the tenant ${tenantId} has no key ${keyId}, present or retired`);
      for (const candidate of candidates) if (key.of(candidate) === pseudonym) return candidate;
      return null;
    },
  };
}

/** For pipelines without a tenant that asks for pseudonyms. */
export const NO_PSEUDONYMS: Pseudonymiser = createPseudonymiser({ pseudonyms: {} });
