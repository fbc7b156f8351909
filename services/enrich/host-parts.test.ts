import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { kafkaSectionSchema, observeSectionSchema } from '#lib/kernel/config-sections.ts';
import { Host } from '#lib/runner/host.ts';
import { enrichConfigSchema } from './config.ts';
import { OutageLog, watchDatabases } from './host-parts.ts';
import { writeMmdb } from './mmdb/write-mmdb.fixture.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'farhand-host-parts-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const cities = (buildEpoch: number) =>
  writeMmdb({ databaseType: 'city', ipVersion: 4, buildEpoch, networks: [['9.0.0.0/16', { country_code: 'DE', city: 'Hanover', latitude: 52, longitude: 9 }]] });

it('shows when each database was built, one series each, and how many addresses are kept ready', async () => {
  const [places, asns] = [path.join(directory, 'city.mmdb'), path.join(directory, 'asn.csv')];
  await writeFile(places, cities(1_700_000_000));
  await writeFile(asns, '9.0.0.0,9.0.255.255,64500,Example University\n');
  await utimes(asns, 1_600_000_000, 1_600_000_000);
  const host = new Host('enrich', { kafka: kafkaSectionSchema.parse({}), observe: observeSectionSchema.parse({ logLevel: 'silent' }) });
  const databases = await watchDatabases(host, enrichConfigSchema.parse({ placeFiles: [places], asnFiles: [asns], pollIntervalMs: 86_400_000, addressCacheEntriesMax: 4 }));
  const samples = async (name: string): Promise<string[]> => {
    const text = await host.metrics.registry.getSingleMetricAsString(`farhand_${name}`);
    return text.split('\n').filter((line) => line.startsWith('farhand')).map((line) => line.replace(/.*database="([^"]*)".*\}/, '$1').replace(/.*\}/, '')).sort();
  };
  expect(await samples('database_built_timestamp_seconds')).toEqual(['asn.csv 1600000000', 'city.mmdb 1700000000']);
  expect(await samples('address_cache_entries')).toEqual([' 0']);
  for (const ip of ['9.0.0.1', '9.0.0.2', '9.0.0.1']) databases.current.describe(ip);
  expect(await samples('address_cache_entries')).toEqual([' 2']);
  for (let i = 0; i < 20; i++) databases.current.describe(`9.0.1.${i}`);
  expect(await samples('address_cache_entries')).toEqual([' 4']);
  await writeFile(places, cities(1_750_000_000));
  await databases.poll();
  expect(await samples('database_built_timestamp_seconds')).toEqual(['asn.csv 1600000000', 'city.mmdb 1750000000']);
  expect(await samples('address_cache_entries')).toEqual([' 0']);
});

it('tells the log when the reference store goes away and when it comes back, and nothing at the end of the worker', () => {
  const host = new Host('enrich', { kafka: kafkaSectionSchema.parse({}), observe: observeSectionSchema.parse({ logLevel: 'silent' }) });
  const [warn, info] = [vi.spyOn(host.logger, 'warn'), vi.spyOn(host.logger, 'info')];
  const stop = new AbortController();
  const outage = new OutageLog({ logger: host.logger, signal: stop.signal });
  outage.end();
  for (let i = 0; i < 3; i++) outage.begin(new Error('Redis is away'));
  for (let i = 0; i < 2; i++) outage.end();
  outage.begin();
  outage.end();
  stop.abort();
  outage.begin();
  expect(warn.mock.calls).toEqual([[{ event: 'reference.unavailable', error: 'Redis is away' }], [{ event: 'reference.unavailable', error: 'the connection was lost' }]]);
  expect(info.mock.calls).toEqual([[{ event: 'reference.available' }], [{ event: 'reference.available' }]]);
});
