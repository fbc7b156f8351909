/** Who is in the fleet: tenants, honest people and piloted workstations, each out of a random stream of its own. */
import { Prng } from '#lib/kernel/prng.ts';
import type { AddressBook } from './addresses.ts';
import type { Scene, Tenant, Workstation } from './draft.ts';
import { drawUnit, HONEST_SHAPES } from './honest.ts';
import { HONEST_KINDS, HONEST_WEIGHTS, type HonestKind, PILOTED_ORDER, type PilotedKind, UNIT_SIZES } from './kinds.ts';
import { ordinaryPerson } from './person.ts';
import { drawOperation, PILOTED_SHAPES } from './piloted.ts';
import { CORPORATE_GATEWAY_ASNS, HOME_PLACES, VANTAGE_PLACES } from './places.ts';

/** Tools that the default configuration approves for help desks. */
const HELPDESK_TOOLS = ['BeyondTrust', 'Quick Assist', 'Remote Help'];

export function drawTenant(seed: number, index: number, book: AddressBook): Tenant {
  const prng = new Prng(seed, `tenant:${index}`);
  const tenantId = `tenant-${String(index + 1).padStart(2, '0')}`;
  const egressPlace = prng.pick(HOME_PLACES.filter((p) => p.country === 'US'));
  const egress = book.draw(prng, { asns: CORPORATE_GATEWAY_ASNS, near: egressPlace, maxKm: 100 });
  const region = prng.pick(VANTAGE_PLACES.filter((v) => v.id.startsWith('us')));
  const { latitude, longitude } = egress;
  const cidr = `${egress.ip}/32`;
  const note = 'security gateway of the company';
  return {
    tenantId,
    egress,
    egressPlace: { ...egressPlace, latitude, longitude },
    vdi: { ...region, id: `vdi-${tenantId}`, name: `virtual desktops of ${tenantId}, ${region.name}` },
    vdiHostMs: prng.uniform(5, 45),
    helpdeskTool: prng.pick(HELPDESK_TOOLS),
    // Every other tenant has declared its egress; the others leave it to be learnt.
    policies: index % 2 === 0 ? [{ type: 'NetworkPolicy', tenantId, cidr, kind: 'CORPORATE_EGRESS', latitude, longitude, note, validTo: null }] : [],
  };
}

interface Wanted {
  workstations: number;
  piloted: number;
  kinds?: readonly PilotedKind[] | undefined;
  honestKinds?: readonly HonestKind[] | undefined;
}

export function populate(scene: Scene, wanted: Wanted): Workstation[] {
  const piloted = pilotedFleet(scene, Math.min(wanted.piloted, wanted.workstations), wanted.kinds ?? PILOTED_ORDER);
  const honestKinds = wanted.honestKinds ?? (Object.keys(HONEST_KINDS) as HonestKind[]);
  return [...piloted, ...honestFleet(scene, wanted.workstations - piloted.length, honestKinds)];
}

function pilotedFleet(scene: Scene, count: number, kinds: readonly PilotedKind[]): Workstation[] {
  const order = PILOTED_ORDER.filter((kind) => kinds.includes(kind));
  const fleet: Workstation[] = [];
  for (let unit = 0; fleet.length < count; unit++) {
    const kind = order[unit % order.length]!;
    const stream = `piloted:${unit}:${kind}`;
    const prng = new Prng(scene.seed, stream);
    const operation = drawOperation(prng, scene);
    const tenant = prng.pick(scene.tenants);
    const members = UNIT_SIZES[kind] ?? 1;
    for (let member = 0; member < members && fleet.length < count; member++) {
      const own = `${stream}:${member}`;
      const draw = new Prng(scene.seed, own);
      const at = draw.pick(HOME_PLACES.filter((p) => p.country === 'US'));
      const person = ordinaryPerson(scene, own, draw, kind, tenant, at);
      person.remote = true;
      PILOTED_SHAPES[kind](person, draw, scene, { ...operation, member, members });
      fleet.push(person);
    }
  }
  return fleet;
}

/** The first units show every kind once; then kinds come by their share of workstations. */
function honestKindOf(unit: number, prng: Prng, kinds: readonly HonestKind[]): HonestKind {
  if (unit < kinds.length) return kinds[unit]!;
  const weight = (kind: HonestKind): number => HONEST_WEIGHTS[kind] / (UNIT_SIZES[kind] ?? 1);
  let left = prng.next() * kinds.reduce((sum, kind) => sum + weight(kind), 0);
  return kinds.find((kind) => (left -= weight(kind)) < 0) ?? kinds[0]!;
}

function honestFleet(scene: Scene, count: number, kinds: readonly HonestKind[]): Workstation[] {
  const fleet: Workstation[] = [];
  for (let unit = 0; fleet.length < count; unit++) {
    const prng = new Prng(scene.seed, `honest:${unit}`);
    const kind = honestKindOf(unit, prng, kinds);
    const shared = drawUnit(prng, scene, kind);
    const size = UNIT_SIZES[kind] ?? 1;
    for (let member = 0; member < size && fleet.length < count; member++) {
      const own = `honest:${unit}:${kind}:${member}`;
      const draw = new Prng(scene.seed, own);
      const tenant = kind === 'co-working' ? draw.pick(scene.tenants) : scene.tenants[unit % scene.tenants.length]!;
      const person = ordinaryPerson(scene, own, draw, kind, tenant, size > 1 ? shared.place : undefined);
      HONEST_SHAPES[kind](person, draw, scene, { ...shared, member });
      fleet.push(person);
    }
  }
  return fleet;
}
