/** The honest kinds out of measured data: everything that looks odd and is not (detection.md). */
import { Prng } from '#lib/kernel/prng.ts';
import { distanceKm, type LocatedAddress } from '../../simulate/addresses.ts';
import type { Driver, MachineFactory, Workstation } from '../../simulate/draft.ts';
import { drawHops } from '../../simulate/person.ts';
import { GEO_ASNS, LEO_ASNS, NETWORKS } from '../../simulate/places.ts';
import { heavyMachine, machineOf, ordinaryMachine, slowMachine } from '../machines.ts';
import { pathOf } from '../recorded-paths.ts';
import { keysOf } from '../recorded-typing.ts';
import { calendarDay, dayUtcOf, onDays, workAt } from './days.ts';
import type { HonestCase } from './kinds.ts';
import { drawPath, drawRecordedLeg, honestPerson, lastMile, type Site, type World } from './world.ts';

/** What the members of one unit share. */
export interface HonestUnit {
  site: Site;
  source: LocatedAddress;
}

type Shape = (person: Workstation, prng: Prng, world: World, site: Site, unit: HonestUnit) => void;

/** Round trip through a geostationary satellite with its scheduling, ms. */
const GEO_MS = [560, 680] as const;

/** Another source address, with hops to it and a leg of that base. */
export function relink(person: Workstation, prng: Prng, world: World, source: LocatedAddress, baseMs: number): void {
  person.link = { ...person.link, source, hops: drawHops(prng, world.scene.book, person.vantage, source, baseMs), leg: drawPath(prng, world, baseMs) };
}

const sharedAddress: Shape = (person, prng, world, site, { source }) => relink(person, prng, world, source, site.rttMs + lastMile(prng));

/** An address of a satellite provider in the country; null where it serves nobody there. */
function satelliteSource(prng: Prng, world: World, person: Workstation, geo: boolean): LocatedAddress | null {
  const source = world.scene.book.draw(prng, { asns: geo ? GEO_ASNS : LEO_ASNS, country: person.laptop.country, near: person.laptop, maxKm: 400 });
  return source.country === person.laptop.country ? source : null;
}

const satellite: Shape = (person, prng, world, site) => {
  const geo = prng.chance(0.35);
  // Where the database knows no customer in the country, the link is there but its address is an ordinary provider's.
  relink(person, prng, world, satelliteSource(prng, world, person, geo) ?? person.link.source, site.rttMs + 30);
  const baseMs = site.rttMs + (geo ? prng.uniform(...GEO_MS) : prng.uniform(22, 50));
  const leg = drawRecordedLeg(prng, world.paths, baseMs, 'heavy');
  // Low-orbit homes: SD about 15 ms, with a new satellite every 15 s.
  person.link.leg = pathOf({ ...leg, movements: leg.movements.map((m) => ({ ...m, share: m.share * 0.3 })), packetJitterMs: geo ? prng.uniform(12, 30) : prng.uniform(6, 14) });
  person.link.mss = geo ? 1380 : 1440;
};

/** The provider's proxy in the ground station answers the transport: the satellite hop shows as a hidden leg. */
const satellitePep: Shape = (person, prng, world, site) => {
  relink(person, prng, world, satelliteSource(prng, world, person, true) ?? satelliteSource(prng, world, person, false) ?? person.link.source, site.rttMs + 12);
  const hop = drawRecordedLeg(prng, world.paths, prng.uniform(...GEO_MS), 'heavy');
  person.driver.hidden = pathOf({ ...hop, packetJitterMs: prng.uniform(12, 30) });
  person.driver.hiddenTyped = false;
  person.link.mss = 1380;
};

const mobile: Shape = (person, prng, world, site) => {
  const { country } = person.laptop;
  const asns = NETWORKS[country]!.mobile;
  relink(person, prng, world, world.scene.book.draw(prng, { asns, country, near: person.laptop, maxKm: 400 }), site.rttMs + 40);
  const leg = drawRecordedLeg(prng, world.paths, site.rttMs + prng.uniform(18, 60), 'heavy');
  person.link.leg = pathOf({ ...leg, packetJitterMs: prng.uniform(4, 12), lossShare: prng.uniform(0.003, 0.02) });
  person.link.mss = 1360;
};

const bufferbloat: Shape = (person, prng, world, site) => {
  const queues = world.paths.movements.device.filter(({ aboveMs }) => aboveMs.some((ms) => ms > 80));
  const leg = drawRecordedLeg(prng, world.paths, site.rttMs + lastMile(prng), 'calm');
  person.link.leg = pathOf({ ...leg, movements: [...leg.movements, { movement: prng.pick(queues), share: prng.uniform(0.5, 1) }] });
};

const machine = (model: (prng: Prng) => Parameters<typeof machineOf>[0]): Shape => (person, prng) => {
  person.driver.processing = machineOf(model(prng));
};

const slowLater: Shape = (person, prng, world) => {
  const model = ordinaryMachine(prng);
  person.driver.processing = machineOf({ ...model, change: { from: dayUtcOf(world.scene.startAt, calendarDay(2)) - 6 * 3_600_000, addMs: prng.uniform(15, 60) } });
};

/** A machine with a further honest leg behind it: the way from the gateway to the host. */
function hosted(own: Driver['processing'], base: MachineFactory): MachineFactory {
  return (prng, startAt) => {
    const host = base(prng, startAt);
    const inner = (own as MachineFactory)(prng, startAt);
    return {
      advance(at) {
        host.advance(at);
        inner.advance(at);
      },
      delay: () => host.delay() + inner.delay(),
    };
  };
}

const vdi: Shape = (person, prng, world, site) => {
  person.sensor = 'VDI_GATEWAY';
  // Most tenants host all desktops in one region; some people's stand elsewhere.
  const own = prng.chance(0.35) ? prng : new Prng(world.scene.seed, 'vdi');
  const hosts = world.regions.filter((region) => region !== site.region && (world.paths.rttMs(site.region, region) ?? 999) < 160);
  const host = hosts.length > 0 ? own.pick(hosts) : site.region;
  const leg = pathOf({ ...drawRecordedLeg(prng, world.paths, world.paths.rttMs(site.region, host) ?? 6, 'calm'), packetJitterMs: prng.uniform(0.3, 1.2) });
  person.driver.processing = hosted(person.driver.processing, (stream, startAt) => {
    const path = leg(stream, startAt);
    return { advance: (at) => path.advance(at), delay: () => path.sample() };
  });
  person.driver.inputDevices = [];
  person.driver.displayEdid = null;
};

/** Tenants have one far egress; every other tenant has declared it. `ends` tells whether the gateway ends the transport. */
const corporate = (ends: boolean): Shape => (person, prng, world, site) => {
  const { paths, scene } = world;
  const shared = new Prng(scene.seed, 'egress');
  const far = paths.regions.filter((region) => distanceKm(region, site.place) > 800 && paths.rttMs(site.region, region) !== undefined);
  const egressRegion = shared.pick(far);
  const { egress } = person.tenant;
  const toEgress = paths.rttMs(site.region, egressRegion)!;
  const onward = paths.regions.find((region) => region.id === person.vantage.id);
  const fromEgress = (onward === undefined ? undefined : paths.rttMs(egressRegion, onward)) ?? toEgress;
  const own = person.link.source.ip;
  relink(person, prng, world, egress, ends ? fromEgress + 1 : fromEgress + toEgress + lastMile(prng));
  if (ends) {
    person.link.leg = pathOf({ ...drawRecordedLeg(prng, paths, fromEgress + 1, 'calm'), packetJitterMs: prng.uniform(0.2, 0.8) });
    person.driver.hidden = drawPath(prng, world, toEgress + lastMile(prng));
    person.driver.hiddenTyped = false;
  }
  if (prng.chance(0.4)) person.link.forwardedFor = [own];
  person.link.mss = 1350;
};

const businessTrip: Shape = (person, prng, world, site) => {
  const { scene } = world;
  const toVantage = world.paths.regions.find(({ id }) => id === person.vantage.id)!;
  // Only ways that were measured: two clouds know nothing of each other, and a detour over home would be a tunnel's.
  const elsewhere = world.paths.regions.filter((region) => distanceKm(region, site.place) > 900 && world.paths.rttMs(region, toVantage) !== undefined);
  const region = prng.pick(elsewhere);
  const home = scene.book.draw(prng, { asns: Object.values(NETWORKS).flatMap((networks) => networks.home), near: region, maxKm: 60 });
  const trip = { ...site.place, country: home.country, region: home.region, city: home.city, latitude: home.latitude, longitude: home.longitude };
  const from = dayUtcOf(scene.startAt, calendarDay(2)) - 12 * 3_600_000;
  const rttMs = world.paths.rttMs(region, toVantage)!;
  const away = { ...person.link, source: home, hops: drawHops(prng, scene.book, person.vantage, home, rttMs), leg: drawPath(prng, world, rttMs + lastMile(prng)) };
  const { tenant, deviceId, userId, employment, shippedTo } = person;
  person.moves.push({ type: 'DeviceAssignment', tenantId: tenant.tenantId, deviceId, userId, employment, declared: { ...trip }, shippedTo: shippedTo && { ...shippedTo }, validFrom: from, validTo: null });
  onDays(person, (sessions) => {
    for (const session of sessions) if (session.startAt >= from) session.links = [away];
  });
};

const helpdesk: Shape = (person, prng, world, site) => {
  person.sensor = 'ENDPOINT_AGENT';
  const tool = { name: person.tenant.helpdeskTool, peerIp: null, active: false };
  person.driver.remoteTools = [tool];
  const typist = keysOf(world.nextTypist());
  const technician = drawPath(prng, world, prng.uniform(15, 220));
  onDays(person, (sessions, _day, draw) => {
    // Nobody needs help every day.
    if (sessions.length === 0 || draw.chance(0.4)) return;
    const session = draw.pick(sessions);
    const [own] = session.drivers;
    const from = session.startAt + (session.endAt - session.startAt) * draw.uniform(0.2, 0.7);
    const active = [{ ...tool, peerIp: person.tenant.egress.ip, active: true }];
    const helped = { ...own!, from, typist, hidden: technician, rasterMs: 1000 / 30, remoteTools: active, inputOrigin: 'VIRTUAL' as const };
    session.drivers = [own!, helped, { ...own!, from: from + draw.uniform(10, 25) * 60_000 }];
  });
  person.link.leg = drawPath(prng, world, site.rttMs + lastMile(prng));
};

const shifts: Shape = (person, _prng, world) => {
  const { timeZone } = person.hours;
  onDays(person, (sessions, day, draw) => workAt(sessions, { timeZone, startHour: draw.pick([6, 14, 22]), lengthHours: 7.5 }, dayUtcOf(world.scene.startAt, day), draw));
};

const twoClocks: Shape = (person, prng) => {
  person.sensor = 'ENDPOINT_AGENT';
  person.latencyClock = 'TWO_CLOCKS';
  person.clockErrorMs = prng.pick([2, 5, 10, 20]);
  person.clockSkewMs = prng.uniform(-0.95, 0.95) * person.clockErrorMs;
  const worst = person.clockErrorMs;
  // Clocks are disciplined now and then, so each session has its own disagreement.
  onDays(person, (sessions, _day, draw) => {
    for (const session of sessions) session.clockSkewMs = draw.uniform(-0.95, 0.95) * worst;
  });
};

const movedRange: Shape = (person, prng, world) => {
  const around = Object.entries(NETWORKS).filter(([country]) => country !== person.laptop.country);
  const [country, networks] = prng.pick(around);
  const moved = world.scene.book.draw(prng, { asns: networks.home, country, near: person.laptop });
  onDays(person, (sessions, day) => {
    if (day < calendarDay(2)) return;
    for (const session of sessions) session.links = session.links.map((link) => ({ ...link, source: moved }));
  });
};

export const HONEST_BUILDERS: Readonly<Record<HonestCase, Shape>> = {
  plain: () => {},
  satellite,
  'satellite-pep': satellitePep,
  mobile,
  bufferbloat,
  'slow-pc': machine(slowMachine),
  'slow-pc-later': slowLater,
  'heavy-app': machine(heavyMachine),
  'vdi-elsewhere': vdi,
  'corporate-vpn': corporate(false),
  'corporate-proxy': corporate(true),
  'business-trip': businessTrip,
  household: sharedAddress,
  office: sharedAddress,
  'co-working': sharedAddress,
  'night-owl': (person, prng) => {
    person.hours = { ...person.hours, startHour: prng.pick([14, 17, 20, 22]) + prng.uniform(0, 1) };
  },
  'shift-worker': shifts,
  helpdesk,
  'ssh-obfuscation': (person) => {
    person.sensor = 'BASTION';
    person.driver.rasterMs = 20;
  },
  accessibility: (person, prng) => {
    person.sensor = 'ENDPOINT_AGENT';
    person.driver.injectedShare = prng.uniform(0.2, 0.9);
  },
  'two-clocks': twoClocks,
  'moved-range': movedRange,
};

/** The place and the address that the members of a unit share. */
export function drawHonestUnit(world: World, prng: Prng, kind: string): HonestUnit {
  const site = prng.pick(world.sites);
  const { country } = site.place;
  const asns = NETWORKS[country]!.office;
  const { book } = world.scene;
  const source = kind === 'household' ? world.ownAddress(prng, site.place) : book.draw(prng, { asns, country, near: site.place, maxKm: 100 });
  return { site, source };
}

export function buildHonest(world: World, stream: string, prng: Prng, kind: HonestCase, unit: HonestUnit, shared: boolean): Workstation {
  const { person, site } = honestPerson(world, stream, prng, kind, shared ? unit.site : undefined);
  HONEST_BUILDERS[kind](person, prng, world, site, unit);
  return person;
}
