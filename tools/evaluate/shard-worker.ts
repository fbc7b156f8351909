/** One worker thread: runs the shards that it is asked for, one after the other, and answers with their outcomes. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert } from '#lib/kernel/errors.ts';
import { SIGNAL_NAMES } from '../../services/detect/model/reading.ts';
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

/** What a worker is asked to do with one shard. */
export interface ShardTask {
  cases: CaseOptions;
  rules: boolean;
  /** Run each configuration without one signal too. */
  ablation: boolean;
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
const without = new Map(SIGNAL_NAMES.map((name) => [name as string, { ...config, detect: { ...config.detect, signalsOff: [...config.detect.signalsOff, name] } }]));

async function answer({ cases, rules, ablation }: ShardTask): Promise<ShardAnswer> {
  const { fleet, truths } = caseFleet(sources, cases);
  const { revisions: _, ...result } = await runFleet(fleet, { config, databases, truths, rules, ...(ablation && { variants: without }) });
  return { shard: cases.shard, ...result };
}

port.on('message', (task: ShardTask | null) => {
  if (task === null) return port.close();
  answer(task).then(
    (told) => port.postMessage(told),
    (error: unknown) => {
      throw error;
    },
  );
  return undefined;
});
