/** The people of one shard (one tenant) and their stream of records; which kinds, and how many, is asked for. */
import { Prng } from '#lib/kernel/prng.ts';
import type { Workstation } from '../../simulate/draft.ts';
import { type Fleet, fleetOf } from '../../simulate/fleet.ts';
import { DEFAULTS } from '../../simulate/options.ts';
import { activeOn, calendarDay } from './days.ts';
import { buildHonest, drawHonestUnit } from './honest.ts';
import { HONEST_CASES, type HonestCase, type Mode, ONLY_HISTORY, PILOTED_CASES, type PilotedCase, UNIT_RANGE } from './kinds.ts';
import { buildPiloted, CASE_DAYS, drawOperation } from './piloted.ts';
import { drawWorld, EFFORTS, type Sources, type World } from './world.ts';

export interface CaseOptions {
  seed: number;
  /** Number of this shard, and of all. */
  shard: number;
  shards: number;
  /** People of each honest kind, over all shards. */
  honest: Readonly<Partial<Record<HonestCase, number>>>;
  /** People of each piloted kind and mode, over all shards. */
  pilotedPerKind: number;
  /** Working days of honest people. */
  honestDays: number;
  effort: keyof typeof EFFORTS;
  pilotedKinds: readonly PilotedCase[];
  /** Legs change no interval between presses: what is found without the coupling of latencies and intervals. */
  uncoupled?: boolean;
}

/** What the truth is about one person. */
export interface Truth {
  tenantId: string;
  userId: string;
  /** Kind with its mode for the piloted, kind for the honest. */
  kind: string;
  piloted: boolean;
  legMs: number;
  operatorKm: number | null;
}

export interface CaseFleet {
  fleet: Fleet;
  truths: readonly Truth[];
}

/** Share of a total that falls to this shard; the first shards take the rest. */
const shareOf = (total: number, { shard, shards }: CaseOptions): number => Math.floor(total / shards) + (shard < total % shards ? 1 : 0);

export function caseFleet(sources: Sources, options: CaseOptions): CaseFleet {
  const days = Math.max(options.pilotedKinds.length > 0 ? CASE_DAYS : 1, calendarDay(options.honestDays - 1) + 1);
  const world = drawWorld(sources, { seed: options.seed, shard: options.shard, days, effort: EFFORTS[options.effort], uncoupled: options.uncoupled === true });
  const truths: Truth[] = [];
  const people: Workstation[] = [];
  const take = (person: Workstation, piloted: boolean, legMs: number, operatorKm: number | null): void => {
    people.push(person);
    truths.push({ tenantId: person.tenant.tenantId, userId: person.userId, kind: person.kind, piloted, legMs, operatorKm });
  };
  for (const kind of options.pilotedKinds) {
    for (const mode of ['history', 'first'] as const) if (mode === 'history' || !ONLY_HISTORY.has(kind)) pilotedOf(world, options, kind, mode, take);
  }
  for (const kind of ALL_HONEST) for (const person of honestOf(world, options, kind)) take(person, false, 0, null);
  const vantages = [...new Map(people.map((person) => [person.vantage.id, person.vantage])).values()];
  const settings = { ...DEFAULTS, seed: world.scene.seed, workstations: people.length, piloted: 0, days, tenants: 1 };
  return { fleet: fleetOf(world.scene, people, vantages, settings), truths };
}

type Take = (person: Workstation, piloted: boolean, legMs: number, operatorKm: number | null) => void;

function pilotedOf(world: World, options: CaseOptions, kind: PilotedCase, mode: Mode, take: Take): void {
  const wanted = shareOf(options.pilotedPerKind, options);
  for (let unit = 0, made = 0; made < wanted; unit++) {
    const stream = `piloted:${kind}:${mode}:${unit}`;
    const prng = new Prng(world.scene.seed, stream);
    const range = UNIT_RANGE[kind];
    // A unit is never cut: a farm of five is a farm of five.
    const members = range === undefined ? 1 : range[0] + prng.below(range[1] - range[0] + 1);
    const operation = drawOperation(world, prng, members);
    for (let member = 0; member < members; member++, made++) {
      const own = `${stream}:${member}`;
      const { person, legMs, operatorKm } = buildPiloted(world, own, new Prng(world.scene.seed, own), kind, mode, { ...operation, member });
      person.remote = true;
      take(person, true, legMs, operatorKm);
    }
  }
}

function* honestOf(world: World, options: CaseOptions, kind: HonestCase): Generator<Workstation, void, undefined> {
  const wanted = shareOf(options.honest[kind] ?? 0, options);
  for (let unit = 0, made = 0; made < wanted; unit++) {
    const prng = new Prng(world.scene.seed, `honest:${kind}:${unit}`);
    const shared = drawHonestUnit(world, prng, kind);
    const range = UNIT_RANGE[kind];
    const members = range === undefined ? 1 : range[0] + prng.below(range[1] - range[0] + 1);
    for (let member = 0; member < members; member++, made++) {
      const own = `honest:${kind}:${unit}:${member}`;
      const person = buildHonest(world, own, new Prng(world.scene.seed, own), kind, shared, range !== undefined);
      activeOn(person, 0, options.honestDays);
      yield person;
    }
  }
}

export const ALL_HONEST = Object.keys(HONEST_CASES) as HonestCase[];
export const ALL_PILOTED = Object.keys(PILOTED_CASES) as PilotedCase[];
