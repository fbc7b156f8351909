/** An ordinary person at an ordinary workstation: the starting point of every kind. */
import type { Prng } from '#lib/kernel/prng.ts';
import type { Hop } from '#schemas/records.ts';
import { assert } from '#lib/kernel/errors.ts';
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { type AddressBook, distanceKm, type LocatedAddress } from './addresses.ts';
import type { Driver, Link, Processing, Scene, Tenant, Workstation } from './draft.ts';
import { LAST_MILE } from './fitted.ts';
import { DISPLAYS, KEYBOARDS, MICE } from './hardware.ts';
import { type LegOptions, propagationMs } from './path.ts';
import { HOME_PLACES, NETWORKS, type Place, TRANSIT_ASNS, VANTAGE_PLACES, type VantagePlace } from './places.ts';
import { drawProfile } from './typist.ts';

const FINGERPRINTS = [
  't13d1516h2_8daaf6152771_02713d6af862',
  't13d1517h2_8daaf6152771_b0da82dd1658',
  't13d1715h2_5b57614c22b0_5c2c66f702b4',
  't13d2014h2_a09f3c656075_14788d8d241b',
];

export const hex = (prng: Prng, digits: number): string => {
  let text = '';
  while (text.length < digits) text += prng.uint32().toString(16).padStart(8, '0');
  return text.slice(0, digits);
};

function nearestVantage(at: { latitude: number; longitude: number }, rank = 0): VantagePlace {
  const sorted = VANTAGE_PLACES.toSorted((a, b) => distanceKm(a, at) - distanceKm(b, at));
  return sorted[Math.min(rank, sorted.length - 1)]!;
}

/** A leg between two places, with the last mile of an ordinary home at one end. */
export function drawLeg(prng: Prng, km: number): LegOptions {
  const propagation = propagationMs(prng, km);
  return {
    baseMs: propagation + prng.logNormal(LAST_MILE.medianMs, LAST_MILE.sigma),
    jitterMs: prng.logNormal(LAST_MILE.jitterMs, LAST_MILE.jitterSigma),
    route: { everyS: 40_000, stepMs: Math.min(12, 0.15 * propagation), floorMs: floorRttMs(km) + 1 },
  };
}

/** The simulated leg of a link that `drawLink` made. */
export function legOf(link: Link): LegOptions {
  const { leg } = link;
  assert(typeof leg !== 'function', 'a simulated link has simulated legs');
  return leg;
}

/** The simulated machine of an ordinary person. */
export function processingOf(person: Workstation): Processing {
  const { processing } = person.driver;
  assert(typeof processing !== 'function', 'a simulated person has a simulated machine');
  return processing;
}

/** The measured way from the vantage: silent cloud routers, a carrier near each end, the access network. */
export function drawHops(prng: Prng, book: AddressBook, vantage: VantagePlace, source: LocatedAddress, rttMs: number): Hop[] {
  const hops: Hop[] = [{ ttl: 1, ip: `10.${prng.below(250)}.${prng.below(250)}.1`, rttMs: round2(prng.uniform(0.2, 1)) }];
  const hop = (share: number, ip: string | null): void => {
    const silent = ip === null || prng.chance(0.15);
    const rtt = silent ? null : round2(Math.max(0.3, rttMs * share + prng.uniform(-0.3, 0.8)));
    hops.push({ ttl: hops.length + 1, ip: silent ? null : ip, rttMs: rtt });
  };
  hop(0.05, null);
  hop(0.1, book.draw(prng, { asns: TRANSIT_ASNS, near: vantage, maxKm: 150 }).ip);
  hop(0.6, book.draw(prng, { asns: TRANSIT_ASNS, near: source, maxKm: 150 }).ip);
  hop(0.8, book.draw(prng, { asns: [source.asn], near: source, maxKm: 120 }).ip);
  hop(0.9, null);
  return hops;
}

const round2 = (n: number): number => Math.round(n * 100) / 100;

/** A link from a place to a vantage. `km` is the true way; it may be longer than the straight line. */
export function drawLink(prng: Prng, book: AddressBook, source: LocatedAddress, place: Place, vantage: VantagePlace, km?: number): Link {
  const way = km ?? distanceKm(place, vantage);
  const leg = drawLeg(prng, way);
  return {
    from: -Infinity,
    source,
    forwardedFor: [],
    hops: drawHops(prng, book, vantage, source, leg.baseMs),
    leg,
    floorMs: floorRttMs(way),
    transport: prng.chance(0.8) ? 'TCP' : 'QUIC',
    mss: 1460,
    receivedTtl: (prng.chance(0.7) ? 128 : 64) - 6 - prng.below(9),
    tlsFingerprint: prng.pick(FINGERPRINTS),
    osTimeZone: place.timeZone,
  };
}

/** A home address in the place's town by the database; now and then the database is a county off. */
export function homeAddress(prng: Prng, book: AddressBook, place: Place): LocatedAddress {
  const maxKm = prng.chance(0.9) ? 60 : 250;
  return book.draw(prng, { asns: NETWORKS[place.country]!.home, country: place.country, near: place, maxKm });
}

function drawProcessing(prng: Prng): Processing {
  return { baseMs: Math.min(8.5, Math.max(0.3, prng.logNormal(2.2, 0.7))), jitterMs: prng.uniform(0.2, 1.2), load: null };
}

function drawDriver(prng: Prng): Driver {
  return {
    from: -Infinity,
    typist: drawProfile(prng),
    hidden: null,
    hiddenVisible: true,
    hiddenTyped: true,
    processing: drawProcessing(prng),
    rasterMs: 0,
    inputOrigin: 'HARDWARE',
    injectedShare: 0,
    remoteTools: [],
    inputDevices: [prng.pick(KEYBOARDS), prng.pick(MICE)],
    displayEdid: prng.pick(DISPLAYS),
  };
}

/** `unit` is the random stream of what the members of one unit share. */
export function ordinaryPerson(scene: Scene, stream: string, prng: Prng, kind: string, tenant: Tenant, at?: Place): Workstation {
  const place = at ?? prng.pick(HOME_PLACES);
  const vantage = nearestVantage(place, prng.chance(0.8) ? 0 : 1);
  const source = homeAddress(prng, scene.book, place);
  const sensor = prng.chance(0.6) ? 'ENDPOINT_AGENT' : prng.pick(['WEB_APP', 'VDI_GATEWAY', 'BASTION'] as const);
  return {
    stream,
    kind,
    remote: false,
    tenant,
    deviceId: `d-${hex(prng, 10)}`,
    userId: `u-${hex(prng, 10)}`,
    declared: place,
    shippedTo: place,
    employment: prng.pick(['EMPLOYEE', 'EMPLOYEE', 'EMPLOYEE', 'CONTRACTOR', 'SUBCONTRACTOR'] as const),
    laptop: place,
    vantage,
    link: drawLink(prng, scene.book, source, place, vantage),
    driver: drawDriver(prng),
    hours: {
      timeZone: place.timeZone,
      startHour: prng.normal(8.7, 0.7),
      lengthHours: Math.max(4, prng.normal(8.4, 0.6)),
      scatterMinutes: 9,
      weekend: false,
    },
    activity: Math.min(0.6, Math.max(0.12, prng.logNormal(0.27, 0.35))),
    intervalMs: prng.chance(0.85) ? 10_000 : prng.pick([5_000, 15_000, 20_000]),
    sampleEveryMs: [60_000, 120_000],
    sensor,
    latencyClock: 'ROUND_TRIP',
    clockErrorMs: 0,
    clockSkewMs: 0,
    hiddenLegMs: 0,
    moves: [],
    daily: null,
  };
}
