/**
 * Opens one .mmdb (MaxMind DB 2.0) and refuses what is damaged before anybody depends on it: the tree must fit the
 * file, a walk over networks spread through the address space must decode, and some record must be of a known layout.
 * What a checksum-less format cannot show at opening (a flipped byte in a record nobody walked over) fails the one
 * look-up that meets it: that look-up throws and the caller treats the address as unknown.
 */
import { Reader, type Response } from 'mmdb-lib';
import { FarhandError } from '#lib/kernel/errors.ts';
import { formatAddress, type AddressWords } from '#lib/kernel/ip-address.ts';

/** A decoded record of whatever layout. */
export type MmdbRecord = Readonly<Record<string, unknown>>;

export interface Mmdb {
  /** `database_type` of the metadata, as its maker names it. */
  readonly databaseType: string;
  readonly ipVersion: 4 | 6;
  /** Build time, epoch ms. */
  readonly builtAt: number;
  /** Null where the database has no record. Throws what the decoder throws where the record is damaged. */
  get(words: AddressWords): MmdbRecord | null;
  /** Up to a bounded number of records from all over the address space, in address order. */
  sample(): Generator<MmdbRecord>;
}

const SEPARATOR_BYTES = 16;
/** The walk: from this many places, this many networks each. A file with fewer networks is walked wholly. */
const SAMPLE_STARTS = 64;
const SAMPLE_NETWORKS_PER_START = 64;

/** Throws FARHAND_DATABASE_CORRUPT. `path` is only for the message. */
export function openMmdb(bytes: Buffer, path: string): Mmdb {
  try {
    return openChecked(bytes);
  } catch (error) {
    const message = `${path}: not a usable .mmdb (${error instanceof Error ? error.message : String(error)})`;
    throw new FarhandError('FARHAND_DATABASE_CORRUPT', message, { cause: error });
  }
}

function openChecked(bytes: Buffer): Mmdb {
  const reader = new Reader(bytes);
  const { nodeCount, searchTreeSize, ipVersion, buildEpoch, databaseType, binaryFormatMajorVersion } = reader.metadata;
  if (binaryFormatMajorVersion !== 2) throw new Error(`binary format ${binaryFormatMajorVersion}, 2 is known`);
  if (ipVersion !== 4 && ipVersion !== 6) throw new Error(`ip_version ${String(ipVersion)}`);
  if (!(nodeCount > 0) || searchTreeSize + SEPARATOR_BYTES >= bytes.length) throw new Error(`${nodeCount} tree nodes do not fit ${bytes.length} bytes`);
  if (bytes.subarray(searchTreeSize, searchTreeSize + SEPARATOR_BYTES).some((byte) => byte !== 0)) throw new Error('no separator after the tree');
  const builtAt = buildEpoch.getTime();
  if (!(builtAt > 0)) throw new Error('no build time');

  const mmdb: Mmdb = {
    databaseType: typeof databaseType === 'string' ? databaseType : '',
    ipVersion,
    builtAt,
    get: (words) => (words.length === 4 && ipVersion === 4 ? null : asRecord(reader.get(formatAddress(words)))),
    sample: () => walk(reader, ipVersion),
  };
  // Every record of the walk must decode; a truncated or overwritten file fails here.
  const decoded = mmdb.sample().reduce((count) => count + 1, 0);
  if (decoded === 0) throw new Error('no records');
  return mmdb;
}

function asRecord(value: unknown): MmdbRecord | null {
  if (value === null || value === undefined) return null;
  if (typeof value !== 'object' || Array.isArray(value)) throw new Error('a record is no map');
  return value as MmdbRecord;
}

function* walk(reader: Reader<Response>, ipVersion: 4 | 6): Generator<MmdbRecord> {
  const width = ipVersion === 4 ? 32n : 128n;
  const space = 1n << width;
  // Of IPv6 only ::/96 (IPv4 in an IPv6 tree) and 2000::/3 are worth a visit.
  const starts: bigint[] = [0n];
  const [low, span] = ipVersion === 4 ? [0n, space] : [1n << 125n, 1n << 125n];
  for (let i = 0n; i < BigInt(SAMPLE_STARTS); i++) starts.push(low + (span / BigInt(SAMPLE_STARTS)) * i);
  for (const start of starts) {
    let at = start;
    for (let n = 0; n < SAMPLE_NETWORKS_PER_START && at < space; n++) {
      const [value, prefixBits] = reader.getWithPrefixLength(literal(at, ipVersion));
      const record = asRecord(value);
      if (record !== null) yield record;
      const hostBits = width - BigInt(prefixBits);
      at = ((at >> hostBits) + 1n) << hostBits;
    }
  }
}

function literal(value: bigint, ipVersion: 4 | 6): string {
  const word = (shift: bigint) => Number((value >> shift) & 0xffffffffn);
  if (ipVersion === 4) return formatAddress([word(0n)]);
  // Written out in full: `::a.b.c.d` forms must not be taken for IPv4.
  return [96n, 64n, 32n, 0n].map((shift) => `${(word(shift) >>> 16).toString(16)}:${(word(shift) & 0xffff).toString(16)}`).join(':');
}
