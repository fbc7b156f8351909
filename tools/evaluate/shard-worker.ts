/** One worker thread: runs the shards that it is asked for, one after the other, and answers with their outcomes. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { caseFleet, type CaseOptions } from './cases/fleet.ts';
import { readSources } from './cases/world.ts';
import { runFleet, type RunResult } from './run.ts';
import type { Part } from './split.ts';

export interface WorkerSetup {
  part: Part;
  data: string | undefined;
  configFile: string | null;
}

export interface ShardAnswer extends Omit<RunResult, 'revisions'> {
  shard: number;
}

const port = parentPort;
assert(port !== null, 'shard-worker.ts runs in a worker thread');
const { part, data, configFile } = workerData as WorkerSetup;
const sources = readSources(part, data);
const config = loadEmbeddedConfig(configFile);
const databases = await openDatabases(config.enrich);
port.on('message', (options: CaseOptions | null) => {
  if (options === null) return port.close();
  const { fleet, truths } = caseFleet(sources, options);
  runFleet(fleet, { config, databases, truths }).then(
    ({ events, rejected, duplicates, sessions }) => port.postMessage({ shard: options.shard, events, rejected, duplicates, sessions } satisfies ShardAnswer),
    (error: unknown) => {
      throw error;
    },
  );
  return undefined;
});
