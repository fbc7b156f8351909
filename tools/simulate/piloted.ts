/** The piloted kinds: somebody else, somewhere else, drives the workstation. */
import type { Prng } from '#lib/kernel/prng.ts';
import { floorRttMs } from '#lib/kernel/geodesy.ts';
import { distanceKm, type LocatedAddress } from './addresses.ts';
import type { Driver, Scene, Workstation } from './draft.ts';
import { KVM_DEVICES, KVM_DISPLAYS } from './hardware.ts';
import type { PilotedKind } from './kinds.ts';
import { type LegOptions, LOSS_SHARES, propagationMs } from './path.ts';
import { drawHops, drawLeg, drawLink, homeAddress, legOf } from './person.ts';
import { HOME_PLACES, HOSTING_ASNS, NETWORKS, OPERATOR_PLACES, type Place, VPN_ASNS } from './places.ts';
import { type TypistProfile, drawProfile } from './typist.ts';

/** What the workstations of one operation share. */
export interface Operation {
  operator: Place;
  typist: TypistProfile;
  /** Where a farm's laptops stand, and its address. */
  farm: Place;
  farmAddress: LocatedAddress;
  member: number;
  members: number;
}

type Shape = (person: Workstation, prng: Prng, scene: Scene, operation: Operation) => void;

const REMOTE_TOOLS = ['AnyDesk', 'TeamViewer', 'RustDesk', 'Chrome Remote Desktop', 'Splashtop'];

/** The leg from the operator to the laptop or relay; longer when the operator hides behind more relays. */
function hiddenLeg(prng: Prng, from: Place, to: Place): LegOptions {
  const km = distanceKm(from, to);
  const leg = drawLeg(prng, km);
  return {
    ...leg,
    jitterMs: leg.jitterMs * prng.uniform(1, 2),
    burst: { everyS: 1500, lastsS: 12, depthMs: prng.uniform(20, 90) },
    route: { everyS: 9000, stepMs: 15, floorMs: floorRttMs(km) + 1 },
    lossShare: prng.uniform(...LOSS_SHARES),
  };
}

/** A leg of a wanted length, for operators that are not so far: 15–250 ms. */
function legOfLength(prng: Prng, baseMs: number): LegOptions {
  return {
    baseMs,
    jitterMs: prng.uniform(0.8, 3),
    burst: { everyS: 1500, lastsS: 12, depthMs: prng.uniform(10, 60) },
    route: { everyS: 9000, stepMs: Math.min(15, baseMs * 0.15), floorMs: baseMs * 0.75 },
    lossShare: prng.uniform(...LOSS_SHARES),
  };
}

function drive(person: Workstation, operation: Operation, hidden: LegOptions, change: Partial<Driver> = {}): void {
  person.driver = { ...person.driver, typist: operation.typist, hidden, ...change };
  person.hiddenLegMs = hidden.baseMs;
}

const proxy: Shape = (person, prng, scene, operation) => {
  // Small legs are neighbours, large ones intercontinental: spread evenly over the logarithm of 15–250 ms.
  const legMs = 15 * Math.pow(250 / 15, prng.next());
  drive(person, operation, legOfLength(prng, legMs), { inputOrigin: prng.pick(['HARDWARE', 'VIRTUAL', 'UNKNOWN'] as const) });
  if (prng.chance(0.5)) return; // The laptop's own home is the exit.
  const { country, timeZone } = person.declared;
  const relay = scene.book.draw(prng, { asns: HOSTING_ASNS, near: person.declared, maxKm: 600, country });
  person.link = drawLink(prng, scene.book, relay, { ...relay, timeZone }, person.vantage);
  // A careless relay passes on for whom it speaks.
  const { country: abroad } = operation.operator;
  if (prng.chance(0.15)) person.link.forwardedFor = [scene.book.draw(prng, { asns: NETWORKS[abroad]!.home, country: abroad, near: operation.operator, maxKm: 100 }).ip];
};

const packetVpn: Shape = (person, prng, scene, operation) => {
  const foreign = prng.chance(0.5);
  const asns = prng.chance(0.6) ? VPN_ASNS : HOSTING_ASNS;
  const { country } = person.declared;
  const exitPlace = foreign ? prng.pick(HOME_PLACES.filter((p) => p.country !== country)) : person.declared;
  const exit = scene.book.draw(prng, { asns, country: exitPlace.country, near: exitPlace, maxKm: 400 });
  const { vantage } = person;
  const near = distanceKm(exit, vantage);
  const far = distanceKm(operation.operator, exit);
  const behind = propagationMs(prng, far);
  const link = drawLink(prng, scene.book, exit, person.laptop, vantage, near);
  const leg = legOf(link);
  const visibleMs = leg.baseMs;
  link.leg = { ...leg, baseMs: visibleMs + behind, jitterMs: leg.jitterMs * 1.5, route: { everyS: 9000, stepMs: 12, floorMs: floorRttMs(near + far) + 1 } };
  link.floorMs = floorRttMs(near + far);
  link.hops = drawHops(prng, scene.book, vantage, exit, visibleMs);
  link.mss = 1360 + 4 * prng.below(15);
  link.osTimeZone = prng.chance(0.3) ? operation.operator.timeZone : person.declared.timeZone;
  person.link = link;
  person.laptop = operation.operator;
  person.driver = { ...person.driver, typist: operation.typist };
  person.hiddenLegMs = behind;
};

const remoteDesktop: Shape = (person, prng, _scene, operation) => {
  const tool = { name: prng.pick(REMOTE_TOOLS), peerIp: null, active: true };
  drive(person, operation, hiddenLeg(prng, operation.operator, person.laptop), {
    rasterMs: prng.pick([1000 / 60, 100 / 3]),
    inputOrigin: prng.pick(['VIRTUAL', 'INJECTED'] as const),
    remoteTools: prng.chance(0.6) ? [tool] : [],
  });
};

const ipKvm: Shape = (person, prng, _scene, operation) => {
  drive(person, operation, hiddenLeg(prng, operation.operator, person.laptop), {
    hiddenVisible: false,
    inputDevices: [prng.pick(KVM_DEVICES)],
    displayEdid: prng.pick(KVM_DISPLAYS),
  });
};

/** Sessions of the members follow each other through the operator's day: never two at once. */
function takeTurns(person: Workstation, operation: Operation, startHour: number, lengthHours: number): void {
  const slot = lengthHours / operation.members;
  person.hours = { ...person.hours, startHour: startHour + slot * operation.member, lengthHours: slot * 0.93, scatterMinutes: 1 };
}

const laptopFarm: Shape = (person, prng, scene, operation) => {
  person.laptop = operation.farm;
  person.shippedTo = operation.farm;
  person.link = drawLink(prng, scene.book, operation.farmAddress, operation.farm, person.vantage);
  person.link.osTimeZone = person.declared.timeZone;
  const kvm = prng.chance(0.5);
  const change = kvm ? { inputDevices: [KVM_DEVICES[0]], displayEdid: KVM_DISPLAYS[0] } : { inputOrigin: 'VIRTUAL' as const };
  drive(person, operation, hiddenLeg(prng, operation.operator, operation.farm), change);
  person.hours = { ...person.hours, timeZone: operation.farm.timeZone };
  takeTurns(person, operation, 8.5, 10);
};

const handover: Shape = (person, prng, _scene, operation) => {
  const hidden = hiddenLeg(prng, operation.operator, person.laptop);
  person.hiddenLegMs = hidden.baseMs;
  const { typist } = operation;
  person.daily = (sessions, _day, draw) => {
    const session = sessions[0]!;
    const from = session.startAt + (session.endAt - session.startAt) * draw.uniform(0.2, 0.5);
    const [own] = session.drivers;
    session.drivers = [own!, { ...own!, from, typist, hidden, inputOrigin: 'VIRTUAL' }];
    session.label.startsAt = Math.round(from);
    for (const later of sessions.slice(1)) later.drivers = [{ ...own!, typist, hidden, inputOrigin: 'VIRTUAL' }];
  };
};

const nightOperator: Shape = (person, prng, _scene, operation) => {
  drive(person, operation, hiddenLeg(prng, operation.operator, person.laptop));
  person.hours = { ...person.hours, timeZone: operation.operator.timeZone, startHour: prng.uniform(8, 9.5), lengthHours: 9 };
};

const sharedOperator: Shape = (person, prng, _scene, operation) => {
  drive(person, operation, hiddenLeg(prng, operation.operator, person.laptop));
  person.hours = { ...person.hours, timeZone: 'America/Chicago' };
  takeTurns(person, operation, 8.5, 9);
};

const accountHandover: Shape = (person, _prng, scene, operation) => {
  const dayOfHandover = Math.floor(scene.days / 2);
  const { typist } = operation;
  person.daily = (sessions, day, draw) => {
    for (const [i, session] of sessions.entries()) {
      const [own] = session.drivers;
      if (day < dayOfHandover) {
        session.label.remote = false;
        session.label.startsAt = null;
      } else if (day === dayOfHandover && i === 0) {
        const from = session.startAt + (session.endAt - session.startAt) * draw.uniform(0.3, 0.5);
        session.drivers = [own!, { ...own!, from, typist }];
        session.label.startsAt = Math.round(from);
      } else {
        session.drivers = [{ ...own!, typist }];
      }
    }
  };
};

export const PILOTED_SHAPES: Readonly<Record<PilotedKind, Shape>> = {
  proxy,
  'packet-vpn': packetVpn,
  'remote-desktop': remoteDesktop,
  'ip-kvm': ipKvm,
  'laptop-farm': laptopFarm,
  handover,
  'night-operator': nightOperator,
  'shared-operator': sharedOperator,
  'account-handover': accountHandover,
};

export function drawOperation(prng: Prng, scene: Scene): Omit<Operation, 'member' | 'members'> {
  const farm = prng.pick(HOME_PLACES.filter((p) => p.country === 'US'));
  return {
    operator: prng.pick(OPERATOR_PLACES),
    typist: drawProfile(prng),
    farm,
    farmAddress: homeAddress(prng, scene.book, farm),
  };
}
