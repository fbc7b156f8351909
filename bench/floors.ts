/** The floors: what it costs only to read the same topics. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { systemClock } from '#lib/kernel/clock.ts';
import { KAFKA_DEFAULTS, openKafkaLog } from '#lib/log/kafka.ts';
import { BenchBroker } from './broker.ts';
import { telemetryOf, type DataSet } from './dataset.ts';
import type { Throughput } from './throughput.ts';

const run = promisify(execFile);
const FLOOR_MS_MAX = 600_000;

/** What a floor's own process prints: it measures itself, so that its start does not count. */
export interface FloorResult {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

function entry(name: string, events: number, { seconds, cpuSeconds, peakRssMb }: FloorResult): Throughput {
  return {
    name, commitMs: null, events, seconds: Math.round(seconds * 100) / 100, eventsPerSecond: Math.round(events / seconds),
    cpuSecondsPerMillion: Math.round((cpuSeconds / events) * 1e8) / 100, brokerCpuSecondsPerMillion: null, otherCores: null, peakRssMb: Math.round(peakRssMb), findings: null, digest: null,
  };
}

/** A reader of ours or a kafkajs consumer, in a process of its own (this file, with arguments). */
async function readInProcess(which: 'reader' | 'kafkajs', brokers: string, data: DataSet): Promise<Throughput> {
  const args = [fileURLToPath(import.meta.url), which, brokers, String(data.events), String(data.partitions), ...telemetryOf(data.topics)];
  const { stdout } = await run(process.execPath, args, { timeout: FLOOR_MS_MAX });
  return entry(which === 'reader' ? 'reading only: our log reader' : 'reading only: a kafkajs consumer', data.events, JSON.parse(stdout) as FloorResult);
}

/** Kafka's own ConsumerPerformance; on the larger topic; it tells no CPU, and that of its JVM's start would drown it. */
async function consumerPerformance(brokers: string, jars: string, data: DataSet): Promise<Throughput> {
  const [keystrokes] = telemetryOf(data.topics);
  const records = Math.floor(data.events * 0.75); // not more than the topic holds
  const args = ['-cp', join(jars, '*'), 'org.apache.kafka.tools.ConsumerPerformance', '--bootstrap-server', brokers, '--topic', keystrokes!, '--num-records', String(records), '--hide-header'];
  const { stdout } = await run('java', args, { timeout: FLOOR_MS_MAX });
  const columns = stdout.trim().split('\n').at(-1)!.split(',').map((column) => column.trim());
  // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, …
  const [count, fetchMs] = [Number(columns[4]), Number(columns[7])];
  return { ...entry("reading only: Kafka's ConsumerPerformance", count, { seconds: fetchMs / 1_000, cpuSeconds: 0, peakRssMb: 0 }), cpuSecondsPerMillion: null, peakRssMb: null };
}

export async function measureFloors(brokers: string, jars: string | null, data: DataSet): Promise<Throughput[]> {
  const floors = [await readInProcess('reader', brokers, data), await readInProcess('kafkajs', brokers, data)];
  if (jars !== null) floors.push(await consumerPerformance(brokers, jars, data));
  return floors;
}

async function readWithOurs(brokers: string, events: number, partitions: number, topics: readonly string[]): Promise<number> {
  const log = await openKafkaLog({ ...KAFKA_DEFAULTS, brokers: brokers.split(','), clientId: 'farhand-bench', clock: systemClock });
  const reader = await log.openReader();
  const began = systemClock.monotonicMs();
  const feeds = topics.flatMap((topic) => Array.from({ length: partitions }, (_, partition) => reader.open({ topic, partition, offset: 0 })));
  for (let taken = 0; taken < events; ) {
    const before = taken;
    for (const feed of feeds) {
      while (feed.headTimestamp() !== undefined) {
        feed.shift();
        taken++;
      }
    }
    if (taken === before) await reader.wait(100);
    else await systemClock.sleep(0);
  }
  const seconds = (systemClock.monotonicMs() - began) / 1_000;
  await reader.close();
  await log.close();
  return seconds;
}

async function readWithKafkajs(brokers: string, events: number, topics: readonly string[]): Promise<number> {
  const broker = await BenchBroker.open(brokers);
  const seconds = await broker.readWithKafkajs(topics, events);
  await broker.close();
  return seconds;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [which, brokers, events, partitions, ...topics] = process.argv.slice(2) as [string, string, string, string, ...string[]];
  const before = process.cpuUsage();
  const seconds = which === 'reader' ? await readWithOurs(brokers, Number(events), Number(partitions), topics) : await readWithKafkajs(brokers, Number(events), topics);
  const { user, system } = process.cpuUsage(before);
  const result: FloorResult = { seconds, cpuSeconds: (user + system) / 1e6, peakRssMb: process.resourceUsage().maxRSS / 1024 };
  process.stdout.write(JSON.stringify(result));
}
