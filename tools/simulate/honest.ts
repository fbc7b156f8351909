/** The honest kinds: everything that looks odd and is not (detection.md, "Honest sessions that must stay quiet"). */
import type { Prng } from '#lib/kernel/prng.ts';
import { distanceKm, type LocatedAddress } from './addresses.ts';
import type { Scene, Workstation } from './draft.ts';
import { NETWORK } from './fitted.ts';
import type { HonestKind } from './kinds.ts';
import { drawLink, homeAddress, legOf, processingOf } from './person.ts';
import { GEO_ASNS, HOME_PLACES, LEO_ASNS, NETWORKS, type Place } from './places.ts';
import { fromTable } from './quantiles.ts';

/** What the members of one unit (household, office, co-working space) share. */
export interface Unit {
  place: Place;
  source: LocatedAddress;
  /** Position of this member in the unit, from 0. */
  member: number;
}

type Shape = (person: Workstation, prng: Prng, scene: Scene, unit: Unit) => void;

const HOUR = 3_600_000;
const GEO_BASE_MS = 600;
const LEO_BASE_MS = 40;

function relink(person: Workstation, prng: Prng, scene: Scene, source: LocatedAddress, km?: number): void {
  person.link = drawLink(prng, scene.book, source, person.laptop, person.vantage, km);
}

/** Everybody of the unit sits at one place, behind one address. */
const sharedAddress: Shape = (person, prng, scene, unit) => {
  relink(person, prng, scene, unit.source);
};

const satellite: Shape = (person, prng, scene) => {
  const geostationary = prng.chance(0.4) && person.laptop.country === 'US';
  const asns = geostationary ? GEO_ASNS : LEO_ASNS;
  const { country } = person.laptop;
  const source = scene.book.draw(prng, { asns, country: geostationary ? 'US' : country, near: person.laptop, maxKm: 400 });
  relink(person, prng, scene, source);
  const leg = legOf(person.link);
  const extra = geostationary ? GEO_BASE_MS : LEO_BASE_MS - 12;
  person.link.leg = {
    ...leg,
    baseMs: leg.baseMs + extra,
    jitterMs: geostationary ? prng.uniform(20, 45) : prng.uniform(7, 14),
    spikeShare: 0.03,
    route: { everyS: geostationary ? 7200 : 180, stepMs: geostationary ? 20 : 10, floorMs: person.link.floorMs + extra / 2 },
  };
  person.link.mss = geostationary ? 1380 : 1440;
};

const mobile: Shape = (person, prng, scene) => {
  const { country } = person.laptop;
  relink(person, prng, scene, scene.book.draw(prng, { asns: NETWORKS[country]!.mobile, country, near: person.laptop, maxKm: 300 }));
  const leg = legOf(person.link);
  person.link.leg = {
    ...leg,
    baseMs: leg.baseMs + prng.uniform(15, 45),
    jitterMs: prng.uniform(5, 14),
    spikeShare: 0.05,
    burst: { everyS: 900, lastsS: 15, depthMs: 80 },
  };
  person.link.mss = 1360;
};

const corporateVpn: Shape = (person, prng, scene) => {
  const { tenant, laptop, vantage } = person;
  const km = distanceKm(laptop, tenant.egressPlace) + distanceKm(tenant.egressPlace, vantage);
  const own = person.link.source.ip;
  relink(person, prng, scene, tenant.egress, km);
  // Some gateways say for whom they speak.
  if (prng.chance(0.4)) person.link.forwardedFor = [own];
  person.link.mss = 1350;
};

const businessTrip: Shape = (person, prng, scene) => {
  const elsewhere = HOME_PLACES.filter((p) => distanceKm(p, person.laptop) > 900);
  const trip = prng.pick(elsewhere);
  // The trip takes the second half of the run; of a single day all of it, declared since the evening before.
  const from = scene.startAt + Math.floor(scene.days / 2) * 24 * HOUR - 12 * HOUR;
  const away = drawLink(prng, scene.book, homeAddress(prng, scene.book, trip), trip, person.vantage);
  person.moves.push(assignmentAt(person, trip, from));
  const osTimeZone = prng.chance(0.5) ? trip.timeZone : person.declared.timeZone;
  person.daily = (sessions) => {
    for (const session of sessions) {
      if (session.startAt >= from) session.links = [{ ...away, osTimeZone }];
    }
  };
};

function assignmentAt(person: Workstation, trip: Place, validFrom: number): Workstation['moves'][number] {
  return {
    type: 'DeviceAssignment',
    tenantId: person.tenant.tenantId,
    deviceId: person.deviceId,
    userId: person.userId,
    employment: person.employment,
    declared: { ...trip },
    shippedTo: person.shippedTo === null ? null : { ...person.shippedTo },
    validFrom,
    validTo: null,
  };
}

const vdi: Shape = (person, prng, scene) => {
  person.sensor = 'VDI_GATEWAY';
  person.vantage = person.tenant.vdi;
  relink(person, prng, scene, person.link.source);
  const processing = processingOf(person);
  processing.baseMs += person.tenant.vdiHostMs + prng.uniform(4, 12);
  processing.jitterMs += 1.5;
  person.driver.inputDevices = [];
  person.driver.displayEdid = null;
};

const helpdesk: Shape = (person) => {
  person.sensor = 'ENDPOINT_AGENT';
  const peerIp = person.tenant.egress.ip;
  const tool = { name: person.tenant.helpdeskTool, peerIp: null, active: false };
  person.driver.remoteTools = [tool];
  person.daily = (sessions, _day, draw) => {
    const session = draw.pick(sessions);
    const [own] = session.drivers;
    const from = session.startAt + (session.endAt - session.startAt) * draw.uniform(0.2, 0.7);
    const helped = { ...own!, from, remoteTools: [{ ...tool, peerIp, active: true }], inputOrigin: 'VIRTUAL' as const };
    session.drivers = [own!, helped, { ...own!, from: from + draw.uniform(10, 25) * 60_000 }];
  };
};

const movedRange: Shape = (person, prng, scene) => {
  // Blocks are traded across borders: any access network of the wider region may have owned it before.
  const around = HOME_PLACES.filter((p) => distanceKm(p, person.laptop) < 3000 && distanceKm(p, person.laptop) > 500);
  const before = around.length > 0 ? prng.pick(around) : prng.pick(HOME_PLACES);
  const moved = scene.book.draw(prng, { asns: NETWORKS[before.country]!.home, country: before.country, near: before, maxKm: 100 });
  person.daily = (sessions) => {
    const last = sessions.at(-1)!;
    const [link] = last.links;
    last.links = [link!, { ...link!, source: moved, from: (last.startAt + last.endAt) / 2 }];
  };
};

export const HONEST_SHAPES: Readonly<Record<HonestKind, Shape>> = {
  home: () => {},
  office: sharedAddress,
  household: sharedAddress,
  'co-working': sharedAddress,
  satellite,
  mobile,
  bufferbloat: (person, prng) => {
    // The measured queues of personal devices, without their worst third (those devices were hardly usable).
    const depthMs = fromTable(NETWORK.queueDepthMs, prng.uniform(0, 0.65));
    person.link.leg = { ...legOf(person.link), burst: { everyS: prng.uniform(120, 600), lastsS: prng.uniform(10, 40), depthMs } };
  },
  'slow-pc': (person, prng) => {
    person.driver.processing = { baseMs: prng.uniform(20, 60), jitterMs: prng.uniform(1, 4), load: null };
  },
  'heavy-app': (person, prng) => {
    const load = { everyS: 300, lastsS: 40, addMs: prng.uniform(20, 60) };
    person.driver.processing = { baseMs: prng.uniform(8, 25), jitterMs: prng.uniform(2, 5), load };
  },
  vdi,
  'corporate-vpn': corporateVpn,
  'business-trip': businessTrip,
  'night-owl': (person, prng) => {
    person.hours = { ...person.hours, startHour: prng.pick([14, 17, 20, 22, 23]) + prng.uniform(0, 1), weekend: prng.chance(0.5) };
  },
  helpdesk,
  'ssh-obfuscation': (person) => {
    person.sensor = 'BASTION';
    person.driver.rasterMs = 20;
  },
  accessibility: (person, prng) => {
    person.sensor = 'ENDPOINT_AGENT';
    person.driver.injectedShare = prng.uniform(0.2, 0.9);
  },
  'two-clocks': (person, prng) => {
    person.sensor = 'ENDPOINT_AGENT';
    person.latencyClock = 'TWO_CLOCKS';
    person.clockErrorMs = prng.pick([2, 5, 10, 20]);
    person.clockSkewMs = prng.uniform(-0.9, 0.9) * person.clockErrorMs;
  },
  'moved-range': movedRange,
};

/** The place and the address that the members of a unit share. */
export function drawUnit(prng: Prng, scene: Scene, kind: HonestKind): Omit<Unit, 'member'> {
  const place = prng.pick(HOME_PLACES);
  const networks = NETWORKS[place.country]!;
  const source =
    kind === 'office' || kind === 'co-working'
      ? scene.book.draw(prng, { asns: networks.office, country: place.country, near: place, maxKm: 60 })
      : homeAddress(prng, scene.book, place);
  return { place, source };
}
