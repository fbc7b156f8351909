/**
 * What an operator who knows of Farhand can do against it, and what that leaves of the recall: `npm run evasion`.
 *
 * Every attack changes the records of piloted sessions only, as a relay on the workstation or behind it could: it may hold
 * keystrokes back, add others, lie about the endpoint and slow its own transport down. It cannot make the operator's
 * packets faster than they are, nor change the clock of the vantage.
 */
import { fileURLToPath } from 'node:url';
import { Prng } from '#lib/kernel/prng.ts';
import type { Connection, KeystrokeLatency } from '#schemas/records.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { integerOption, parseOptions } from '../command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet, type Arrival, type Fleet } from '../simulate/fleet.ts';
import type { PilotedKind } from '../simulate/kinds.ts';
import { runFleet } from './run.ts';
import { LEVELS } from './outcome.ts';
import { aligned } from './table.ts';

/** Kinds with a leg behind the visible transport, which is what most attacks aim at. */
const KINDS: readonly PilotedKind[] = ['proxy', 'remote-desktop', 'ip-kvm', 'laptop-farm'];

interface Victim {
  readonly legMs: number;
  readonly prng: Prng;
}

export interface Attack {
  readonly name: string;
  /** Strength and its unit, for the table. */
  readonly strength: string;
  readonly keystrokes?: (record: KeystrokeLatency, victim: Victim) => KeystrokeLatency;
  readonly connection?: (record: Connection, victim: Victim) => Connection;
}

const plus = (value: number | null, ms: number): number | null => (value === null ? null : value + ms);

/** A bot on the laptop types along: a share of the keystrokes has the latency of the laptop itself. */
function chaff(share: number): Attack {
  return {
    name: 'chaff typed by a bot on the laptop',
    strength: `${share * 100}% of the keystrokes`,
    keystrokes(record, { legMs, prng }) {
      const added = Math.min(512 - record.registrationLatencyMs.length, Math.round((record.registrationLatencyMs.length * share) / (1 - share)));
      if (added <= 0 || legMs === 0) return record;
      const local = (record.networkRttMs ?? 0) + 1;
      const bot = <T>(of: () => T): T[] => Array.from({ length: added }, of);
      return {
        ...record,
        registrationLatencyMs: mixed([...record.registrationLatencyMs, ...bot(() => local + prng.exponential(2))], prng),
        interKeyMs: mixed([...record.interKeyMs, ...bot(() => prng.uniform(90, 220))].slice(0, 512), prng),
        holdMs: mixed([...record.holdMs, ...bot(() => prng.uniform(60, 120))].slice(0, 512), prng),
      };
    },
  };
}

function mixed(values: number[], prng: Prng): number[] {
  for (let i = values.length - 1; i > 0; i--) {
    const j = prng.below(i + 1);
    [values[i], values[j]] = [values[j]!, values[i]!];
  }
  return values;
}

/** The relay holds acknowledgements back, so that the transport looks as slow as the keystrokes are. */
function delayedTransport(share: number): Attack {
  return {
    name: 'transport slowed down to the keystrokes',
    strength: `${share * 100}% of the hidden leg`,
    keystrokes: (record, { legMs }) => ({ ...record, networkRttMs: plus(record.networkRttMs, legMs * share) }),
    connection: (record, { legMs }) => {
      const ms = legMs * share;
      return { ...record, rttMinMs: plus(record.rttMinMs, ms), rttMedianMs: plus(record.rttMedianMs, ms), rttP95Ms: plus(record.rttP95Ms, ms) };
    },
  };
}

/** Keystrokes are held back for a random time: rhythm and frames are blurred. */
function jitter(ms: number): Attack {
  return {
    name: 'random delay of every keystroke',
    strength: `up to ${ms} ms`,
    keystrokes: (record, { prng }) => ({
      ...record,
      registrationLatencyMs: record.registrationLatencyMs.map((value) => value + prng.uniform(0, ms)),
      interKeyMs: record.interKeyMs.map((value) => Math.max(1, value + prng.uniform(-ms, ms))),
    }),
  };
}

/** A constant delay: a slow machine instead of a distant operator. */
function constantDelay(ms: number): Attack {
  return {
    name: 'constant delay of every keystroke',
    strength: `${ms} ms`,
    keystrokes: (record) => ({ ...record, registrationLatencyMs: record.registrationLatencyMs.map((value) => value + ms) }),
  };
}

/** The endpoint tells nothing: no tools, no KVM, keystrokes from hardware. */
const silentEndpoint: Attack = {
  name: 'endpoint marks removed',
  strength: 'all',
  keystrokes: (record) => ({ ...record, inputOrigin: 'HARDWARE' }),
  connection: (record) => ({ ...record, remoteTools: [], inputDevices: ['046d:c31c'], displayEdid: null, forwardedFor: [] }),
};

/** The operator's keystrokes are played out on a machine's steady rhythm. */
const metronome: Attack = {
  name: 'keystrokes played out on a steady rhythm',
  strength: '170 ms ± 40%',
  keystrokes: (record, { prng }) => ({
    ...record,
    interKeyMs: record.interKeyMs.map(() => 170 * Math.exp(prng.normal() * 0.4)),
    holdMs: record.holdMs.map(() => 95 * Math.exp(prng.normal() * 0.2)),
  }),
};

const together = (name: string, ...attacks: Attack[]): Attack => ({
  name,
  strength: 'together',
  keystrokes: (record, victim) => attacks.reduce((at, attack) => attack.keystrokes?.(at, victim) ?? at, record),
  connection: (record, victim) => attacks.reduce((at, attack) => attack.connection?.(at, victim) ?? at, record),
});

export const ATTACKS: readonly Attack[] = [
  { name: 'none', strength: '' },
  ...[0.25, 0.5, 0.75, 0.9].map(chaff),
  ...[0.5, 0.9, 1].map(delayedTransport),
  ...[20, 80].map(jitter),
  ...[40, 120].map(constantDelay),
  silentEndpoint,
  metronome,
  together('chaff 75%, endpoint marks removed', chaff(0.75), silentEndpoint),
  together('transport 100%, endpoint marks removed, steady rhythm', delayedTransport(1), silentEndpoint, metronome),
];

/** The fleet with the attack on its piloted sessions. */
export function attacked(fleet: Fleet, { keystrokes, connection }: Attack, seed: number): Fleet {
  const victims = new Map(
    fleet.labels.filter(({ remote }) => remote).map(({ tenantId, sessionId, hiddenLegMs }) => [`${tenantId}|${sessionId}`, { legMs: hiddenLegMs, prng: new Prng(seed, `evasion/${tenantId}/${sessionId}`) }]),
  );
  const change = (arrival: Arrival): Arrival => {
    const { record } = arrival;
    if (record.type !== 'KeystrokeLatency' && record.type !== 'Connection') return arrival;
    const victim = victims.get(`${record.tenantId}|${record.sessionId}`);
    if (victim === undefined) return arrival;
    return { ...arrival, record: record.type === 'Connection' ? (connection?.(record, victim) ?? record) : (keystrokes?.(record, victim) ?? record) };
  };
  const { options, workstations, reference, labels, people } = fleet;
  return {
    options, workstations, reference, labels, people,
    *[Symbol.iterator]() {
      for (const batch of fleet) yield batch.map(change);
    },
  };
}

export interface Recall {
  readonly attack: Attack;
  readonly sessions: number;
  /** Piloted sessions found, by LEVELS. */
  readonly found: readonly number[];
}

export async function measureEvasion(attacks: readonly Attack[], size: { seed: number; workstations: number; piloted: number }): Promise<Recall[]> {
  const config = loadEmbeddedConfig(null);
  const databases = await openDatabases(config.enrich);
  const recalls: Recall[] = [];
  for (const attack of attacks) {
    const fleet = simulateFleet({ ...size, kinds: KINDS, days: 1 });
    const { sessions } = await runFleet(attacked(fleet, attack, size.seed), { config, databases });
    const piloted = sessions.filter(({ remote }) => remote);
    recalls.push({ attack, sessions: piloted.length, found: LEVELS.map((_, level) => piloted.filter(({ found }) => found[level] !== null).length) });
  }
  return recalls;
}

const HELP = `Usage: npm run evasion -- [--piloted N] [--workstations N] [--seed N]

Simulates operators who act against detection (chaff, added delay, jitter, silenced endpoints, a machine's rhythm) and
prints how many of their sessions are still found, by the highest severity that a session's findings reach.
Kinds: ${KINDS.join(', ')}. Defaults: 60 piloted of 120 workstations, seed 1.`;

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions('evasion', args, { piloted: { type: 'string' }, workstations: { type: 'string' }, seed: { type: 'string' }, help: { type: 'boolean' } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const integer = (name: 'piloted' | 'workstations' | 'seed', fallback: number): number => integerOption('evasion', name, values[name], { fallback, least: 1, most: 100_000 });
  const recalls = await measureEvasion(ATTACKS, { seed: integer('seed', 1), workstations: integer('workstations', 120), piloted: integer('piloted', 60) });
  const share = (n: number, of: number): string => `${Math.round((100 * n) / of)}%`;
  const rows = recalls.map(({ attack, sessions, found }) => [attack.name, attack.strength, String(sessions), ...found.map((n) => share(n, sessions))]);
  console.log(aligned([['attack', 'strength', 'sessions', 'found', '≥ MEDIUM', '≥ HIGH'], ...rows]));
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) process.exitCode = await run(process.argv.slice(2));
