/**
 * Novelty.
 *
 * Hypothesis: somebody else uses the account, or from somewhere else than the person ever did.
 * Statistic: the first sighting of the person in this country, on this network (AS number), at this address or with this TLS fingerprint,
 *   after the person has been known on a stated number of days; it stays new for a few days (of the declared zone), that of the first
 *   sighting included. The rarest of them speaks.
 * Null: people travel, change providers and browsers: shares of person-days with a first, a stated prior. How often addresses change
 *   depends on the provider and on the person, so it is learnt from the person's own days: of D days with k addresses, (k − ½)/D bring a
 *   new one (Krichevsky and Trofimov 1981: the mean under a Jeffreys prior, so that one over it has mean 1).
 *   A first that stays new for three days is shown by three times as many days as bring one. So what a day of it is worth is a part of one
 *   over the share, and the parts of its days sum to one: most of it on the first, when somebody who took over types enough to be told from
 *   the person, then a ninth each day.
 * Reference: the person's own earlier sightings; organisation egresses and partners are nobody's novelty, and neither is a network near a
 *   place to which the person has moved as declared.
 * Cost: ubiquitous: opens nothing alone. It counts beside another family only (a changed rhythm, a hidden leg).
 */
import { DAY_MS, HOUR_MS } from '../fleet/minutes.ts';
import { NO_DATA, QUIET, type Answer, type SignalDescription, rounded, strengthOfShare } from './reading.ts';
import { isTrustedEgress, type Sighting } from './sighting.ts';
import type { SessionView, SignalParameters } from './view.ts';
import { utcOffsetHours } from './zones.ts';

export const noveltySignal: SignalDescription = {
  name: 'novelty',
  family: 'network',
  weight: 0.15,
  speaksFor: { ACCOUNT_HANDOVER: 0.6, DEVICE_ELSEWHERE: 0.3, VPN_OR_PROXY: 0.1 },
};

/** A person's first sighting of one thing, and whether that was a first against a known history. */
export interface Familiar {
  kind: 'country' | 'network' | 'fingerprint';
  value: string;
  firstAt: number;
  lastAt: number;
  /** Days on which the person had been seen before it came up. */
  daysBefore: number;
}

const HONEST_SHARE = { country: 0.01, network: 0.02, fingerprint: 0.05 } as const;
/** No address is rarer than a first network, and of one that comes more often than this nothing is said. */
const ADDRESS_SHARE_MAX = 0.3;
const TEXT = { address: 'address', country: 'country', network: 'network (AS number)', fingerprint: 'TLS fingerprint' } as const;

type Traits = Pick<Sighting, 'country' | 'asn' | 'tlsFingerprint'>;

/** What a sighting shows of one kind; null where it shows nothing of it. */
export function traitOf({ country, asn, tlsFingerprint }: Traits, kind: Familiar['kind']): string | null {
  if (kind === 'country') return country;
  return kind === 'fingerprint' ? tlsFingerprint : asn === null ? null : String(asn);
}

export const FAMILIAR_KINDS = ['country', 'network', 'fingerprint'] as const satisfies Familiar['kind'][];

/** Who has moved, as declared, is seen near the new place on other networks: no nearer than this, km, and from a day before. */
const MOVED_KM = 500;
const EARLY_MS = DAY_MS;

/** What came up lately with a person who had been known for days before. */
interface Fresh {
  kind: Familiar['kind'] | 'address';
  value: string;
  firstAt: number;
  daysBefore: number;
  /** Of honest days that bring such a first. */
  share: number;
}

/** One that is still new: on the how manieth day, from 0. */
type New = Fresh & { age: number };

const isDeclaredMove = ({ movedSince, sourceToDeclaredKm }: SessionView, { kind, firstAt }: Pick<Fresh, 'kind' | 'firstAt'>): boolean =>
  kind !== 'fingerprint' && movedSince !== null && firstAt >= movedSince - EARLY_MS && sourceToDeclaredKm !== null && sourceToDeclaredKm <= MOVED_KM;

/** The address as something new; its share tells how often this person's change. */
function freshAddress({ knownPlace, placesBefore }: SessionView): Fresh | null {
  if (knownPlace === null || placesBefore === null || placesBefore.addresses === 0) return null;
  const { addresses, days } = placesBefore;
  const share = Math.max(HONEST_SHARE.network, (addresses - 0.5) / Math.max(1, days));
  return share > ADDRESS_SHARE_MAX ? null : { kind: 'address', value: knownPlace.ip, firstAt: knownPlace.firstAt, daysBefore: days, share };
}

/** Each day that a first is new has so much of the part of the day before it. */
const NEXT_DAY = 1 / 9;

/** Part of a first's worth on its day `age` (0: that of the first sighting) of the days on which it is new; 0 afterwards. */
function partOf(age: number, { noveltyHoldMs }: SignalParameters['config']['network']): number {
  const days = Math.ceil(noveltyHoldMs / DAY_MS);
  return age >= days ? 0 : (NEXT_DAY ** age * (1 - NEXT_DAY)) / (1 - NEXT_DAY ** days);
}

/** Days of the declared zone between a first and the end of the window. */
function ageOf({ declared, windowEnd }: SessionView, firstAt: number): number {
  const zone = declared?.timeZone ?? null;
  const offset = ((zone === null ? null : utcOffsetHours(zone, firstAt)) ?? 0) * HOUR_MS;
  return Math.floor((windowEnd - 1 + offset) / DAY_MS) - Math.floor((firstAt + offset) / DAY_MS);
}

/** Whether it came up lately, with a person who had been known for days before. */
export const isLately = ({ firstAt, daysBefore }: Pick<Fresh, 'firstAt' | 'daysBefore'>, windowEnd: number, { noveltyDaysMin, noveltyHoldMs }: SignalParameters['config']['network']): boolean =>
  daysBefore >= noveltyDaysMin && windowEnd - firstAt <= noveltyHoldMs;

const NOTHING: readonly New[] = [];

/** The organisation's own networks bring nothing new. */
function freshTraits(view: SessionView, parameters: SignalParameters): readonly New[] {
  if (view.sighting === null || isTrustedEgress(view.sighting.policy)) return NOTHING;
  const address = freshAddress(view);
  return view.familiar.length === 0 && address === null ? NOTHING : stillNew(view, address, parameters);
}

/** Neither do declared moves. */
function stillNew(view: SessionView, address: Fresh | null, { config }: SignalParameters): readonly New[] {
  const fresh: Fresh[] = [];
  for (const trait of view.familiar) if (isLately(trait, view.windowEnd, config.network)) fresh.push({ ...trait, share: HONEST_SHARE[trait.kind] });
  if (address !== null && isLately(address, view.windowEnd, config.network)) fresh.push(address);
  const traits = fresh.filter((trait) => !isDeclaredMove(view, trait)).map((trait): New => ({ ...trait, age: ageOf(view, trait.firstAt) }));
  // What is worth no more than nothing is not said.
  return traits.filter(({ age, share }) => partOf(age, config.network) > share);
}

export function novelty(view: SessionView, parameters: SignalParameters): Answer {
  if (view.sighting === null) return NO_DATA;
  const fresh = freshTraits(view, parameters);
  return fresh.length === 0 ? QUIET : rarestOf(view, fresh, parameters);
}

function rarestOf(view: SessionView, fresh: readonly New[], parameters: SignalParameters): Answer {
  const { network } = parameters.config;
  const shareOf = ({ share, age }: New): number => share / partOf(age, network);
  const best = fresh.toSorted((a, b) => shareOf(a) - shareOf(b))[0]!;
  const share = shareOf(best);
  return {
    strength: strengthOfShare(share),
    ubiquitous: true,
    observed: 1,
    expected: rounded(share),
    unit: 'share',
    samples: best.daysBefore,
    windowStart: view.windowStart,
    windowEnd: view.windowEnd,
    explanation: `The ${fresh.map(({ kind, value }) => `${TEXT[kind]} ${value}`).join(' and the ')} had not been seen for this user on ${best.daysBefore} earlier days; about ${rounded(best.share * 100, 1)}% of ${best.kind === 'address' ? "this user's days bring a new" : 'honest days bring a first'} ${TEXT[best.kind]}; it counts as new for some days, and day ${best.age + 1} of them has ${Math.round(partOf(best.age, network) * 100)}% of its weight, so that it is worth as much as what ${rounded(share * 100, 1)}% of days show.`,
  };
}
