/** The piloted kinds out of measured data: somebody else, somewhere else, drives the workstation. */
import { Prng } from '#lib/kernel/prng.ts';
import { distanceKm, type LocatedAddress } from '../../simulate/addresses.ts';
import type { Driver, Link, SessionPlan, Workstation } from '../../simulate/draft.ts';
import type { PathFactory } from '../../simulate/path.ts';
import { DISPLAYS, KEYBOARDS, KVM_DEVICES, KVM_DISPLAYS } from '../../simulate/hardware.ts';
import { drawHops, homeAddress } from '../../simulate/person.ts';
import { HOSTING_ASNS, NETWORKS, VPN_ASNS } from '../../simulate/places.ts';
import type { KeyFactory } from '../../simulate/typist.ts';
import { pathOf } from '../recorded-paths.ts';
import { keysOf, type RecordedPerson } from '../recorded-typing.ts';
import { calendarDay, dayUtcOf, onDays, workAt, workday } from './days.ts';
import { BEFORE, type Mode, modeName, type PilotedCase, PILOTED_DAYS } from './kinds.ts';
import { type DrawnOperator, drawLine, drawOperator, drawPath, drawRecordedLeg, honestPerson, lastMile, type Site, type World, zoneOf } from './world.ts';

/** What the workstations of one operation share. */
export interface Operation {
  member: number;
  members: number;
  /** The hands of an operation of several workstations. */
  typists: readonly RecordedPerson[];
  /** Raster of the workstation's clock, ms. */
  gridMs: number;
  /** Where the farm's laptops stand. */
  site: Site;
  farmAddress: LocatedAddress;
  /** A farm's operator. */
  operator: DrawnOperator;
}

/** How a session changes on the days on which it is piloted. */
export interface Piloting {
  /** Base of the hidden leg, ms; 0 where there is none. */
  legMs: number;
  /** Great-circle distance from the workstation's address to the operator, km; null where nobody could tell. */
  operatorKm: number | null;
  apply(session: SessionPlan, prng: Prng): void;
  /** The operator's hours and zone; null: the person's own. */
  hours: { timeZone: string; startHour: number; lengthHours: number } | null;
  /** Piloting begins in mid-session. */
  midSession: boolean;
}

type Shape = (person: Workstation, prng: Prng, world: World, site: Site, operation: Operation) => Piloting;

const REMOTE_TOOLS = ['AnyDesk', 'TeamViewer', 'RustDesk', 'Chrome Remote Desktop', 'Splashtop'];
/** Honest working days before a piloted history begins. */
export const HONEST_DAYS = 3;
/** Days of piloting where the kind says nothing. */
const DAYS_OF_PILOTING = 2;

/** Another person at the keys; the workstation's clock rounds what it sees of them. */
const typistOf = (world: World, { gridMs }: Operation): KeyFactory => keysOf(world.nextTypist(), { gridMs });

interface Leg {
  legMs: number;
  operatorKm: number | null;
  path: PathFactory;
}

const kmOf = ({ placed, region }: DrawnOperator, site: Site): number | null => (placed ? distanceKm(region, site.place) : null);

/** The operator's leg: measured way, last mile, and the movement of the operator's own line. */
function hiddenLeg(prng: Prng, world: World, site: Site, range: readonly [number, number]): Leg {
  const operator = drawOperator(prng, world, site, range);
  const line = prng.chance(0.35) ? 'calm' : drawLine(prng);
  return { legMs: operator.legMs, operatorKm: kmOf(operator, site), path: drawPath(prng, world, operator.legMs, line) };
}

const always = (leg: Leg | null, change: (own: Driver, prng: Prng) => Partial<Driver>, link: Link | null = null): Piloting => ({
  legMs: leg?.legMs ?? 0,
  operatorKm: leg?.operatorKm ?? null,
  hours: null,
  midSession: false,
  apply(session, prng) {
    session.drivers = session.drivers.map((own) => ({ ...own, ...change(own, prng) }));
    if (link !== null) session.links = [link];
  },
});

/** The laptop's own home, another home of the town, or a rented server in the country. */
function exitLink(person: Workstation, prng: Prng, world: World, site: Site): Link | null {
  if (prng.chance(0.5)) return null;
  const { book } = world.scene;
  const { country } = site.place;
  const hosting = prng.chance(0.4);
  const source = hosting ? book.draw(prng, { asns: HOSTING_ASNS, near: site.place, maxKm: 600, country }) : homeAddress(prng, book, site.place);
  const baseMs = site.rttMs + (hosting ? 1 : lastMile(prng));
  return { ...person.link, source, hops: drawHops(prng, book, person.vantage, source, baseMs), leg: drawPath(prng, world, baseMs, hosting ? 'calm' : drawLine(prng)) };
}

const proxy = (least: number, most: number): Shape => (person, prng, world, site, operation) => {
  const leg = hiddenLeg(prng, world, site, [least, most]);
  const typist = typistOf(world, operation);
  const inputOrigin = prng.pick(['HARDWARE', 'HARDWARE', 'UNKNOWN'] as const);
  return always(leg, () => ({ typist, hidden: leg.path, inputOrigin }), exitLink(person, prng, world, site));
};

const remoteDesktop: Shape = (_person, prng, world, site, operation) => {
  const leg = hiddenLeg(prng, world, site, [60, 250]);
  const typist = typistOf(world, operation);
  const inputOrigin = prng.pick(['VIRTUAL', 'INJECTED', 'UNKNOWN', 'HARDWARE'] as const);
  const rasterMs = prng.pick([1000 / 60, 100 / 3, 20, 40, 50]);
  const remoteTools = prng.chance(0.4) ? [{ name: prng.pick(REMOTE_TOOLS), peerIp: null, active: true }] : [];
  return always(leg, () => ({ typist, hidden: leg.path, inputOrigin, rasterMs, remoteTools }));
};

/** The whole way is one transport: vantage → exit near the declared place → operator. */
const packetVpn: Shape = (person, prng, world, site, operation) => {
  const { book } = world.scene;
  const operator = drawOperator(prng, world, site, [90, 320]);
  const { country } = site.place;
  const kind = prng.next();
  const source = kind < 0.4 ? book.draw(prng, { asns: VPN_ASNS, near: site.place, maxKm: 400, country })
    : kind < 0.7 ? book.draw(prng, { asns: HOSTING_ASNS, near: site.place, maxKm: 400, country })
    : homeAddress(prng, book, site.place);
  const whole = pathOf(drawRecordedLeg(prng, world.paths, site.rttMs + operator.legMs, drawLine(prng)));
  const hops = drawHops(prng, book, person.vantage, source, site.rttMs);
  const zone = prng.chance(0.25) ? zoneOf('', operator.region) : person.link.osTimeZone;
  const link: Link = { ...person.link, source, hops, leg: whole, mss: prng.chance(0.7) ? 1360 + 4 * prng.below(15) : 1460, osTimeZone: zone };
  const typist = typistOf(world, operation);
  const leg: Leg = { legMs: operator.legMs, operatorKm: kmOf(operator, site), path: whole };
  return always(leg, () => ({ typist }), link);
};

const handover: Shape = (_person, prng, world, site, operation) => {
  const leg = hiddenLeg(prng, world, site, [30, 200]);
  const typist = typistOf(world, operation);
  const inputOrigin = prng.pick(['VIRTUAL', 'HARDWARE', 'UNKNOWN'] as const);
  return {
    legMs: leg.legMs,
    operatorKm: leg.operatorKm,
    hours: null,
    midSession: true,
    apply(session, draw) {
      const [own] = session.drivers;
      const from = Math.round(session.startAt + (session.endAt - session.startAt) * draw.uniform(0.3, 0.5));
      session.drivers = [own!, { ...own!, from, typist, hidden: leg.path, inputOrigin }];
      session.label.startsAt = from;
    },
  };
};

/** The keyboard and the display are a setting each, and either may be set to pass for an ordinary one. */
function kvmTraces(prng: Prng): Partial<Driver> {
  const disguised = prng.pick(['neither', 'neither', 'keyboard', 'display'] as const);
  const device = prng.pick(disguised === 'keyboard' ? KEYBOARDS : KVM_DEVICES);
  return { inputDevices: [device], displayEdid: prng.pick(disguised === 'display' ? DISPLAYS : KVM_DISPLAYS) };
}

const ipKvm = (traces: boolean): Shape => (_person, prng, world, site, operation) => {
  const leg = hiddenLeg(prng, world, site, [40, 280]);
  const typist = typistOf(world, operation);
  const change = traces ? kvmTraces(prng) : {};
  return { ...always(leg, () => ({ typist, hidden: leg.path, hiddenVisible: false, ...change })), operatorKm: null };
};

/** Members follow each other through the operator's day, never two at once. */
function turn({ member, members }: Operation, startHour: number, lengthHours: number, timeZone: string): Piloting['hours'] {
  const slot = lengthHours / members;
  return { timeZone, startHour: startHour + slot * member, lengthHours: slot * 0.9 };
}

/** The farm's address and line on top of a leg that is visible for half of the operations. */
const laptopFarm: Shape = (person, prng, world, site, operation) => {
  const shared = operation.operator;
  const kvm = operation.farmAddress.ip.charCodeAt(operation.farmAddress.ip.length - 1) % 2 === 0;
  const typist = keysOf(operation.typists[operation.member % operation.typists.length]!, { gridMs: operation.gridMs });
  const path = drawPath(prng, world, shared.legMs);
  const baseMs = operation.site.rttMs + 8;
  const link: Link = { ...person.link, source: operation.farmAddress, hops: drawHops(prng, world.scene.book, person.vantage, operation.farmAddress, baseMs), leg: drawPath(prng, world, baseMs, 'calm') };
  const leg: Leg = { legMs: shared.legMs, operatorKm: kmOf(shared, operation.site), path };
  if (prng.chance(0.5)) person.shippedTo = operation.site.place;
  const piloting = always(leg, () => ({ typist, hidden: path, hiddenVisible: !kvm, ...(kvm && prng.chance(0.5) && kvmTraces(prng)) }), link);
  return { ...piloting, operatorKm: kvm ? null : piloting.operatorKm, hours: turn(operation, 8, 13, site.place.timeZone) };
};

const nightOperator: Shape = (_person, prng, world, site, operation) => {
  const far = world.regions.filter((region) => Math.abs(region.longitude - site.place.longitude) > 75 && (world.paths.rttMs(site.region, region) ?? 0) > 0);
  const region = far.length > 0 ? prng.pick(far) : prng.pick(world.regions);
  const legMs = (world.paths.rttMs(site.region, region) ?? 180) + lastMile(prng);
  const leg: Leg = { legMs, operatorKm: distanceKm(region, site.place), path: drawPath(prng, world, legMs) };
  const typist = typistOf(world, operation);
  const visible = prng.chance(0.5);
  const piloting = always(leg, () => ({ typist, hidden: leg.path, hiddenVisible: visible }));
  return { ...piloting, operatorKm: visible ? leg.operatorKm : null, hours: { timeZone: zoneOf('', region), startHour: prng.uniform(8, 10), lengthHours: 8.5 } };
};

const sharedOperator: Shape = (_person, prng, world, site, operation) => {
  const visible = operation.farmAddress.ip.charCodeAt(operation.farmAddress.ip.length - 1) % 2 === 0;
  const leg = hiddenLeg(prng, world, site, visible ? [25, 80] : [40, 280]);
  const typist = keysOf(operation.typists[0]!, { gridMs: operation.gridMs });
  const piloting = always(leg, () => ({ typist, hidden: leg.path, hiddenVisible: visible }));
  return { ...piloting, operatorKm: visible ? leg.operatorKm : null, hours: turn(operation, 8, 10, operation.site.place.timeZone) };
};

const accountMoved: Shape = (person, prng, world, site, operation) => {
  const typist = typistOf(world, operation);
  const other = prng.pick(world.sites);
  const elsewhere = prng.chance(0.5) && other.vantage.id === site.vantage.id ? other : site;
  const { country } = elsewhere.place;
  const source = world.scene.book.draw(prng, { asns: NETWORKS[country]!.home.filter((asn) => asn !== person.link.source.asn).concat(NETWORKS[country]!.mobile), country, near: elsewhere.place, maxKm: 200 });
  const baseMs = elsewhere.rttMs + lastMile(prng);
  const link: Link = { ...person.link, source, hops: drawHops(prng, world.scene.book, person.vantage, source, baseMs), leg: drawPath(prng, world, baseMs) };
  return always(null, () => ({ typist }), link);
};

const accountRhythm: Shape = (_person, _prng, world, _site, operation) => {
  const typist = typistOf(world, operation);
  return always(null, () => ({ typist }));
};

const PILOTED_BUILDERS: Readonly<Record<PilotedCase, Shape>> = {
  'proxy-15-25': proxy(15, 25),
  'proxy-25-40': proxy(25, 40),
  'proxy-40-80': proxy(40, 80),
  'proxy-80': proxy(80, 300),
  'remote-desktop': remoteDesktop,
  'packet-vpn': packetVpn,
  handover,
  'laptop-farm': laptopFarm,
  'ip-kvm-traces': ipKvm(true),
  'ip-kvm-bare': ipKvm(false),
  'night-operator': nightOperator,
  'shared-operator': sharedOperator,
  'account-moved': accountMoved,
  'account-rhythm': accountRhythm,
};

export function drawOperation(world: World, prng: Prng, members: number): Omit<Operation, 'member' | 'gridMs'> {
  const site = prng.pick(world.sites);
  const hands = members >= 8 ? 3 : members >= 5 ? prng.pick([1, 2]) : 1;
  const operator = drawOperator(prng, world, site, [25, 280]);
  return { members, site, operator, farmAddress: world.ownAddress(prng, site.place), typists: members > 1 ? Array.from({ length: hands }, () => world.nextTypist()) : [] };
}

export interface PilotedPerson {
  person: Workstation;
  legMs: number;
  operatorKm: number | null;
}

/** One piloted person: honest for some days and then piloted, or piloted from the first session. */
export function buildPiloted(world: World, stream: string, prng: Prng, kind: PilotedCase, mode: Mode, operation: Omit<Operation, 'gridMs'>): PilotedPerson {
  const name = modeName(kind, mode);
  const { person, site, gridMs } = honestPerson(world, stream, prng, name, kind === 'laptop-farm' ? undefined : kind === 'shared-operator' ? undefined : prng.pick(world.sites));
  const piloting = PILOTED_BUILDERS[kind](person, new Prng(world.scene.seed, `${stream}/pilot`), world, site, { ...operation, gridMs });
  const firstDay = mode === 'history' ? HONEST_DAYS : 0;
  const lastDay = firstDay + (PILOTED_DAYS[kind] ?? DAYS_OF_PILOTING);
  person.hiddenLegMs = piloting.legMs;
  onDays(person, (sessions, day, draw) => {
    const at = workday(day);
    if (at >= lastDay || at % 1 !== 0) {
      sessions.length = 0;
    } else if (at < firstDay) {
      for (const { label } of sessions) Object.assign(label, { remote: false, kind: BEFORE, startsAt: null, hiddenLegMs: 0 });
    } else {
      if (piloting.hours !== null) workAt(sessions, piloting.hours, dayUtcOf(world.scene.startAt, day), draw);
      if (piloting.midSession) sessions.length = Math.min(1, sessions.length);
      for (const session of sessions) {
        Object.assign(session.label, { remote: true, startsAt: session.startAt });
        piloting.apply(session, draw);
      }
    }
  });
  return { person, legMs: piloting.legMs, operatorKm: piloting.operatorKm };
}

/** Calendar days that a run needs for every kind. */
export const CASE_DAYS = calendarDay(HONEST_DAYS + Math.max(...Object.values(PILOTED_DAYS)) - 1) + 1;
