/** One contender over a data set that lies ready: from its first input to its last committed finding. */
import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import type { Log } from '#lib/log/log.ts';
import { isDecided } from '../test/infrastructure/logs.ts';
import { telemetryOf, type DataSet } from './dataset.ts';
import { install, type Installation } from './installation.ts';
import { cpuSeconds, machineSeconds, MeasuredProcess } from './processes.ts';
import type { BenchBroker, Stage } from './broker.ts';

export const LAUNCHER = fileURLToPath(new URL('../tools/farhand.mjs', import.meta.url));
const STARTED = '"event":"task.started"';
const POLL_MS = 100;

export interface Site {
  readonly brokers: string;
  /** Null where there is none: then there are no separate workers. */
  readonly redis: string | null;
  /** Of the broker, for its CPU; null where it is not ours. */
  readonly brokerPid: number | null;
  /** The present one: `retire` puts another in its place. */
  readonly log: Log;
  readonly broker: BenchBroker;
  /** Deletes topics, and forgets every client that knew them. */
  retire(topics: readonly string[]): Promise<void>;
}

export type Way = 'workers' | 'chained';

export interface RunOptions {
  readonly way: Way;
  readonly commitMs: number;
  /** Processes of the chained job. */
  readonly processes: number;
  readonly timeoutMs: number;
}

export interface Throughput {
  readonly name: string;
  readonly commitMs: number | null;
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly cpuSecondsPerMillion: number | null;
  readonly brokerCpuSecondsPerMillion: number | null;
  /** Cores that others on the machine used meanwhile, this program included. */
  readonly otherCores: number | null;
  readonly peakRssMb: number | null;
  /** Finding ids, and SHA-256 over them, sorted: the same for everybody who does the same job. */
  readonly findings: number | null;
  readonly digest: string | null;
}

/** Consumer group and inputs of each stage, in the order of the data. */
function stagesOf({ topics, group }: Installation, way: Way): Stage[] {
  const telemetry = telemetryOf(topics);
  if (way === 'chained') return [{ group: `${group}-chained`, topics: telemetry }];
  return [
    { group: `${group}-ingest`, topics: telemetry },
    { group: `${group}-enrich`, topics: [topics.events] },
    { group: `${group}-detect`, topics: [topics.enriched] },
  ];
}

export function startContender(installation: Installation, { way, processes }: RunOptions, onLine: (line: string) => void): MeasuredProcess[] {
  const env = { ...process.env, FARHAND_CONFIG: installation.configFile, KAFKA_BROKERS: '', REDIS_URL: '' };
  const commands = way === 'chained' ? [['embedded', '--kafka', '--workers', String(processes)]] : [['ingest'], ['enrich'], ['detect']];
  return commands.map((args) => new MeasuredProcess(process.execPath, [LAUNCHER, ...args], env, onLine));
}

export async function measureThroughput(site: Site, data: DataSet, options: RunOptions): Promise<Throughput> {
  const { log, broker, brokerPid } = site;
  const installation = await install(log, data.topics, { ...site, partitions: data.partitions, commitMs: options.commitMs });
  const stages = stagesOf(installation, options.way);
  let processes: MeasuredProcess[] = [];
  const marks = () => ({ at: systemClock.monotonicMs(), cpu: processes.reduce((sum, p) => sum + p.cpuSeconds(), 0), broker: brokerPid === null ? 0 : cpuSeconds(brokerPid), machine: machineSeconds() });
  let first: ReturnType<typeof marks> | null = null;
  try {
    processes = startContender(installation, options, (line) => {
      if (first === null && line.includes(STARTED)) first = marks();
    });
    const deadline = systemClock.monotonicMs() + options.timeoutMs;
    do {
      await systemClock.sleep(POLL_MS);
      const dead = processes.find((p) => p.exitStatus !== null);
      if (dead !== undefined) throw new Error(`${options.way} ended with ${dead.exitStatus}:\n${dead.lastLines}`);
      if (systemClock.monotonicMs() > deadline) throw new Error(`${options.way} did not finish in ${options.timeoutMs} ms:\n${processes[0]!.lastLines}`);
    } while (first === null || !(await broker.isThrough(stages)));
    const [began, ended] = [first as ReturnType<typeof marks>, marks()];
    const peakRssMb = Math.round(processes.reduce((sum, p) => sum + p.peakMegabytes(), 0));
    const seconds = (ended.at - began.at) / 1_000;
    const perMillion = (amount: number) => Math.round((amount / data.events) * 1e8) / 100;
    const [cpu, brokerCpu] = [ended.cpu - began.cpu, ended.broker - began.broker];
    return {
      name: options.way === 'chained' ? `chained, ${options.processes} processes` : 'three workers',
      commitMs: options.commitMs,
      events: data.events,
      seconds: Math.round(seconds * 100) / 100,
      eventsPerSecond: Math.round(data.events / seconds),
      cpuSecondsPerMillion: perMillion(cpu),
      brokerCpuSecondsPerMillion: brokerPid === null ? null : perMillion(brokerCpu),
      otherCores: Math.round(((ended.machine - began.machine - cpu - brokerCpu) / seconds) * 100) / 100,
      peakRssMb,
      ...(await findingsOf(log, installation, data.partitions)),
    };
  } finally {
    await Promise.all(processes.map((p) => p.stop()));
    await site.retire(installation.ownTopics);
    installation.close();
  }
}

async function findingsOf(log: Log, { topics }: Installation, partitions: number): Promise<{ findings: number; digest: string }> {
  const decoder = avroRecordDecoder({ names: ['SuspiciousSession'] });
  const ids = new Set<string>();
  for (let partition = 0; partition < partitions; partition++) {
    while (!(await isDecided(log, topics.suspiciousSessions, partition))) await systemClock.sleep(POLL_MS);
    await log.readToEnd(topics.suspiciousSessions, partition, (records) => {
      for (const record of records) {
        const result = decoder.decode(record);
        if (result.ok) ids.add(result.event.findingId);
      }
    });
  }
  return { findings: ids.size, digest: createHash('sha256').update([...ids].sort().join('\n')).digest('hex').slice(0, 12) };
}
