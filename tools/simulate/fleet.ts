/**
 * The simulated fleet: tenants, workstations, their reference data, labels, and the stream of records in order of
 * arrival. Memory holds the people and the sessions of the current day; records exist only while they are on their way.
 */
import type { ReferenceRecord, Vantage } from '#schemas/records.ts';
import { Prng } from '#lib/kernel/prng.ts';
import { sharedAddressBook } from './addresses.ts';
import { planDay } from './day.ts';
import type { Scene, SessionPlan, Workstation } from './draft.ts';
import { Heap } from './heap.ts';
import { type Arrival, DEFAULTS, type FleetOptions, type Label } from './options.ts';
import { VANTAGE_PLACES, type VantagePlace } from './places.ts';
import { playSession, type Timed } from './session.ts';
import { drawTenant, populate } from './population.ts';

export type { Arrival, FleetOptions, Label } from './options.ts';

const DAY = 24 * 3_600_000;
/** People east of Greenwich begin before the day's midnight UTC: a day's sessions are planned this long before it. */
const DAY_LEAD = 18 * 3_600_000;

type Settings = Required<Omit<FleetOptions, 'kinds' | 'honestKinds'>>;

export interface Fleet {
  options: Settings;
  workstations: readonly Workstation[];
  /** Assignments, vantages and network policies; they come first in the stream. */
  reference: readonly ReferenceRecord[];
  /** One label per session, in order of planning. */
  labels: readonly Label[];
  /** Whose session each label is about, in the same order. */
  people: readonly { tenantId: string; sessionId: string; userId: string }[];
  /** Batches in order of arrival; a fresh pass each time. */
  [Symbol.iterator](): Generator<Arrival[], void, undefined>;
}

export function simulateFleet(options: FleetOptions = {}): Fleet {
  const settings = { ...DEFAULTS, ...options };
  const scene = drawScene(settings);
  return fleetOf(scene, populate(scene, settings), VANTAGE_PLACES, settings);
}

/** Tenants and the databases that addresses come from. */
export function drawScene({ seed, startAt, days, tenants }: Settings): Scene {
  const book = sharedAddressBook();
  return { seed, startAt, days, book, tenants: Array.from({ length: tenants }, (_, i) => drawTenant(seed, i, book)) };
}

/** The stream of any workstations, simulated or rebuilt from recordings (tools/evaluate). */
export function fleetOf(scene: Scene, workstations: readonly Workstation[], vantages: readonly VantagePlace[], settings: Settings): Fleet {
  const reference = referenceOf(scene, workstations, vantages);
  const planOf = (day: number): SessionPlan[] => workstations.flatMap((person) => planDay(person, day, scene));
  const labels: Label[] = [];
  const people: { tenantId: string; sessionId: string; userId: string }[] = [];
  for (let day = 0; day < scene.days; day++) {
    for (const { label, tenantId, sessionId, userId } of planOf(day)) {
      labels.push(label);
      people.push({ tenantId, sessionId, userId });
    }
  }
  return { options: settings, workstations, reference, labels, people, [Symbol.iterator]: () => arrivals(planOf, reference, settings) };
}

function referenceOf(scene: Scene, workstations: readonly Workstation[], vantages: readonly VantagePlace[]): ReferenceRecord[] {
  const toVantage = ({ id, name, latitude, longitude }: VantagePlace): Vantage => ({ type: 'Vantage', vantageId: id, latitude, longitude, name });
  const records: ReferenceRecord[] = vantages.map(toVantage);
  for (const tenant of scene.tenants) records.push(toVantage(tenant.vdi), ...tenant.policies);
  const validFrom = scene.startAt - 60 * DAY;
  for (const { tenant, deviceId, userId, employment, declared, shippedTo, moves } of workstations) {
    records.push(
      {
        type: 'DeviceAssignment',
        tenantId: tenant.tenantId,
        deviceId,
        userId,
        employment,
        declared: { ...declared },
        shippedTo: shippedTo === null ? null : { ...shippedTo },
        validFrom,
        validTo: null,
      },
      ...moves,
    );
  }
  return records;
}

/** Merges the sessions by true time and lets each record travel; memory: what is on its way. */
function* arrivals(
  planOf: (day: number) => SessionPlan[],
  reference: readonly ReferenceRecord[],
  settings: Settings,
): Generator<Arrival[], void, undefined> {
  const { seed, startAt, days, repeatShare, batchSize } = settings;
  let batch: Arrival[] = reference.map((record) => ({ record, arrivedAt: startAt - DAY }));
  if (batch.length > 0) yield batch;
  batch = [];
  const sessions = new Heap<{ next: Timed; rest: Generator<Timed, void, undefined>; travel: Prng }>();
  const travelling = new Heap<Arrival>();
  let day = 0;
  for (;;) {
    while (day < days && sessions.head >= startAt + day * DAY - DAY_LEAD) open(planOf(day++), seed, sessions);
    const now = sessions.head;
    while (travelling.head <= now && travelling.size > 0) {
      batch.push(travelling.pop());
      if (batch.length >= batchSize) {
        yield batch;
        batch = [];
      }
    }
    if (sessions.size === 0) break;
    const session = sessions.pop();
    const { at, record } = session.next;
    const arrivedAt = Math.round(at + travelMs(session.travel));
    travelling.push(arrivedAt, { record, arrivedAt });
    if (session.travel.chance(repeatShare)) {
      const again = arrivedAt + Math.round(session.travel.exponential(3000)) + 1;
      travelling.push(again, { record, arrivedAt: again });
    }
    const next = session.rest.next();
    if (!next.done) {
      session.next = next.value;
      sessions.push(next.value.at, session);
    }
  }
  if (batch.length > 0) yield batch;
}

function open(plans: readonly SessionPlan[], seed: number, sessions: Heap<{ next: Timed; rest: Generator<Timed, void, undefined>; travel: Prng }>): void {
  for (const plan of plans) {
    const rest = playSession(plan, seed);
    const first = rest.next();
    if (first.done) continue;
    sessions.push(first.value.at, { next: first.value, rest, travel: new Prng(seed, `${plan.stream}/travel`) });
  }
}

/** Sensor → broker, ms: most under 1.5 s, a few percent up to 20 s, one in five thousand hopelessly late. */
function travelMs(prng: Prng): number {
  const u = prng.next();
  if (u < 0.0002) return prng.uniform(5, 60) * 60_000;
  if (u < 0.025) return prng.uniform(1500, 20_000);
  return Math.min(1500, 40 + prng.exponential(220));
}
