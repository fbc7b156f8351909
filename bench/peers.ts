/**
 * Other engines' reference jobs, measured in the same session by their own scripts: a folder with measure.py and
 * run-all.sh (`run-all.sh REPEATS PATTERN` prints JSON lines with peer, eventsPerSecond, cpuPerM, …). Never part of the
 * product; the job of the peers is simpler than ours.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { FarhandError } from '#lib/kernel/errors.ts';

export interface PeerResult {
  readonly peer: string;
  readonly ok: boolean;
  readonly events: number;
  readonly eventsPerSecond?: number;
  readonly cpuPerM?: number;
  readonly brokerCpuPerM?: number;
  readonly rssMb?: number;
  readonly otherCores?: number;
  readonly findings?: number;
}

const SCRIPTS = ['measure.py', 'run-all.sh'];

export async function runPeers(folder: string, pattern: string): Promise<PeerResult[]> {
  const missing = SCRIPTS.find((script) => !existsSync(join(folder, script)));
  if (missing !== undefined) throw new FarhandError('FARHAND_USAGE', `--peers needs a folder with ${SCRIPTS.join(' and ')}; ${folder} has no ${missing}`);
  const results: PeerResult[] = [];
  const child = spawn('bash', [join(folder, 'run-all.sh'), '1', pattern], { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('{"peer"')) results.push(JSON.parse(line) as PeerResult);
  });
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  return results;
}
