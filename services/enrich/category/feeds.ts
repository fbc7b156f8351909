/**
 * Feeds: files that say of addresses or ASNs what they are. One line, one entry; the forms may be mixed in a file:
 *
 * - an address, a CIDR, or `first-last`; in a line with commas the first cell counts (Apple's own relay list);
 * - `AS123` or a lone number, with anything after a `#`;
 * - `ExitAddress 1.2.3.4 2026-01-01 00:00:00` of the Tor exit list; its other lines are passed over;
 * - CSV whose heading has a column `asn`: the number in that column.
 *
 * `#` and `;` begin comments.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { NetworkCategory } from '#schemas/records.ts';
import { parseRange, type AddressWords } from '#lib/kernel/ip-address.ts';
import { RangeTableBuilder, type RangeTable } from '../ranges/range-table.ts';

/** In the order in which they win where several feeds name one address. */
export const FEED_KINDS = ['tor', 'private-relay', 'vpn', 'hosting', 'mobile', 'education', 'business', 'residential'] as const;
export type FeedKind = (typeof FEED_KINDS)[number];

/**
 * A private relay (Apple's) hides the address but not the region: the person behind it sits at home or on the road with
 * a consumer device, and cannot choose another country. It is therefore no VPN_OR_PROXY evidence and counts as a
 * residential access; `feed:private-relay` stays as the reason, for whoever wants to treat it otherwise.
 */
export const CATEGORY_OF_FEED: Readonly<Record<FeedKind, NetworkCategory>> = {
  tor: 'TOR',
  'private-relay': 'RESIDENTIAL',
  vpn: 'VPN',
  hosting: 'HOSTING',
  mobile: 'MOBILE',
  education: 'EDUCATION',
  business: 'BUSINESS',
  residential: 'RESIDENTIAL',
};

export interface FeedEntries {
  readonly ranges: RangeTable;
  readonly asns: ReadonlySet<number>;
  readonly entries: number;
  /** Lines that said nothing in any known form. */
  readonly unreadable: number;
}

/** A file with more unreadable lines than this share is refused: it is not a feed, or it is damaged. */
const UNREADABLE_SHARE_MAX = 0.05;
const ASN_MAX = 0xffffffff;
const TOR_LINES = /^(ExitNode|Published|LastStatus|@type)\b/;

/** Throws FARHAND_DATABASE_CORRUPT where the text is no feed. `path` is only for the message. */
export function parseFeed(text: string, path: string): FeedEntries {
  const ranges = new RangeTableBuilder();
  const asns = new Set<number>();
  let entries = 0;
  let unreadable = 0;
  let asnColumn: number | null = null;
  let first = true;
  for (const raw of text.split('\n')) {
    const line = withoutComment(raw);
    if (line === '' || TOR_LINES.test(line)) continue;
    const heading = first ? asnHeading(line) : null;
    first = false;
    if (heading !== null) {
      asnColumn = heading;
      continue;
    }
    const ok = asnColumn === null ? addPlain(line, ranges, asns) : addAsn(cells(line)[asnColumn] ?? '', asns);
    if (ok) entries++;
    else unreadable++;
  }
  if (entries === 0 || unreadable > (entries + unreadable) * UNREADABLE_SHARE_MAX) {
    throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${path}: no address or ASN feed (${entries} entries, ${unreadable} unreadable lines)`);
  }
  return { ranges: ranges.build(), asns, entries, unreadable };
}

/** Whether the feed names the address itself. */
export function feedHasAddress(feed: FeedEntries, words: AddressWords): boolean {
  return feed.ranges.find(words) >= 0;
}

function withoutComment(line: string): string {
  if (line.startsWith('"')) return line.trim(); // CSV: a # may belong to the name
  const cut = line.search(/[#;]/);
  return (cut < 0 ? line : line.slice(0, cut)).trim();
}

/** The index of the column named `asn`; null where the line is no such heading. */
function asnHeading(line: string): number | null {
  if (!line.includes(',')) return line.toLowerCase() === 'asn' ? 0 : null;
  const index = cells(line).findIndex((cell) => /^(asn|autonomous_system_number)$/i.test(cell));
  return index < 0 ? null : index;
}

/** Cells of a CSV line; quotes protect commas. */
function cells(line: string): string[] {
  return Array.from(line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g), ([, cell]) => (cell as string).trim().replace(/^"(.*)"$/s, '$1').trim());
}

function addPlain(line: string, ranges: RangeTableBuilder, asns: Set<number>): boolean {
  const exit = /^ExitAddress\s+(\S+)/.exec(line);
  const token = exit === null ? (line.split(',', 1)[0] as string).trim() : (exit[1] as string);
  const range = parseRange(token);
  if (range === null) return addAsn(token, asns);
  ranges.add(range, 0);
  return true;
}

function addAsn(cell: string, asns: Set<number>): boolean {
  const match = /^(?:AS)?(\d{1,10})\b/i.exec(cell);
  const asn = match === null ? 0 : Number(match[1]);
  if (asn === 0 || asn > ASN_MAX || cell.includes('.') || cell.includes(':')) return false;
  asns.add(asn);
  return true;
}
