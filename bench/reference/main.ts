/** One process of the reference job on Farhand's runner; bench/peers.ts starts and measures several: one a core, or one a stage. */
import { parseArgs } from 'node:util';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { KAFKA_DEFAULTS, openKafkaLog } from '#lib/log/kafka.ts';
import type { Log } from '#lib/log/log.ts';
import { countBuffersAsHeap } from '#lib/runner/heap.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type ServiceSpec } from '#lib/runner/options.ts';
import { Worker } from '#lib/runner/worker.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { BenchBroker, type Stage } from '../broker.ts';
import { createGateStage, createLookUpStage, createWindowStage, HANDED_ON } from './stages.ts';
import { REFERENCE_OUTPUTS } from './steps.ts';
import { createReferenceTask } from './task.ts';

const HELP = `Usage: node bench/reference/main.ts BROKERS GROUP FINDINGS REJECTS SUFFIX WORKER COMMIT_MS [--staged]

Reads telemetry.*.v1SUFFIX. Prints "FIRST <epoch ms>" at its first records. Ends with SIGTERM.

  --staged   WORKER is the number of a stage (0: gate, 1: look-up, 2: windows), each a group of its own; the last one
             prints "DONE <epoch ms>" once all have committed what there is`;

const PARTITIONS = 8;
/** As kafka.compression may be set: the log is on this machine, and its events are mostly numbers that zstd takes a quarter off. */
const COMPRESSION = 'none';
const POLL_MS = 100;

interface Job {
  readonly brokers: string;
  readonly group: string;
  readonly findings: string;
  readonly rejects: string;
  readonly suffix: string;
  readonly worker: string;
  readonly commitMs: number;
  readonly staged: boolean;
}

function jobOf(args: readonly string[]): Job {
  const { positionals, values } = parseArgs({ args: [...args], allowPositionals: true, strict: true, options: { staged: { type: 'boolean', default: false } } });
  const [brokers, group, findings, rejects, suffix, worker, commitMs] = positionals;
  if (brokers === undefined || group === undefined || findings === undefined || rejects === undefined || suffix === undefined || worker === undefined || !(Number(commitMs) > 0)) throw new FarhandError('FARHAND_USAGE', HELP);
  return { brokers, group, findings, rejects, suffix, worker, commitMs: Number(commitMs), staged: values.staged };
}

const decoder = avroRecordDecoder();
const addresses = async () => (await openDatabases(enrichConfigSchema.parse({}))).current;

const inputsOf = ({ suffix }: Job): string[] => [`telemetry.keystroke-latency.v1${suffix}`, `telemetry.connection.v1${suffix}`];

async function wholeOf(job: Job, onBatch: () => void): Promise<ServiceSpec> {
  const { group, findings, rejects } = job;
  const book = await addresses();
  return {
    application: group,
    inputs: inputsOf(job),
    outputs: { [REFERENCE_OUTPUTS.findings]: findings, [REFERENCE_OUTPUTS.rejects]: rejects },
    changelog: `${group}.changelog`,
    createTask: (_task, state) => createReferenceTask({ state, decoder, addresses: book, onBatch }),
  };
}

async function stagesOf(job: Job, onBatch: () => void): Promise<ServiceSpec[]> {
  const { group, findings, rejects } = job;
  const [events, located] = [`${group}.events`, `${group}.located`];
  const book = job.worker === '1' ? await addresses() : null;
  return [
    {
      application: `${group}-gate`,
      inputs: inputsOf(job),
      outputs: { [HANDED_ON]: events, [REFERENCE_OUTPUTS.rejects]: rejects },
      changelog: `${group}-gate.changelog`,
      createTask: (_task, state) => createGateStage({ state, decoder, onBatch }),
    },
    { application: `${group}-look-up`, inputs: [events], outputs: { [HANDED_ON]: located }, changelog: null, createTask: () => createLookUpStage({ decoder, addresses: book! }) },
    {
      application: `${group}-windows`,
      inputs: [located],
      outputs: { [REFERENCE_OUTPUTS.findings]: findings },
      changelog: `${group}-windows.changelog`,
      createTask: (_task, state) => createWindowStage({ state, decoder }),
    },
  ];
}

/** Each process asks for all topics: whoever is first makes them. */
async function createTopics(log: Log, names: readonly string[], settings: Readonly<Record<string, string>>): Promise<void> {
  for (const name of names) {
    const isThere = async (): Promise<boolean> => (await log.partitionsOf([name])).get(name)! > 0;
    try {
      if (!(await isThere())) await log.admin.create([{ name, partitions: PARTITIONS, settings }], 1);
    } catch (error) {
      if (!(await isThere())) throw error;
    }
  }
}

/** Says so once all stages have committed what there is. */
async function watch(brokers: string, services: readonly ServiceSpec[], signal: AbortSignal): Promise<void> {
  const broker = await BenchBroker.open(brokers);
  const stages: Stage[] = services.map(({ application, inputs }) => ({ group: application, topics: inputs }));
  let through = false;
  while (!signal.aborted && !(through = await broker.isThrough(stages))) await systemClock.sleep(POLL_MS);
  if (through) process.stdout.write(`DONE ${systemClock.nowMs()}\n`);
  await broker.close();
}

async function main(): Promise<void> {
  const job = jobOf(process.argv.slice(2));
  countBuffersAsHeap();
  let first = true;
  const onBatch = (): void => {
    if (first) process.stdout.write(`FIRST ${systemClock.nowMs()}\n`);
    first = false;
  };
  const services = job.staged ? await stagesOf(job, onBatch) : [await wholeOf(job, onBatch)];
  const service = services[job.staged ? Number(job.worker) : 0];
  if (service === undefined) throw new FarhandError('FARHAND_USAGE', HELP);
  const log = await openKafkaLog({ ...KAFKA_DEFAULTS, compression: COMPRESSION, brokers: job.brokers.split(','), clientId: `farhand-reference-${job.worker}`, clock: systemClock });
  await createTopics(log, services.flatMap(({ changelog }) => changelog ?? []), { 'cleanup.policy': 'compact' });
  await createTopics(log, services.slice(1).flatMap(({ inputs }) => inputs), { 'retention.ms': '-1' });
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  const watching = service === services.at(-1) && job.staged ? watch(job.brokers, services, stop.signal) : Promise.resolve();
  await new Worker({ log, service, bounds: { ...RUNNER_DEFAULTS, commitIntervalMs: job.commitMs }, observer: SILENT_OBSERVER, clock: systemClock }, job.worker).run(stop.signal);
  await watching;
  await log.close();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`reference: ${error instanceof FarhandError ? `${error.code}: ${error.message}` : String((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof FarhandError ? error.exitStatus : 1;
}
