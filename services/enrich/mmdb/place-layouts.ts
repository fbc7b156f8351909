/**
 * Where the makers put country, region, city and coordinates in their records. The layout is found out once per file,
 * from its records; a file without any known layout is refused.
 *
 * | layout | by | record |
 * | --- | --- | --- |
 * | geoip2 | MaxMind GeoLite2/GeoIP2 City and Country, DB-IP's own .mmdb | nested: country.iso_code, subdivisions[0].names.en, city.names.en, location.latitude |
 * | ipinfo | IPinfo location, country and lite files | flat: country or country_code, region, city, lat/lng or loc as text |
 * | ip-location-db | the sapics packages (dbip-city-mmdb, geolite2-city-mmdb, …-country-mmdb) | flat: country_code, state1, city, latitude, longitude |
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Mmdb, MmdbRecord } from './open-mmdb.ts';

export interface Place {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly country: string | null;
  readonly region: string | null;
  readonly city: string | null;
  /** Both null or both within range. */
  readonly latitude: number | null;
  readonly longitude: number | null;
}

type PlaceLayout = 'geoip2' | 'ipinfo' | 'ip-location-db';

const READERS: Record<PlaceLayout, (record: MmdbRecord) => Place> = {
  geoip2: readGeoip2,
  ipinfo: readIpinfo,
  'ip-location-db': readIpLocationDb,
};

/** The layout of one record; null where it is none of the known. */
function placeLayoutOf(record: MmdbRecord): PlaceLayout | null {
  if (typeof record['country'] === 'object' || typeof record['location'] === 'object' || typeof record['registered_country'] === 'object') return 'geoip2';
  if ('state1' in record || (typeof record['latitude'] === 'number' && 'country_code' in record)) return 'ip-location-db';
  if (typeof record['country'] === 'string' || 'loc' in record || 'lat' in record) return 'ipinfo';
  return typeof record['country_code'] === 'string' ? 'ip-location-db' : null;
}

export interface PlaceReader {
  readonly layout: PlaceLayout;
  read(record: MmdbRecord): Place;
}

/** Finds the file's layout and checks what it says. Throws FARHAND_DATABASE_CORRUPT. `path` is only for the message. */
export function placeReaderFor(mmdb: Mmdb, path: string): PlaceReader {
  let layout: PlaceLayout | null = null;
  let withCountry = 0;
  for (const record of mmdb.sample()) {
    layout ??= placeLayoutOf(record);
    if (layout !== null && READERS[layout](record).country !== null) withCountry++;
  }
  if (layout === null || withCountry === 0) {
    throw new FarhandError('FARHAND_DATABASE_CORRUPT', `${path}: no record of a known place layout (database type "${mmdb.databaseType}")`);
  }
  return { layout, read: READERS[layout] };
}

function readGeoip2(record: MmdbRecord): Place {
  const country = asMap(record['country']) ?? asMap(record['registered_country']);
  const location = asMap(record['location']);
  const subdivisions = record['subdivisions'];
  const first = Array.isArray(subdivisions) ? asMap(subdivisions[0]) : null;
  return place(country?.['iso_code'], englishName(first), englishName(asMap(record['city'])), location?.['latitude'], location?.['longitude']);
}

function readIpinfo(record: MmdbRecord): Place {
  let latitude: unknown = record['lat'] ?? record['latitude'];
  let longitude: unknown = record['lng'] ?? record['longitude'];
  if (typeof record['loc'] === 'string') [latitude, longitude] = record['loc'].split(',');
  // "lite" files spell the country out in `country` and keep the code beside it.
  return place(record['country_code'] ?? record['country'], record['region'], record['city'], latitude, longitude);
}

function readIpLocationDb(record: MmdbRecord): Place {
  return place(record['country_code'], record['state1'], record['city'], record['latitude'], record['longitude']);
}

function place(country: unknown, region: unknown, city: unknown, latitude: unknown, longitude: unknown): Place {
  const code = text(country);
  const lat = degrees(latitude, 90);
  const lon = degrees(longitude, 180);
  const located = lat !== null && lon !== null && !(lat === 0 && lon === 0); // 0,0 is how makers say "nowhere"
  return {
    country: code !== null && /^[A-Za-z]{2}$/.test(code) ? code.toUpperCase() : null,
    region: text(region),
    city: text(city),
    latitude: located ? lat : null,
    longitude: located ? lon : null,
  };
}

function text(value: unknown): string | null {
  return typeof value === 'string' && value !== '' && value !== '-' ? value : null;
}

function degrees(value: unknown, limit: number): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Math.abs(number) <= limit ? number : null;
}

function asMap(value: unknown): Record<string, unknown> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
}

function englishName(record: Record<string, unknown> | null): unknown {
  const names = asMap(record?.['names']);
  return names === null ? null : (names['en'] ?? Object.values(names)[0]);
}
