/**
 * Which kind of network an address belongs to, and why. The first that has an answer wins:
 *
 * 1. the scope: an address that is not public has no network behind it (`scope:private`, …), so UNKNOWN;
 * 2. overrides of the configuration: CIDRs, the longest first (`override:cidr`), then ASNs (`override:asn`);
 * 3. feeds that name the address, in the order of FEED_KINDS (`feed:tor`, `feed:vpn/x4b` where the feed has a name);
 * 4. feeds that name the ASN, in the same order;
 * 5. what is known of the ASN by hand (`asn:hosting`);
 * 6. what the ASN database itself says (`database:isp`);
 * 7. the organisation's name (`name:education`);
 * 8. `none`: UNKNOWN.
 *
 * What is said of an address outranks what is said of its network, and what the operator says outranks what ships.
 */
import type { AddressScope, NetworkCategory } from '#schemas/records.ts';
import { parseRange, type AddressWords } from '#lib/kernel/ip-address.ts';
import type { AutonomousSystem } from '../ranges/asn-systems.ts';
import { RangeTableBuilder, type RangeTable } from '../ranges/range-table.ts';
import { ASN_KNOWLEDGE } from './asn-knowledge.ts';
import { CATEGORY_OF_FEED, FEED_KINDS, feedHasAddress, type FeedEntries, type FeedKind } from './feeds.ts';
import { ruleForName } from './name-rules.ts';

export interface Classification {
  readonly category: NetworkCategory;
  readonly categoryReason: string;
}

export interface Override {
  readonly cidr?: string | undefined;
  readonly asn?: number | undefined;
  readonly category: NetworkCategory;
}

export interface NamedFeed {
  readonly name: string;
  readonly kind: FeedKind;
  readonly feed: FeedEntries;
}

/** IPinfo's `type` of an ASN. */
const CATEGORY_OF_DATABASE_KIND: Readonly<Record<string, NetworkCategory>> = {
  isp: 'RESIDENTIAL',
  hosting: 'HOSTING',
  business: 'BUSINESS',
  education: 'EDUCATION',
};

const NOTHING_KNOWN: Classification = { category: 'UNKNOWN', categoryReason: 'none' };
const NO_RANGES: RangeTable = new RangeTableBuilder(1).build();

export class Classifier {
  readonly #overrides: readonly Override[];
  readonly #overrideRanges: RangeTable;
  readonly #overrideAsns = new Map<number, NetworkCategory>();
  readonly #feeds: readonly NamedFeed[];
  /** What is known of a system does not depend on the address, and the name rules cost some 20 µs. */
  readonly #knowledge = new WeakMap<AutonomousSystem, Classification>();

  constructor(overrides: readonly Override[], feeds: readonly NamedFeed[]) {
    this.#overrides = overrides;
    this.#feeds = feeds.toSorted((a, b) => FEED_KINDS.indexOf(a.kind) - FEED_KINDS.indexOf(b.kind));
    const ranges = new RangeTableBuilder(16);
    let withRange = 0;
    overrides.forEach((override, index) => {
      if (override.asn !== undefined) this.#overrideAsns.set(override.asn, override.category);
      const range = override.cidr === undefined ? null : parseRange(override.cidr);
      if (range === null) return;
      ranges.add(range, index);
      withRange++;
    });
    this.#overrideRanges = withRange === 0 ? NO_RANGES : ranges.build();
  }

  /** `words` is the address that is looked up (null unless public), `system` its AS where one is known. */
  classify(scope: AddressScope, words: AddressWords | null, system: AutonomousSystem | null): Classification {
    if (scope !== 'PUBLIC' || words === null) return { category: 'UNKNOWN', categoryReason: `scope:${scope.toLowerCase().replace('_', '-')}` };
    return this.#byOverride(words, system) ?? this.#byFeed(words, system) ?? this.#byKnowledge(system);
  }

  #byOverride(words: AddressWords, system: AutonomousSystem | null): Classification | null {
    const index = this.#overrideRanges.find(words);
    if (index >= 0) return { category: (this.#overrides[index] as Override).category, categoryReason: 'override:cidr' };
    const category = system === null ? undefined : this.#overrideAsns.get(system.asn);
    return category === undefined ? null : { category, categoryReason: 'override:asn' };
  }

  #byFeed(words: AddressWords, system: AutonomousSystem | null): Classification | null {
    for (const named of this.#feeds) if (feedHasAddress(named.feed, words)) return ofFeed(named);
    if (system !== null) for (const named of this.#feeds) if (named.feed.asns.has(system.asn)) return ofFeed(named);
    return null;
  }

  #byKnowledge(system: AutonomousSystem | null): Classification {
    if (system === null) return NOTHING_KNOWN;
    let known = this.#knowledge.get(system);
    if (known === undefined) this.#knowledge.set(system, (known = ofSystem(system)));
    return known;
  }
}

function ofSystem({ asn, organisation, kind }: AutonomousSystem): Classification {
  const known = ASN_KNOWLEDGE.get(asn);
  if (known !== undefined) return { category: known, categoryReason: `asn:${known.toLowerCase()}` };
  const said = kind === null ? undefined : CATEGORY_OF_DATABASE_KIND[kind];
  if (said !== undefined) return { category: said, categoryReason: `database:${kind}` };
  const rule = organisation === null ? null : ruleForName(organisation);
  return rule === null ? NOTHING_KNOWN : { category: rule.category, categoryReason: `name:${rule.rule}` };
}

function ofFeed({ name, kind }: NamedFeed): Classification {
  return { category: CATEGORY_OF_FEED[kind], categoryReason: name === kind ? `feed:${kind}` : `feed:${kind}/${name}` };
}
