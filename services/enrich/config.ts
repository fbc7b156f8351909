/** The configuration of enrich: which databases, how often they are looked at, and the bounds of its caches. */
import { z } from 'zod';
import { parseRange } from '#lib/kernel/ip-address.ts';
import { FEED_KINDS } from './category/feeds.ts';

const category = z.enum(['RESIDENTIAL', 'HOSTING', 'VPN', 'TOR', 'MOBILE', 'BUSINESS', 'EDUCATION', 'UNKNOWN']);

const override = z
  .strictObject({
    cidr: z
      .string()
      .refine((text) => parseRange(text) !== null, 'must be an address, a CIDR or first-last')
      .optional()
      .describe('Addresses that the override holds for; the most specific override wins.'),
    asn: z.int().min(1).max(0xffffffff).optional().describe('Autonomous system that the override holds for.'),
    category: category.describe('What its addresses are.'),
  })
  .refine((value) => (value.cidr === undefined) !== (value.asn === undefined), 'needs exactly one of cidr and asn');

const feed = z.strictObject({
  kind: z.enum(FEED_KINDS).describe('What the file says of its entries. private-relay is for Apple’s relay, which is no hostile VPN.'),
  path: z.string().min(1).describe('File of addresses, CIDRs, ASNs, Tor exits, or CSV with a column asn.'),
  name: z.string().min(1).max(64).optional().describe('Name in reasons, versions and metrics; the kind where left out.'),
});

export const enrichConfigSchema = z
  .strictObject({
    placeFiles: z
      .array(z.string().min(1))
      .default([])
      .describe('City databases (.mmdb: GeoLite2, GeoIP2, DB-IP, IPinfo, ip-location-db), the first that knows an address wins. Empty: the packaged DB-IP City Lite.'),
    asnFiles: z
      .array(z.string().min(1))
      .default([])
      .describe('ASN databases (.mmdb, or range tables as .csv/.tsv), the first that knows an address wins. Empty: the packaged range tables.'),
    feeds: z.array(feed).max(64).default([]).describe('Files that say what addresses or ASNs are.'),
    overrides: z.array(override).max(100_000).default([]).describe('Categories that outrank feeds and built-in knowledge.'),
    pollIntervalMs: z.int().min(1_000).max(86_400_000).default(60_000).describe('How often files are looked at for a change.'),
    databaseBytesMax: z.int().min(1_024).max(4_000_000_000).default(2_000_000_000).describe('A larger file is refused.'),
    addressCacheEntriesMax: z.int().min(2).max(10_000_000).default(200_000).describe('Addresses whose facts are kept in memory, per process (about 0.4 kB each).'),
    policyCacheEntriesMax: z
      .int()
      .min(2)
      .max(10_000_000)
      .default(50_000)
      .describe('Addresses whose facts under one tenant’s network policy are kept in memory, per task.'),
  })
  .superRefine((config, context) => {
    const names = new Set<string>();
    config.feeds.forEach(({ name, kind }, index) => {
      const key = name ?? kind;
      if (names.has(key)) context.addIssue({ code: 'custom', path: ['feeds', index, 'name'], message: `"${key}" names two feeds; give each its own name` });
      names.add(key);
    });
  });

export type EnrichConfig = z.infer<typeof enrichConfigSchema>;
