/** One tenant's world for the evaluation: measured places and paths, recorded typists, and simulated surroundings. */
import { Prng } from '#lib/kernel/prng.ts';
import { distanceKm, type LocatedAddress } from '../../simulate/addresses.ts';
import type { Driver, Scene, Workstation } from '../../simulate/draft.ts';
import { drawScene } from '../../simulate/fleet.ts';
import { KVM_DEVICES, MICE, SWITCH_DEVICES, SWITCH_DISPLAYS } from '../../simulate/hardware.ts';
import type { CloudRegion } from '../../simulate/measured.ts';
import { DEFAULTS } from '../../simulate/options.ts';
import { HOME_PLACES, NETWORKS, type Place, type VantagePlace } from '../../simulate/places.ts';
import { LOSS_SHARES, type PathFactory } from '../../simulate/path.ts';
import { drawHops, homeAddress, ordinaryPerson } from '../../simulate/person.ts';
import { machineOf, ordinaryMachine } from '../machines.ts';
import { type AccessClass, pathOf, type Paths, readPaths, type RecordedLeg } from '../recorded-paths.ts';
import { gridOf, keysOf, readPeople, type RecordedPerson } from '../recorded-typing.ts';
import { inPart, type Part } from '../split.ts';

export interface Site {
  region: CloudRegion;
  place: Place;
  vantage: VantagePlace;
  /** Measured round trip site ↔ vantage, ms. */
  rttMs: number;
}

/** Where an operator sits, and the measured round trip to the site. */
export interface Operator {
  region: CloudRegion;
  rttMs: number;
}

/** How much a session holds: a light one costs less and gives less typing. */
export interface Effort {
  activity: readonly [number, number];
  sampleEveryMs: readonly [number, number];
}

export const EFFORTS = {
  /** Half an hour of typing a day: for very many session-days. */
  sparse: { activity: [0.04, 0.08], sampleEveryMs: [480_000, 960_000] },
  /** Most of an hour. */
  light: { activity: [0.07, 0.14], sampleEveryMs: [240_000, 480_000] },
  /** A working day. */
  whole: { activity: [0.15, 0.4], sampleEveryMs: [60_000, 120_000] },
} as const satisfies Readonly<Record<string, Effort>>;

export interface World {
  scene: Scene;
  part: Part;
  effort: Effort;
  /** See CaseOptions. */
  uncoupled: boolean;
  /** Hands that nobody else of the tenant has, as long as there are any: two colleagues with one rhythm would be one typist. */
  nextTypist(): RecordedPerson;
  /** A home address in the place's town that was not drawn for anybody else of the tenant, as long as there are any. */
  ownAddress(prng: Prng, place: Place, first?: LocatedAddress): LocatedAddress;
  paths: Paths;
  /** Places where this tenant's people live: few, so that cohorts form. */
  sites: readonly Site[];
  /** Places of the part, for operators and hosts. */
  regions: readonly CloudRegion[];
}

/** What every shard of a process shares: it is read once. */
export interface Sources {
  people: readonly RecordedPerson[];
  paths: Paths;
  part: Part;
}

export function readSources(part: Part, data?: string): Sources {
  return { part, people: readPeople(data).filter((person) => inPart(person.id, part)), paths: readPaths(data, part) };
}

const HOME_ASNS = [...new Set(Object.values(NETWORKS).flatMap((networks) => networks.home))];
/** A region is a home's place where a home address lies this near, km. */
const TOWN_KM = 120;
/** The vantage of a site is one of the nearest regions within this distance, km. */
const VANTAGE_KM = 3500;
const SITES_PER_TENANT = 4;
/** Longest last mile of an operator, ms. */
const LAST_MILE_MAX_MS = 18;

export const regionInPart = (region: CloudRegion, part: Part): boolean => inPart(`${region.latitude},${region.longitude}`, part);

export function drawWorld(sources: Sources, options: { seed: number; shard: number; days: number; effort: Effort; uncoupled: boolean }): World {
  const { seed, shard, days, effort, uncoupled } = options;
  const all = drawScene({ ...DEFAULTS, seed, days, tenants: shard + 1 });
  const scene: Scene = { ...all, seed: seed * 1009 + shard, tenants: all.tenants.slice(shard) };
  const { part, people, paths } = sources;
  const regions = paths.regions.filter((region) => regionInPart(region, part));
  const prng = new Prng(seed, `sites:${shard}`);
  const sites: Site[] = [];
  for (const region of shuffled(prng, regions)) {
    if (sites.length >= SITES_PER_TENANT) break;
    const site = siteOf(scene, paths, region, prng);
    if (site !== null) sites.push(site);
  }
  return { scene, part, effort, uncoupled, nextTypist: dealer(shuffled(new Prng(seed, `typists:${shard}`), people)), ownAddress: addresses(scene.book), paths, sites, regions };
}

/** The databases know few ranges of a town: strangers would share an address by chance, a farm's among them. */
const ADDRESS_TRIES = 16;

function addresses(book: Scene['book']): World['ownAddress'] {
  const taken = new Set<string>();
  return (prng, place, first) => {
    let address = first ?? homeAddress(prng, book, place);
    for (let tries = 1; taken.has(address.ip) && tries < ADDRESS_TRIES; tries++) address = homeAddress(prng, book, place);
    taken.add(address.ip);
    return address;
  };
}

/** Deals each in turn, and again from the first when all have been dealt. */
function dealer<T>(items: readonly T[]): () => T {
  let dealt = 0;
  return () => items[dealt++ % items.length]!;
}

function shuffled<T>(prng: Prng, items: readonly T[]): T[] {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Null where the region has no access network nearby, or nobody measured a way to a vantage. */
function siteOf(scene: Scene, paths: Paths, region: CloudRegion, prng: Prng): Site | null {
  const home = scene.book.draw(new Prng(1, region.id), { asns: HOME_ASNS, near: region, maxKm: 5 });
  if (distanceKm(home, region) > TOWN_KM || NETWORKS[home.country] === undefined) return null;
  const near = paths.regions
    .filter((other) => other !== region && paths.rttMs(region, other) !== undefined)
    .map((other) => ({ other, km: distanceKm(other, region) }))
    .filter(({ km }) => km > 1 && km < VANTAGE_KM)
    .sort((a, b) => a.km - b.km)
    .slice(0, 4);
  if (near.length === 0) return null;
  const { other } = prng.pick(near);
  const { country, region: state, city } = home;
  const place = { country, region: state, city, latitude: region.latitude, longitude: region.longitude, timeZone: zoneOf(country, region) };
  return { region, place, vantage: { id: other.id, name: other.id, latitude: other.latitude, longitude: other.longitude }, rttMs: paths.rttMs(region, other)! };
}

/** The zone of the nearest town of that country that has one; by the sun where there is none (POSIX counts westward). */
export function zoneOf(country: string, at: { latitude: number; longitude: number }): string {
  const near = HOME_PLACES.filter((place) => place.country === country).toSorted((a, b) => distanceKm(a, at) - distanceKm(b, at))[0];
  if (near !== undefined && distanceKm(near, at) < 900) return near.timeZone;
  const hours = Math.round(at.longitude / 15);
  return hours === 0 ? 'Etc/GMT' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

/** Kind of line: most homes are calm, some move as calls do, some as the recorded devices do. */
export type Line = 'calm' | 'lively' | 'heavy';

const LINES: Readonly<Record<Line, { access: AccessClass; share: readonly [number, number]; jitter: readonly [number, number] }>> = {
  calm: { access: 'home', share: [0.02, 0.15], jitter: [0.3, 1.2] },
  lively: { access: 'home', share: [0.2, 0.8], jitter: [0.8, 2.5] },
  heavy: { access: 'device', share: [0.3, 1], jitter: [1, 4] },
};

export const drawLine = (prng: Prng): Line => (prng.chance(0.55) ? 'calm' : prng.chance(0.75) ? 'lively' : 'heavy');

/** A leg of a total base: its line's recorded movement, and the route changes of recorded server paths. */
export function drawRecordedLeg(prng: Prng, paths: Paths, baseMs: number, line: Line): RecordedLeg {
  const { access, share, jitter } = LINES[line];
  const movements = [{ movement: prng.pick(paths.movements[access]), share: prng.uniform(...share) }];
  if (prng.chance(0.6)) movements.push({ movement: prng.pick(paths.movements.server), share: 1 });
  return { baseMs, movements, packetJitterMs: prng.uniform(...jitter), lossShare: prng.uniform(...LOSS_SHARES) };
}

export const drawPath = (prng: Prng, world: World, baseMs: number, line: Line = drawLine(prng)): PathFactory => pathOf(drawRecordedLeg(prng, world.paths, baseMs, line));

/** Last mile of a home, ms (fibre and cable 3–25). */
export const lastMile = (prng: Prng): number => Math.min(25, Math.max(2, prng.logNormal(8, 0.5)));

/** Honest people with a KVM switch, and with what a network KVM is made of (a single-board computer that serves as a keyboard): stated shares, the second as detection takes it. */
const SWITCH_SHARE = 0.03;
const GADGET_SHARE = 3e-4;

function oddHardware(prng: Prng): Partial<Driver> {
  if (prng.chance(GADGET_SHARE)) return { inputDevices: [KVM_DEVICES[0], prng.pick(MICE)] };
  if (!prng.chance(SWITCH_SHARE)) return {};
  return { inputDevices: [prng.pick(SWITCH_DEVICES)], ...(prng.chance(0.3) && { displayEdid: prng.pick(SWITCH_DISPLAYS) }) };
}

export interface Desk {
  person: Workstation;
  site: Site;
  /** Raster of the workstation's clock, ms: it rounds what anybody types there. */
  gridMs: number;
}

/** Somebody of the tenant who works honestly at a site, on an ordinary machine and an ordinary line. */
export function honestPerson(world: World, stream: string, prng: Prng, kind: string, at?: Site): Desk {
  const { scene, effort } = world;
  const site = at ?? prng.pick(world.sites);
  const person = ordinaryPerson(scene, stream, prng, kind, scene.tenants[0]!, site.place);
  person.vantage = site.vantage;
  person.activity = prng.uniform(...effort.activity);
  person.sampleEveryMs = effort.sampleEveryMs;
  const source = world.ownAddress(prng, site.place, person.link.source);
  const baseMs = site.rttMs + lastMile(prng);
  person.link = { ...person.link, source, leg: drawPath(prng, world, baseMs), hops: drawHops(prng, scene.book, site.vantage, source, baseMs) };
  const typist = world.nextTypist();
  person.driver = { ...person.driver, ...oddHardware(new Prng(scene.seed, `${stream}:desk`)), hiddenTyped: !world.uncoupled, typist: keysOf(typist), processing: machineOf(ordinaryMachine(prng)) };
  return { person, site, gridMs: gridOf(typist) };
}

/** An operator of a workstation: where, the measured round trip, and the whole leg with the last mile, ms. */
export interface DrawnOperator extends Operator {
  legMs: number;
  /** False where no measured pair of places of the part fits the length: then the distance is not judged. */
  placed: boolean;
}

/** An operator whose whole leg to the site lies in a range; from a place of the part where one fits. */
export function drawOperator(prng: Prng, world: World, site: Site, [least, most]: readonly [number, number]): DrawnOperator {
  const fitting = (regions: readonly CloudRegion[]): Operator[] =>
    regions.flatMap((region) => {
      const rttMs = region === site.region ? undefined : world.paths.rttMs(site.region, region);
      return rttMs !== undefined && rttMs >= least - LAST_MILE_MAX_MS && rttMs <= most - 2 ? [{ region, rttMs }] : [];
    });
  const near = fitting(world.regions);
  const fits = near.length > 0 ? near : fitting(world.paths.regions);
  if (fits.length === 0) return { region: site.region, rttMs: 0, legMs: prng.uniform(least, most), placed: false };
  const operator = prng.pick(fits);
  const low = Math.max(1, least - operator.rttMs);
  const high = Math.max(low, Math.min(LAST_MILE_MAX_MS, most - operator.rttMs));
  return { ...operator, legMs: operator.rttMs + prng.uniform(low, high), placed: near.length > 0 };
}
