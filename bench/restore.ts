/** `npm run bench:restore`: how long the state of detect takes to come back, from the changelog and from a checkpoint. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { personKey } from '#lib/kernel/identity.ts';
import { KAFKA_DEFAULTS, openKafkaLog } from '#lib/log/kafka.ts';
import type { Log, TaskWriter } from '#lib/log/log.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import { takeChanges } from '#lib/runner/changelog.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type RunnerParts, type ServiceSpec } from '#lib/runner/options.ts';
import { restoreTask } from '#lib/runner/restore.ts';
import { Checkpointer, type Checkpoints } from '#lib/state/checkpoint.ts';
import { openCheckpointDirectory } from '#lib/state/directory.ts';
import { createCapturedState, type CapturedState } from '#lib/state/memory.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../tools/embedded/pipeline.ts';
import { buildDetect, type DetectPipeline } from '../services/detect/topology.ts';
import { startInfrastructure } from '../test/infrastructure/start.ts';
import { BENCH_VANTAGE, BenchEvents } from './events.ts';

const HELP = `Usage: npm run bench:restore -- [--sessions N] [--partitions N]

Makes the state of N active sessions (default 100000) by running them through detect, writes it to a changelog on a real
broker as the workers do (every session several times over), and restores all partitions (default 4) at once, as one
worker that gets them all: from the changelog alone, and from a checkpoint on the local disk.`;

const EVENTS_PER_SESSION = 12;
/** Events between two drains of the changes, so that a session comes to lie in the changelog about three times. */
const EVENTS_PER_DRAIN = 250_000;
const COMMIT_BYTES = 4 * 1024 * 1024;
const CHECKPOINT_AGE_MS_MAX = 3_600_000;

interface Written {
  records: number;
  bytes: number;
}

interface Stage {
  readonly state: CapturedState;
  readonly detect: DetectPipeline;
  readonly writer: TaskWriter;
}

interface Measured {
  readonly seconds: number;
  readonly records: number;
  readonly entries: number;
  readonly keys: number;
}

const APPLICATION = `bench-restore-${process.pid}`;
const CHANGELOG = `${APPLICATION}-changelog`;
const config = loadEmbeddedConfig();

function serviceSpec(): ServiceSpec {
  return {
    application: APPLICATION,
    inputs: [],
    outputs: {},
    changelog: CHANGELOG,
    createTask: (_task, state) => {
      const detect = buildDetect({ config: config.detect, state });
      return { process: () => undefined, resume: () => detect.resume(), flush: () => undefined };
    },
  };
}

async function drain({ state, writer }: Stage, partition: number, written: Written): Promise<void> {
  const records = takeChanges(state, CHANGELOG, partition, systemClock.nowMs());
  let [from, bytes] = [0, 0];
  for (let at = 0; at <= records.length; at++) {
    const record = records[at];
    if (record !== undefined) bytes += record.value?.length ?? 0;
    if (at < records.length && bytes < COMMIT_BYTES) continue;
    const some = records.slice(from, at + 1);
    if (some.length > 0) await writer.commit({ records: some, group: APPLICATION, positions: [] });
    written.bytes += bytes;
    [from, bytes] = [at + 1, 0];
  }
  written.records += records.length;
}

/** The changelog of that many sessions. */
async function write(log: Log, sessions: number, partitions: number): Promise<Written> {
  const written: Written = { records: 0, bytes: 0 };
  const stages: Stage[] = [];
  for (let n = 0; n < partitions; n++) {
    const state = createCapturedState();
    stages.push({ state, detect: buildDetect({ config: config.detect, state }), writer: await log.openWriter(`${APPLICATION}-${n}`) });
  }
  const pipeline = await createEmbeddedPipeline({
    config,
    decoder: avroRecordDecoder(),
    detection: false,
    onEnriched: (events) => {
      const parts = Map.groupBy(events, ({ event }) => partitionOf(personKey(event), partitions));
      for (const [partition, part] of parts) stages[partition]!.detect.process(part);
    },
  });
  pipeline.applyReference([BENCH_VANTAGE]);
  let since = 0;
  const raw = (value: Buffer) => ({ topic: 'telemetry', partition: 0, offset: 0, arrivedAt: null, key: null, value });
  const drainAll = async (): Promise<void> => {
    for (const [partition, stage] of stages.entries()) await drain(stage, partition, written);
  };
  for (const batch of new BenchEvents({ events: sessions * EVENTS_PER_SESSION, sessions, seed: 97, suspicious: 0.01 }).batches(2_000)) {
    await pipeline.process(batch.map(({ value }) => raw(value)));
    since += batch.length;
    if (since < EVENTS_PER_DRAIN) continue;
    since = 0;
    await drainAll();
  }
  await drainAll();
  for (const { writer } of stages) await writer.close();
  return written;
}

async function restoreAll(log: Log, partitions: number, checkpoints?: Checkpoints): Promise<{ measured: Measured; states: CapturedState[]; fences: TaskWriter['fence'][] }> {
  let [records, entries, keys] = [0, 0, 0];
  const observer = {
    ...SILENT_OBSERVER,
    restored: (_task: number, read: number, size: number, _seconds: number, used: number | null = null) => {
      records += read;
      keys += size;
      entries += used ?? 0;
    },
  };
  const parts: RunnerParts = { log, service: serviceSpec(), bounds: RUNNER_DEFAULTS, observer, clock: systemClock, ...(checkpoints === undefined ? {} : { checkpoints }) };
  const writers = await Promise.all(Array.from({ length: partitions }, (_, n) => log.openWriter(`${APPLICATION}-${n}`)));
  const began = systemClock.monotonicMs();
  const restored = await Promise.all(writers.map((writer, n) => restoreTask(parts, n, writer.fence)));
  const seconds = (systemClock.monotonicMs() - began) / 1_000;
  for (const writer of writers) await writer.close();
  return { measured: { seconds, records, entries, keys }, states: restored.map(({ state }) => state), fences: writers.map(({ fence }) => fence) };
}

/** As a session does it, slice by slice. Answers the bytes on the disk. */
async function checkpoint(log: Log, partition: number, state: CapturedState, fence: TaskWriter['fence'], checkpoints: Checkpoints): Promise<number> {
  const saved = Promise.withResolvers<number>();
  const checkpointer = new Checkpointer({
    ...checkpoints,
    clock: systemClock,
    state,
    header: { application: APPLICATION, changelog: CHANGELOG, partition, ...fence },
    changelogEnd: async () => (await log.offsetsOf(CHANGELOG, partition)).end,
    onSaved: ({ bytes }) => saved.resolve(bytes),
    onFailed: (error) => saved.reject(error),
    wake: () => undefined,
  });
  checkpointer.commitBegins(1);
  checkpointer.commitEnded();
  while (!checkpointer.wantsCommit) {
    checkpointer.step();
    await systemClock.sleep(0);
  }
  checkpointer.commitBegins(0);
  checkpointer.commitEnded();
  return saved.promise;
}

const MIB = 1024 * 1024;
const line = (what: string, { seconds, records, entries, keys }: Measured): string =>
  `${what.padEnd(34)} ${seconds.toFixed(1).padStart(6)} s   ${records} records of the changelog, ${entries} entries of checkpoints, ${keys} keys`;

async function measure(log: Log, sessions: number, partitions: number, directory: string): Promise<void> {
  await log.admin.create([{ name: CHANGELOG, partitions, settings: { 'cleanup.policy': 'compact' } }], 1);
  const began = systemClock.monotonicMs();
  const written = await write(log, sessions, partitions);
  console.log(`${sessions} sessions in ${partitions} partitions: ${written.records} records, ${(written.bytes / MIB).toFixed(0)} MiB in the changelog (made in ${((systemClock.monotonicMs() - began) / 1_000).toFixed(0)} s)`);
  const disk = await openCheckpointDirectory(directory, 'bench', () => systemClock.nowMs(), CHECKPOINT_AGE_MS_MAX);
  const checkpoints: Checkpoints = { disk, intervalMs: 0, ageMsMax: CHECKPOINT_AGE_MS_MAX };
  const first = await restoreAll(log, partitions);
  console.log(line('restored from the changelog', first.measured));
  const copying = systemClock.monotonicMs();
  let bytes = 0;
  for (const [partition, state] of first.states.entries()) bytes += await checkpoint(log, partition, state, first.fences[partition]!, checkpoints);
  console.log(`${'checkpoints written'.padEnd(34)} ${((systemClock.monotonicMs() - copying) / 1_000).toFixed(1).padStart(6)} s   ${(bytes / MIB).toFixed(0)} MiB`);
  const second = await restoreAll(log, partitions, checkpoints);
  console.log(line('restored from a checkpoint', second.measured));
}

async function main(): Promise<number> {
  const { values } = parseArgs({ options: { sessions: { type: 'string', default: '100000' }, partitions: { type: 'string', default: '4' }, help: { type: 'boolean', default: false } } });
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const infrastructure = await startInfrastructure();
  const directory = mkdtempSync(join(tmpdir(), 'farhand-restore-'));
  try {
    if (infrastructure.kafka === null) throw new Error('no broker: set KAFKA_BROKERS, or install Java 17 and Maven');
    const log = await openKafkaLog({ ...KAFKA_DEFAULTS, brokers: infrastructure.kafka.address.split(','), clientId: 'farhand-bench', clock: systemClock });
    await measure(log, Number(values.sessions), Number(values.partitions), directory);
    await log.close();
    return 0;
  } finally {
    rmSync(directory, { recursive: true, force: true });
    await infrastructure.stop();
  }
}

process.exitCode = await main();
