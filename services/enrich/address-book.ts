/**
 * Everything that the databases say of an address, as they stood when the book was put together. A book never changes:
 * a reload makes a new one, and a batch uses the book that it began with.
 */
import type { AddressFacts, DatabaseVersion } from '#schemas/records.ts';
import type { AddressWords } from '#lib/kernel/ip-address.ts';
import { scopeAddress } from './address/scope.ts';
import type { Classifier } from './category/classify.ts';
import type { Place } from './mmdb/place-layouts.ts';
import type { AutonomousSystem } from './ranges/asn-systems.ts';
import { TwoGenerationCache } from './two-generation-cache.ts';

/** One database that answers for an address with T; null where it does not know it. May throw on a damaged record. */
export interface Source<T> {
  readonly name: string;
  readonly lookup: (words: AddressWords) => T | null;
}

export interface AddressBookParts {
  readonly places: readonly Source<Place>[];
  readonly systems: readonly Source<AutonomousSystem>[];
  readonly classifier: Classifier;
  readonly versions: readonly DatabaseVersion[];
  readonly cacheEntriesMax: number;
  /** A record that could not be read: the address counts as unknown to that database. */
  readonly onLookupFailure: (name: string, error: unknown) => void;
}

const NOWHERE: Place = { country: null, region: null, city: null, latitude: null, longitude: null };

export class AddressBook {
  /** What goes into NetworkFacts.databases. */
  readonly versions: DatabaseVersion[];
  readonly #parts: AddressBookParts;
  readonly #cache: TwoGenerationCache<AddressFacts>;

  constructor(parts: AddressBookParts) {
    this.#parts = parts;
    this.versions = parts.versions.map((version) => Object.freeze({ ...version }));
    Object.freeze(this.versions);
    this.#cache = new TwoGenerationCache(parts.cacheEntriesMax);
  }

  get cachedAddresses(): number {
    return this.#cache.size;
  }

  /** The facts of one literal, without a policy. The object is shared and frozen. Never throws. */
  describe(ip: string): AddressFacts {
    const cached = this.#cache.get(ip);
    if (cached !== undefined) return cached;
    const facts = this.#lookUp(ip);
    this.#cache.set(ip, facts);
    return facts;
  }

  #lookUp(text: string): AddressFacts {
    const { ip, scope, lookup } = scopeAddress(text);
    const place = lookup === null ? NOWHERE : (this.#first(this.#parts.places, lookup) ?? NOWHERE);
    const system = lookup === null ? null : this.#first(this.#parts.systems, lookup);
    const { category, categoryReason } = this.#parts.classifier.classify(scope, lookup, system);
    return Object.freeze({
      ip,
      scope,
      country: place.country,
      region: place.region,
      city: place.city,
      latitude: place.latitude,
      longitude: place.longitude,
      asn: system?.asn ?? null,
      organisation: system?.organisation ?? null,
      category,
      categoryReason,
      policy: null,
    });
  }

  #first<T>(sources: readonly Source<T>[], words: AddressWords): T | null {
    for (const source of sources) {
      try {
        const answer = source.lookup(words);
        if (answer !== null) return answer;
      } catch (error) {
        this.#parts.onLookupFailure(source.name, error);
      }
    }
    return null;
  }
}
