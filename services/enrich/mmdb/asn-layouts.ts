/**
 * ASN and organisation in .mmdb records: `autonomous_system_number`/`…_organization` (GeoLite2 ASN, GeoIP2 ISP, DB-IP,
 * ip-location-db; DB-IP's combined files keep them under `traits`), or IPinfo's `asn: "AS15169"` with `name` or `as_name`.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { AutonomousSystem } from '../ranges/asn-systems.ts';
import type { AsnTable } from '../ranges/asn-table.ts';
import type { Mmdb, MmdbRecord } from './open-mmdb.ts';

type AsnLayout = 'autonomous_system' | 'traits' | 'ipinfo';

const ASN_MAX = 0xffffffff;

function asnLayoutOf(record: MmdbRecord): AsnLayout | null {
  if ('autonomous_system_number' in record) return 'autonomous_system';
  const traits = record['traits'];
  if (typeof traits === 'object' && traits !== null && 'autonomous_system_number' in traits) return 'traits';
  return 'asn' in record ? 'ipinfo' : null;
}

/** The system that a record names; null where it names none. */
function readSystem(record: MmdbRecord, layout: AsnLayout): AutonomousSystem | null {
  const source = layout === 'traits' ? (record['traits'] as MmdbRecord) : record;
  if (layout === 'ipinfo') return system(source['asn'], source['as_name'] ?? source['name'], source['as_type'] ?? source['type']);
  return system(source['autonomous_system_number'], source['autonomous_system_organization'], null);
}

function system(number: unknown, name: unknown, kind: unknown): AutonomousSystem | null {
  const asn = typeof number === 'number' ? number : typeof number === 'string' ? Number(number.replace(/^AS/i, '')) : Number.NaN;
  if (!Number.isInteger(asn) || asn <= 0 || asn > ASN_MAX) return null;
  const textOrNull = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
  return Object.freeze({ asn, organisation: textOrNull(name), kind: textOrNull(kind)?.toLowerCase() ?? null });
}

/** An .mmdb as an ASN table. Throws FARHAND_DATABASE_CORRUPT where no record is of a known layout. */
export function asnTableOf(mmdb: Mmdb, path: string): AsnTable {
  let layout: AsnLayout | null = null;
  let known = 0;
  for (const record of mmdb.sample()) {
    layout ??= asnLayoutOf(record);
    if (layout !== null && readSystem(record, layout) !== null) known++;
  }
  if (layout === null || known === 0) {
    throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${path}: no record of a known ASN layout (database type "${mmdb.databaseType}")`);
  }
  const found: AsnLayout = layout;
  return {
    rows: known,
    lookup: (words) => {
      const record = mmdb.get(words);
      return record === null ? null : readSystem(record, found);
    },
  };
}
