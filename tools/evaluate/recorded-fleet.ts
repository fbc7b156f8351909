/**
 * A fleet out of measured data: real people type over real round trips between real places, honestly or through a
 * measured hidden leg. Only the surroundings (identifiers, addresses, hops, working hours) are simulated.
 */
import { Prng } from '#lib/kernel/prng.ts';
import { distanceKm } from '../simulate/addresses.ts';
import type { Scene, Workstation } from '../simulate/draft.ts';
import { drawScene, type Fleet, fleetOf } from '../simulate/fleet.ts';
import { LAST_MILE } from '../simulate/fitted.ts';
import type { CloudRegion } from '../simulate/measured.ts';
import { DEFAULTS } from '../simulate/options.ts';
import { drawHops, ordinaryPerson } from '../simulate/person.ts';
import { NETWORKS, type Place, VPN_ASNS } from '../simulate/places.ts';
import { type AccessClass, pathOf, type Paths, readPaths, type RecordedLeg } from './recorded-paths.ts';
import { keysOf, readPeople, type RecordedPerson } from './recorded-typing.ts';
import { inPart, type Part } from './split.ts';

/** What the evaluation's rows are called; the hidden leg's bin is in the name. */
export const RECORDED_HONEST = ['direct-server', 'direct-home', 'direct-device'] as const;
export const RECORDED_PILOTED = [
  'proxy-15-40ms',
  'proxy-40-80ms',
  'proxy-80-150ms',
  'proxy-over-150ms',
  'proxy-on-device-links',
  'packet-vpn',
  'remote-desktop',
  'handover',
  'ip-kvm',
  'account-handover',
] as const;
type RecordedKind = (typeof RECORDED_HONEST)[number] | (typeof RECORDED_PILOTED)[number];

export interface RecordedOptions {
  seed: number;
  workstations: number;
  piloted: number;
  part: Part;
  /** Folder of the measured data. */
  data?: string | undefined;
}

interface Site {
  region: CloudRegion;
  place: Place;
}

interface World {
  scene: Scene;
  people: readonly RecordedPerson[];
  paths: Paths;
  sites: readonly Site[];
}

const HOME_ASNS = [...new Set(Object.values(NETWORKS).flatMap((networks) => networks.home))];
/** A region is a home's place where a home address lies this near, km. */
const TOWN_KM = 120;

/** Regions of the part that have access networks nearby; the place is the region's town. */
function sitesOf(scene: Scene, paths: Paths, part: Part): Site[] {
  const sites: Site[] = [];
  for (const region of paths.regions) {
    if (!inPart(`${region.latitude},${region.longitude}`, part)) continue;
    const home = scene.book.draw(new Prng(1, region.id), { asns: HOME_ASNS, near: region, maxKm: 5 });
    if (distanceKm(home, region) > TOWN_KM || NETWORKS[home.country] === undefined) continue;
    const { country, region: state, city } = home;
    const place = { country, region: state, city, latitude: region.latitude, longitude: region.longitude, timeZone: zoneOf(region.longitude) };
    sites.push({ region, place });
  }
  return sites;
}

/** The zone by the sun; POSIX names count westward. */
function zoneOf(longitude: number): string {
  const hours = Math.round(longitude / 15);
  return hours === 0 ? 'Etc/GMT' : `Etc/GMT${hours > 0 ? '-' : '+'}${Math.abs(hours)}`;
}

/** Another site with a measured round trip to this one that fits; null where there is none. */
function partner(prng: Prng, world: World, from: CloudRegion, fits: (rttMs: number, km: number) => boolean): { site: CloudRegion; rttMs: number } | null {
  const found: { site: CloudRegion; rttMs: number }[] = [];
  for (const site of world.paths.regions) {
    const rttMs = site === from ? undefined : world.paths.rttMs(from, site);
    if (rttMs !== undefined && fits(rttMs, distanceKm(from, site))) found.push({ site, rttMs });
  }
  return found.length > 0 ? prng.pick(found) : null;
}

function legOf(prng: Prng, world: World, baseMs: number, access: AccessClass): RecordedLeg {
  const lastMile = access === 'server' ? 0 : prng.logNormal(LAST_MILE.medianMs, LAST_MILE.sigma);
  return { baseMs: baseMs + lastMile, movements: [prng.pick(world.paths.movements[access])], packetJitterMs: access === 'server' ? 0.4 : 1.2 };
}

function honest(world: World, stream: string, kind: RecordedKind, access: AccessClass): { person: Workstation; prng: Prng; site: Site; visibleMs: number } {
  const { scene } = world;
  const prng = new Prng(scene.seed, stream);
  const site = prng.pick(world.sites);
  const person = ordinaryPerson(scene, stream, prng, kind, prng.pick(scene.tenants), site.place);
  const near = partner(prng, world, site.region, (_, km) => km < 3500) ?? partner(prng, world, site.region, () => true)!;
  person.vantage = { id: near.site.id, name: near.site.id, latitude: near.site.latitude, longitude: near.site.longitude };
  const leg = legOf(prng, world, near.rttMs, access);
  person.link = { ...person.link, leg: pathOf(leg), hops: drawHops(prng, scene.book, person.vantage, person.link.source, leg.baseMs) };
  person.driver.typist = keysOf(prng.pick(world.people));
  return { person, prng, site, visibleMs: near.rttMs };
}

const BINS: Readonly<Partial<Record<RecordedKind, [number, number]>>> = {
  'proxy-15-40ms': [15, 40],
  'proxy-40-80ms': [40, 80],
  'proxy-80-150ms': [80, 150],
  'proxy-over-150ms': [150, 400],
};

function pilot(world: World, stream: string, kind: RecordedKind): Workstation {
  const access: AccessClass = kind === 'proxy-on-device-links' ? 'device' : 'home';
  const { person, prng, site, visibleMs } = honest(world, stream, kind, access);
  person.remote = true;
  const [least, most] = BINS[kind] ?? [40, 400];
  const operator = partner(prng, world, site.region, (ms) => ms >= least && ms < most) ?? partner(prng, world, site.region, (ms) => ms >= least)!;
  const hidden = legOf(prng, world, operator.rttMs, prng.chance(0.5) ? access : 'server');
  const typist = keysOf(prng.pick(world.people));
  if (kind === 'account-handover' || kind === 'handover') {
    person.hiddenLegMs = kind === 'handover' ? hidden.baseMs : 0;
    person.daily = (sessions, _day, draw) => {
      for (const [i, session] of sessions.entries()) {
        const [own] = session.drivers;
        const from = session.startAt + (session.endAt - session.startAt) * draw.uniform(0.3, 0.5);
        const other = { ...own!, from, typist, ...(kind === 'handover' && { hidden: pathOf(hidden) }) };
        session.drivers = i === 0 ? [own!, other] : [other];
        session.label.startsAt = i === 0 ? Math.round(from) : session.startAt;
      }
    };
    return person;
  }
  if (kind === 'packet-vpn') return packetVpn(world, prng, person, site, operator.site, visibleMs, operator.rttMs, typist);
  person.hiddenLegMs = hidden.baseMs;
  person.driver = { ...person.driver, typist, hidden: pathOf(hidden), hiddenVisible: kind !== 'ip-kvm' };
  if (kind === 'remote-desktop') person.driver = { ...person.driver, rasterMs: prng.pick([1000 / 60, 100 / 3]), inputOrigin: 'VIRTUAL' };
  return person;
}

/** The whole way is one transport: vantage → exit in the declared place → operator. */
function packetVpn(world: World, prng: Prng, person: Workstation, site: Site, operator: CloudRegion, nearMs: number, farMs: number, typist: Workstation['driver']['typist']): Workstation {
  const exit = world.scene.book.draw(prng, { asns: VPN_ASNS, country: site.place.country, near: site.place, maxKm: 300 });
  const hops = drawHops(prng, world.scene.book, person.vantage, exit, nearMs);
  person.link = { ...person.link, source: exit, hops, leg: pathOf(legOf(prng, world, nearMs + farMs, 'home')), mss: 1380 };
  person.laptop = { ...site.place, latitude: operator.latitude, longitude: operator.longitude };
  person.driver = { ...person.driver, typist };
  person.hiddenLegMs = farMs;
  return person;
}

export function recordedFleet({ seed, workstations, piloted, part, data }: RecordedOptions): Fleet {
  const settings = { ...DEFAULTS, seed, workstations, piloted };
  const scene = drawScene(settings);
  const paths = readPaths(data);
  const people = readPeople(data).filter((person) => inPart(person.id, part));
  const world: World = { scene, paths, people, sites: sitesOf(scene, paths, part) };
  const fleet: Workstation[] = [];
  for (let i = 0; i < piloted; i++) fleet.push(pilot(world, `recorded:piloted:${i}`, RECORDED_PILOTED[i % RECORDED_PILOTED.length]!));
  for (let i = 0; i < workstations - piloted; i++) {
    const kind = RECORDED_HONEST[i % RECORDED_HONEST.length]!;
    fleet.push(honest(world, `recorded:honest:${i}`, kind, kind.slice('direct-'.length) as AccessClass).person);
  }
  const vantages = [...new Map(fleet.map((person) => [person.vantage.id, person.vantage])).values()];
  return fleetOf(scene, fleet, vantages, settings);
}
