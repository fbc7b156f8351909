import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { auditNames, auditRanges, defaultSystems, show } from './category-audit.ts';
import { enrichConfigSchema } from './config.ts';
import { openDatabases } from './databases.ts';

const directory = path.resolve(import.meta.dirname, '../../../shared/data/ip');
const present = existsSync(directory);
if (!present) console.log(`category audit did not run: ${directory} is not there`);

test.runIf(present || process.env['CI'] === 'true')('built-in knowledge on the lists of others', async () => {
  const book = (await openDatabases(enrichConfigSchema.parse({}))).current;
  const relayShare = (file: string) => {
    const { categories } = auditRanges(book, readFileSync(path.join(directory, file), 'utf8'));
    console.log(`${file}: ${show(categories)}`);
    const total = [...categories.values()].reduce((sum, weight) => sum + weight, 0);
    return ((categories.get('HOSTING') ?? 0) + (categories.get('VPN') ?? 0)) / total;
  };
  expect(relayShare('datacenter_ipv4.txt')).toBeGreaterThan(0.9);
  expect(relayShare('vpn_ipv4.txt')).toBeGreaterThan(0.9);
});

test('name rules alone hardly ever call a known residential or mobile network a relay', () => {
  const byCategory = auditNames(defaultSystems());
  for (const category of ['RESIDENTIAL', 'MOBILE'] as const) {
    const tally = byCategory.get(category)!;
    console.log(`${category} by name alone: ${show(tally)}`);
    const total = [...tally.values()].reduce((sum, count) => sum + count, 0);
    expect((['HOSTING', 'VPN', 'TOR'] as const).reduce((sum, relay) => sum + (tally.get(relay) ?? 0), 0) / total).toBeLessThan(0.02);
  }
});

test.runIf(present || process.env['CI'] === 'true')('the feeds of that folder are read as they are', async () => {
  const feeds = [
    { kind: 'hosting', path: path.join(directory, 'datacenter_ipv4.txt') },
    { kind: 'hosting', path: path.join(directory, 'datacenter_ASN.txt'), name: 'datacenter-asn' },
    { kind: 'hosting', path: path.join(directory, 'bad-asn-list.csv'), name: 'bad-asn' },
    { kind: 'vpn', path: path.join(directory, 'vpn_ipv4.txt') },
    { kind: 'vpn', path: path.join(directory, 'vpn_ASN.txt'), name: 'vpn-asn' },
    { kind: 'private-relay', path: path.join(directory, 'apple_private_relay.txt') },
  ];
  const book = (await openDatabases(enrichConfigSchema.parse({ feeds }))).current;
  expect(book.versions).toHaveLength(4 + feeds.length);
  expect(book.describe('104.28.28.1')).toMatchObject({ category: 'RESIDENTIAL', categoryReason: 'feed:private-relay' });
});
