/**
 * Replaces userId by `p-<keyId>-<32 hex digits>` for the tenants that ask for it: the first 128 bits of HMAC-SHA-256
 * under the tenant's key. The same person keeps one pseudonym as long as the key stays; without the key nobody can
 * go back or try names. Everything behind ingest sees the pseudonym only, so whoever takes reference data in has to
 * name its users alike.
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
}

class TenantPseudonyms {
  readonly #key: Buffer;
  readonly #prefix: string;
  readonly #cache = new Map<string, string>();

  constructor(keyId: string, key: Buffer) {
    this.#key = key;
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

function readKey(tenantId: string, setting: PrivacySection['pseudonyms'][string]): Buffer {
  if (setting.keyHex !== undefined) return Buffer.from(setting.keyHex, 'hex');
  const where = `privacy.pseudonyms.${tenantId}.keyFile`;
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
export function createPseudonymiser({ pseudonyms }: PrivacySection): Pseudonymiser {
  const tenants = new Map<string, TenantPseudonyms>();
  for (const [tenantId, setting] of Object.entries(pseudonyms)) {
    tenants.set(tenantId, new TenantPseudonyms(setting.keyId, readKey(tenantId, setting)));
  }
  const userId = (tenantId: string, id: string) => tenants.get(tenantId)?.of(id) ?? id;
  return {
    idle: tenants.size === 0,
    userId,
    reference(record) {
      if (record.type !== 'DeviceAssignment' || !tenants.has(record.tenantId)) return record;
      return { ...record, userId: userId(record.tenantId, record.userId) } satisfies DeviceAssignment;
    },
  };
}

/** For pipelines without a tenant that asks for pseudonyms. */
export const NO_PSEUDONYMS: Pseudonymiser = createPseudonymiser({ pseudonyms: {} });
