/** One process of the reference job on Farhand's runner; bench/peers.ts starts and measures as many as there are cores. */
import { parseArgs } from 'node:util';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { KAFKA_DEFAULTS, openKafkaLog } from '#lib/log/kafka.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type ServiceSpec } from '#lib/runner/options.ts';
import { Worker } from '#lib/runner/worker.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { createReferenceTask, REFERENCE_OUTPUTS } from './task.ts';

const HELP = `Usage: node bench/reference/main.ts BROKERS GROUP FINDINGS REJECTS SUFFIX WORKER COMMIT_MS

Reads telemetry.*.v1SUFFIX. Prints "FIRST <epoch ms>" at its first records. Ends with SIGTERM.`;

const PARTITIONS = 8;

async function main(): Promise<void> {
  const { positionals } = parseArgs({ allowPositionals: true, strict: true });
  const [brokers, group, findings, rejects, suffix, worker, commitMs] = positionals;
  if (brokers === undefined || group === undefined || findings === undefined || rejects === undefined || suffix === undefined || worker === undefined || !(Number(commitMs) > 0)) throw new FarhandError('FARHAND_USAGE', HELP);
  const databases = await openDatabases(enrichConfigSchema.parse({}));
  const log = await openKafkaLog({ ...KAFKA_DEFAULTS, brokers: brokers.split(','), clientId: `farhand-reference-${worker}`, clock: systemClock });
  const changelog = `${group}.changelog`;
  const settings = { 'cleanup.policy': 'compact' };
  const isThere = async (): Promise<boolean> => (await log.partitionsOf([changelog])).get(changelog)! > 0;
  try {
    if (!(await isThere())) await log.admin.create([{ name: changelog, partitions: PARTITIONS, settings }], 1);
  } catch (error) {
    if (!(await isThere())) throw error; // else the other process was first
  }
  const decoder = avroRecordDecoder();
  let first = true;
  const onBatch = (): void => {
    if (first) process.stdout.write(`FIRST ${systemClock.nowMs()}\n`);
    first = false;
  };
  const service: ServiceSpec = {
    application: group,
    inputs: [`telemetry.keystroke-latency.v1${suffix}`, `telemetry.connection.v1${suffix}`],
    outputs: { [REFERENCE_OUTPUTS.findings]: findings, [REFERENCE_OUTPUTS.rejects]: rejects },
    changelog,
    createTask: (_task, state) => createReferenceTask({ state, decoder, addresses: databases.current, onBatch }),
  };
  const stop = new AbortController();
  process.once('SIGTERM', () => stop.abort());
  await new Worker({ log, service, bounds: { ...RUNNER_DEFAULTS, commitIntervalMs: Number(commitMs) }, observer: SILENT_OBSERVER, clock: systemClock }, worker).run(stop.signal);
  await log.close();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`reference: ${error instanceof FarhandError ? `${error.code}: ${error.message}` : String((error as Error).stack ?? error)}\n`);
  process.exitCode = error instanceof FarhandError ? error.exitStatus : 1;
}
