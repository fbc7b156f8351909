/** `npm run bench`: what Farhand costs on a real broker, beside what only reading costs. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { KAFKA_DEFAULTS, openKafkaLog } from '#lib/log/kafka.ts';
import { countBuffersAsHeap } from '#lib/runner/heap.ts';
import { startInfrastructure } from '../test/infrastructure/start.ts';
import { BenchBroker } from './broker.ts';
import { inputsOf, publish, type DataSet } from './dataset.ts';
import { measureFloors } from './floors.ts';
import { measureGrowth, type Growth } from './growth.ts';
import { measureLatency, type Latency } from './latency.ts';
import { measureMemory, type SessionMemory } from './memory.ts';
import { runPeers, type PeerResult } from './peers.ts';
import { plot } from './plot.ts';
import { measureStages, STAGES, type StagesResult } from './stages.ts';
import { latencyTable, peerTable, stageTable, throughputTable } from './tables.ts';
import { measureThroughput, type Site, type Throughput } from './throughput.ts';

const HELP = `Usage: npm run bench -- [options]

Measures on a real broker (KAFKA_BROKERS, or a local one that is started), in one run, on the same topics: events/s from
the first input to the last committed finding, CPU seconds per million events, peak memory, latency from an appended
event to a readable finding at half load; for the three workers (they need Redis: REDIS_URL, or a local one), for the
chained job, and for reading alone. Prints tables, writes bench.json and bench.svg.

  --events N       events of the data set (default 2000000)
  --sessions N     their sessions (default 20000)
  --partitions N   of the topics (default 8)
  --workers N      processes of the chained job (default: the cores)
  --quick          300,000 events, 3,000 sessions, short latency runs, small growth
  --tiny           only to see that it works: 20,000 events
  --skip PARTS     comma-separated: workers, chained, floors, latency, growth, memory
  --load N         events/s of the latency runs (default: half of what the chained job reached in this run)
  --only PARTS     without a broker: CPU time by stage in this process; comma-separated: ${STAGES.join(', ')}
  --workstations N of the simulated fleet that --only takes (default 300)
  --peers DIR      also a folder with env.sh, measure.py and run-all.sh that measures other engines on a reference job,
                   and the same job on Farhand's runner beside them; slow
  --pattern REGEX  which of the peers (default ^ks-memory)
  --out DIR        default: out`;

const OPTIONS = {
  events: { type: 'string' },
  sessions: { type: 'string' },
  partitions: { type: 'string', default: '8' },
  workers: { type: 'string' },
  quick: { type: 'boolean', default: false },
  tiny: { type: 'boolean', default: false },
  skip: { type: 'string', default: '' },
  load: { type: 'string' },
  only: { type: 'string' },
  workstations: { type: 'string' },
  peers: { type: 'string' },
  pattern: { type: 'string', default: '^ks-memory' },
  out: { type: 'string', default: 'out' },
  help: { type: 'boolean', default: false },
} as const;

const COMMIT_MS = [100, 1_000] as const;
const RUN_MS_MAX = 900_000;
const FULL = { events: 2_000_000, sessions: 20_000, warmUpSeconds: 15, latencySeconds: 20, memorySessions: 20_000, growth: { events: 2_000_000, atOnce: [1_000, 10_000, 100_000, 1_000_000], partitions: [2, 8, 32] } };
const QUICK = { events: 300_000, sessions: 3_000, warmUpSeconds: 8, latencySeconds: 8, memorySessions: 5_000, growth: { events: 300_000, atOnce: [1_000, 10_000], partitions: [2, 8] } };
const TINY = { events: 20_000, sessions: 200, warmUpSeconds: 0, latencySeconds: 2, memorySessions: 500, growth: { events: 5_000, atOnce: [100], partitions: [2] } };

export interface BenchResult {
  readonly machine: { readonly processor: string; readonly cores: number; readonly node: string };
  readonly data: { readonly events: number; readonly sessions: number; readonly partitions: number; readonly bytesPerEvent: number };
  readonly throughput: readonly Throughput[];
  readonly latency: readonly Latency[];
  readonly growth: readonly Growth[];
  readonly memory: SessionMemory | null;
  readonly peers: readonly PeerResult[];
}

function numberOf(name: string, text: string | undefined, fallback: number): number {
  const value = Number(text ?? fallback);
  if (!Number.isInteger(value) || value < 1) throw new FarhandError('FARHAND_USAGE', `--${name} is '${text}': allowed is a positive integer`);
  return value;
}

/** Kafka's jars as the tests keep them; null where they are not there (the broker is then somebody else's). */
function kafkaJars(): string | null {
  const directory = join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'farhand', 'kafka-4.3.1');
  return existsSync(directory) ? directory : null;
}

const say = (text: string): void => void process.stderr.write(`${text}\n`);

interface Plan {
  readonly size: typeof FULL | typeof QUICK | typeof TINY;
  readonly events: number;
  readonly sessions: number;
  readonly partitions: number;
  readonly processes: number;
  readonly skip: ReadonlySet<string>;
  /** Events/s; null for half of what was reached. */
  readonly load: number | null;
}

async function throughputOf(site: Site, plan: Plan, data: DataSet): Promise<Throughput[]> {
  const results: Throughput[] = [];
  const ways = (['chained', 'workers'] as const).filter((way) => !plan.skip.has(way) && (way === 'chained' || site.redis !== null));
  for (const commitMs of COMMIT_MS) {
    for (const way of ways) {
      say(`${way}, a commit every ${commitMs} ms…`);
      results.push(await measureThroughput(site, data, { way, commitMs, processes: plan.processes, timeoutMs: RUN_MS_MAX }));
    }
  }
  if (!plan.skip.has('floors')) {
    say('reading only…');
    results.push(...(await measureFloors(site.brokers, kafkaJars(), data)));
  }
  return results;
}

async function latencyOf(site: Site, plan: Plan, throughput: readonly Throughput[]): Promise<Latency[]> {
  const results: Latency[] = [];
  for (const commitMs of COMMIT_MS) {
    const whole = throughput.find((entry) => entry.name.startsWith('chained') && entry.commitMs === commitMs)?.eventsPerSecond;
    const perSecond = plan.load ?? (whole === undefined ? null : Math.round(whole / 2));
    if (perSecond === null) continue;
    say(`latency at ${perSecond} events/s, a commit every ${commitMs} ms…`);
    results.push(await measureLatency(site, { way: 'chained', commitMs, processes: plan.processes, timeoutMs: RUN_MS_MAX, perSecond, warmUpSeconds: plan.size.warmUpSeconds, seconds: plan.size.latencySeconds, partitions: plan.partitions }));
  }
  return results;
}

async function measureAll(site: Site, plan: Plan, peers: { folder: string | undefined; pattern: string }): Promise<BenchResult> {
  say(`${plan.events} events of ${plan.sessions} sessions on ${plan.partitions} partitions…`);
  const data = await publish(site.log, { events: plan.events, sessions: plan.sessions, seed: 1, suspicious: 0.01 }, plan.partitions);
  try {
    const throughput = await throughputOf(site, plan, data);
    const latency = plan.skip.has('latency') ? [] : await latencyOf(site, plan, throughput);
    const growth = plan.skip.has('growth') ? [] : await measureGrowth(site, { ...plan.size.growth, otherSessions: plan.sessions, otherPartitions: plan.partitions, processes: plan.processes, timeoutMs: RUN_MS_MAX }, say);
    const memory = plan.skip.has('memory') ? null : await measureMemory(plan.size.memorySessions);
    return {
      machine: { processor: cpus()[0]?.model ?? 'unknown', cores: availableParallelism(), node: process.version },
      data: { events: data.events, sessions: plan.sessions, partitions: plan.partitions, bytesPerEvent: data.bytesPerEvent },
      throughput, latency, growth, memory,
      peers: peers.folder === undefined ? [] : await runPeers(peers.folder, peers.pattern),
    };
  } finally {
    await site.retire(inputsOf(data));
  }
}

function memoryText({ sessions, activeBytesPerSession, pausedBytesPerSession, idleBytesPerSession, exchangeBytesPerSession, beforeBytesPerSession }: SessionMemory): string {
  const detect = `${activeBytesPerSession} bytes while typing, ${pausedBytesPerSession} in a pause of three minutes, ${idleBytesPerSession} idle`;
  return `Memory of a session (${sessions} sessions): in detect ${detect}; in the exchange ${exchangeBytesPerSession}; in ingest and enrich ${beforeBytesPerSession} while typing.`;
}

function print({ throughput, latency, growth, memory, peers }: BenchResult): void {
  const out = [throughputTable(throughput)];
  if (latency.length > 0) out.push(latencyTable(latency));
  if (growth.length > 0) out.push(throughputTable(growth.map(({ of, value, result }) => ({ ...result, name: `chained, ${value.toLocaleString('en')} ${of}` }))));
  if (memory !== null) out.push(memoryText(memory));
  if (peers.length > 0) out.push(peerTable(peers));
  process.stdout.write(`${out.join('\n\n')}\n`);
}

function saveJson(name: string, result: BenchResult | StagesResult, directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, name), `${JSON.stringify(result, null, 2)}\n`);
}

async function benchStages(only: string, workstations: number, directory: string): Promise<number> {
  const names = only.split(',').map((name) => name.trim());
  const wrong = names.find((name) => !(STAGES as readonly string[]).includes(name));
  if (wrong !== undefined) throw new FarhandError('FARHAND_USAGE', `--only names '${wrong}': allowed is ${STAGES.join(', ')}`);
  const result = await measureStages(workstations, new Set(names));
  process.stdout.write(`${stageTable(result)}\n`);
  saveJson('bench-stages.json', result, directory);
  const points = result.growth.map(({ sessions: x, cpuMicrosPerEvent: y }) => ({ x, y }));
  if (points.length > 0) writeFileSync(join(directory, 'bench-stages.svg'), plot([{ title: 'CPU µs per event, by sessions of one task', points }]));
  return 0;
}

function save(result: BenchResult, directory: string): void {
  saveJson('bench.json', result, directory);
  const points = (of: Growth['of']) => result.growth.flatMap(({ of: what, value, result: { cpuSecondsPerMillion: y } }) => (what === of && y !== null ? [{ x: value, y }] : []));
  const panels = (['sessions at once', 'partitions'] as const).map((of) => ({ title: `CPU seconds per million events, by ${of}`, points: points(of) }));
  const drawn = panels.filter((panel) => panel.points.length > 0);
  if (drawn.length > 0) writeFileSync(join(directory, 'bench.svg'), plot(drawn));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  if (values.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  if (values.only !== undefined) return benchStages(values.only, numberOf('workstations', values.workstations, 300), values.out);
  const size = values.tiny ? TINY : values.quick ? QUICK : FULL;
  const plan: Plan = {
    size,
    events: numberOf('events', values.events, size.events),
    sessions: numberOf('sessions', values.sessions, size.sessions),
    partitions: numberOf('partitions', values.partitions, 8),
    processes: numberOf('workers', values.workers, availableParallelism()),
    skip: new Set(values.skip.split(',').map((part) => part.trim())),
    load: values.load === undefined ? null : numberOf('load', values.load, 0),
  };
  const infrastructure = await startInfrastructure();
  if (infrastructure.kafka === null) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', 'no broker: set KAFKA_BROKERS, or install Java 17 and Maven');
  const brokers = infrastructure.kafka.address;
  const openLog = () => openKafkaLog({ ...KAFKA_DEFAULTS, brokers: brokers.split(','), clientId: 'farhand-bench', clock: systemClock });
  let log = await openLog();
  const broker = await BenchBroker.open(brokers);
  try {
    const pid = /pid (\d+)/.exec(infrastructure.kafka.what)?.[1];
    const site: Site = {
      brokers,
      redis: infrastructure.redis?.address ?? null,
      brokerPid: pid === undefined ? null : Number(pid),
      broker,
      get log() {
        return log;
      },
      retire: async (topics) => {
        await broker.deleteTopics(topics);
        await log.close();
        log = await openLog();
      },
    };
    const result = await measureAll(site, plan, { folder: values.peers, pattern: values.pattern });
    print(result);
    save(result, values.out);
    return 0;
  } finally {
    await broker.close();
    await log.close();
    await infrastructure.stop();
  }
}

// The load comes from here: while this process collects its sent batches it is late, and the contender would be charged for it.
countBuffersAsHeap();
try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`bench: ${error instanceof FarhandError ? `${error.code}: ${error.message}` : String((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof FarhandError ? error.exitStatus : 1;
}
