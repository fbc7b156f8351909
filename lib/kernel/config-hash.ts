/** A fingerprint of a section of the configuration, which findings carry: the same rules give the same hash everywhere. */
import { createHash } from 'node:crypto';

/** JSON with sorted keys and without white space; `undefined` properties are left out. Plain data only. */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const fields = Object.entries(value)
    .filter(([, item]) => item !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => `${JSON.stringify(name)}:${canonicalJson(item)}`);
  return `{${fields.join(',')}}`;
}

/** SHA-256 over the canonical JSON of a section, 64 hexadecimal digits. */
export function rulesHash(section: unknown): string {
  return createHash('sha256').update(canonicalJson(section)).digest('hex');
}
