/**
 * ASN and organisation out of range tables in text: `first,last,asn,organisation` (ip-location-db, dotted or as
 * numbers), `cidr,asn,organisation` (GeoLite2's blocks) and iptoasn.com's tab-separated
 * `first last asn country organisation`. Read byte by byte, because a line-by-line reading with strings takes seconds:
 * the default tables (412,000 + 103,000 rows) load in well under a second into about 20 MB, each organisation kept once.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { AddressWords } from '#lib/kernel/ip-address.ts';
import { readAddressBytes, type ReadAddress } from './read-address.ts';
import { Systems, SystemsBuilder, type AutonomousSystem, type SystemColumns } from './asn-systems.ts';
import { RangeTable, RangeTableBuilder, type RangeColumns } from './range-table.ts';

/** A table as it was read, without a thing that could not go from thread to thread. */
export interface AsnColumns {
  readonly rows: number;
  readonly ranges: RangeColumns;
  readonly systems: SystemColumns;
}

export interface AsnTable {
  readonly rows: number;
  /** Shared, frozen objects; null where no range covers the address. */
  readonly lookup: (words: AddressWords) => AutonomousSystem | null;
}

/** A file with more unreadable rows than this share is refused: it is not a range table, or it is damaged. */
const BAD_ROW_SHARE_MAX = 0.01;
const ASN_MAX = 0xffffffff;
const FIELDS_MAX = 5;

const COMMA = 44;
const TAB = 9;
const LF = 10;
const CR = 13;
const QUOTE = 34;
const HASH = 35;
const SLASH = 47;

export const parseAsnTable = (bytes: Buffer, path: string): AsnTable => openAsnTable(readAsnColumns(bytes, path));

/** Throws FARHAND_DATABASE_CORRUPT where the bytes are no such table. */
export function readAsnColumns(bytes: Buffer, path: string): AsnColumns {
  const reader = new AsnReader(bytes);
  reader.read();
  if (reader.good === 0 || reader.bad > (reader.good + reader.bad) * BAD_ROW_SHARE_MAX) {
    throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${path}: no ASN range table (${reader.good} rows read, ${reader.bad} unreadable)`);
  }
  return { rows: reader.good, ranges: reader.ranges.build().columns, systems: reader.systems.build() };
}

export function openAsnTable({ rows, ranges, systems }: AsnColumns): AsnTable {
  const table = new RangeTable(ranges);
  const known = new Systems(systems);
  return {
    rows,
    lookup: (words) => {
      const index = table.find(words);
      return index < 0 ? null : known.at(index);
    },
  };
}

class AsnReader {
  readonly systems = new SystemsBuilder();
  readonly ranges = new RangeTableBuilder(1 << 16);
  good = 0;
  bad = 0;
  readonly #bytes: Buffer;
  readonly #fieldStarts = new Int32Array(FIELDS_MAX);
  readonly #fieldEnds = new Int32Array(FIELDS_MAX);
  readonly #first: ReadAddress = { version: 4, words: new Uint32Array(4) };
  readonly #last: ReadAddress = { version: 4, words: new Uint32Array(4) };

  readonly #separator: number;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    const tab = bytes.indexOf(TAB);
    const comma = bytes.indexOf(COMMA);
    this.#separator = tab >= 0 && (comma < 0 || tab < comma) ? TAB : COMMA;
  }

  read(): void {
    const bytes = this.#bytes;
    let start = 0;
    for (let line = 1; start < bytes.length; line++) {
      let end = bytes.indexOf(LF, start);
      if (end < 0) end = bytes.length;
      const stop = end > start && bytes[end - 1] === CR ? end - 1 : end;
      if (stop > start && bytes[start] !== HASH) {
        if (this.#row(start, stop)) this.good++;
        else if (line > 1) this.bad++; // the first line may be a heading
      }
      start = end + 1;
    }
  }

  /** One line without its end; false where it is no row. */
  #row(start: number, end: number): boolean {
    const fields = this.#split(start, end);
    const starts = this.#fieldStarts;
    const ends = this.#fieldEnds;
    if (fields < 3) return false;
    for (let at = starts[0] as number; at < (ends[0] as number); at++) if (this.#bytes[at] === SLASH) return this.#cidrRow(at);
    if (!readAddressBytes(this.#bytes, starts[0] as number, ends[0] as number, this.#first)) return false;
    if (!readAddressBytes(this.#bytes, starts[1] as number, ends[1] as number, this.#last)) return false;
    if (!this.#agreeOnFamily()) return false;
    return this.#store(2, fields === FIELDS_MAX ? 4 : 3, fields);
  }

  /** Numbers below 2³² could be either family; beside an IPv6 number they are IPv6. */
  #agreeOnFamily(): boolean {
    if (this.#first.version === this.#last.version) return true;
    const lesser = this.#first.version === 4 ? this.#first : this.#last;
    if (lesser !== this.#first) return false;
    lesser.words.set([0, 0, 0, lesser.words[0] as number]);
    lesser.version = 6;
    return true;
  }

  #cidrRow(slash: number): boolean {
    if (!readAddressBytes(this.#bytes, this.#fieldStarts[0] as number, slash, this.#first)) return false;
    const bits = this.#integer(slash + 1, this.#fieldEnds[0] as number);
    const { version, words } = this.#first;
    if (bits < 0 || bits > (version === 4 ? 32 : 128)) return false;
    this.#last.version = version;
    for (let i = 0; i < (version === 4 ? 1 : 4); i++) {
      const hostBits = Math.min(32, Math.max(0, 32 * (i + 1) - bits));
      const host = hostBits === 32 ? 0xffffffff : 2 ** hostBits - 1;
      this.#last.words[i] = ((words[i] as number) | host) >>> 0;
      words[i] = ((words[i] as number) & ~host) >>> 0;
    }
    return this.#store(1, 2, 3);
  }

  /** Cuts the line into at most five fields; quotes protect separators. The last field takes the rest of the line. */
  #split(start: number, end: number): number {
    const bytes = this.#bytes;
    const separator = this.#separator;
    const wanted = separator === TAB ? FIELDS_MAX : 4;
    let field = 0;
    let fieldStart = start;
    let quoted = false;
    for (let i = start; i <= end; i++) {
      const byte = i === end ? separator : (bytes[i] as number);
      if (byte === QUOTE) quoted = !quoted;
      else if (byte === separator && (i === end || (!quoted && field < wanted - 1))) {
        const inQuotes = i - fieldStart >= 2 && bytes[fieldStart] === QUOTE && bytes[i - 1] === QUOTE;
        this.#fieldStarts[field] = inQuotes ? fieldStart + 1 : fieldStart;
        this.#fieldEnds[field] = inQuotes ? i - 1 : i;
        field++;
        fieldStart = i + 1;
      }
    }
    return field;
  }

  #store(asnField: number, nameField: number, fields: number): boolean {
    const asn = this.#integer(this.#fieldStarts[asnField] as number, this.#fieldEnds[asnField] as number);
    if (asn < 0 || asn > ASN_MAX) return false;
    if (asn === 0) return true; // "not routed"
    const from = nameField < fields ? (this.#fieldStarts[nameField] as number) : 0;
    const to = nameField < fields ? (this.#fieldEnds[nameField] as number) : 0;
    const { version, words } = this.#first;
    this.ranges.addWords(version, words, this.#last.words, this.systems.indexOf(asn, this.#bytes, from, to));
    return true;
  }

  /** Decimal digits, with an optional `AS` in front → a number; -1 where it is none. */
  #integer(start: number, end: number): number {
    const bytes = this.#bytes;
    let at = start;
    if (end - at > 2 && bytes[at] === 65 && bytes[at + 1] === 83) at += 2;
    if (at >= end || end - at > 10) return -1;
    let value = 0;
    for (; at < end; at++) {
      const digit = (bytes[at] as number) - 48;
      if (digit < 0 || digit > 9) return -1;
      value = value * 10 + digit;
    }
    return value;
  }
}
