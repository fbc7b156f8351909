/**
 * Other engines' reference jobs, measured in the same session by their own scripts: a folder with run-all.sh
 * (`run-all.sh REPEATS PATTERN` prints JSON lines with peer, eventsPerSecond, cpuPerM, …) and env.sh, which brings the `measure`
 * that those scripts use. The same job on Farhand's runner (reference/task.ts) is measured by it as they are, on their topics. Never
 * part of the product; the job is simpler than Farhand's.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import { FarhandError } from '#lib/kernel/errors.ts';
import { NODE_OPTIONS } from '../tools/embedded/kafka/processes.ts';

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
  /** Over the finding ids, sorted: the same for everybody who does the same job. */
  readonly digest?: string;
}

const SCRIPTS = ['env.sh', 'measure.py', 'run-all.sh'];
const BROKERS = '127.0.0.1:19092';
const COMMIT_MS = [100, 1_000];
const REFERENCE = fileURLToPath(new URL('reference/main.ts', import.meta.url));
/** Begins the name of what runs on Farhand's runner; a name ends with its commit interval. */
const OURS = 'farhand-';
/** The job in three stages with topics between them, which is compared with whoever hands on through topics too. */
const OURS_STAGED = 'farhand-staged-';
const KAFKA_STREAMS = 'ks-';

export async function runPeers(folder: string, pattern: string): Promise<PeerResult[]> {
  const missing = SCRIPTS.find((script) => !existsSync(join(folder, script)));
  if (missing !== undefined) throw new FarhandError('FARHAND_USAGE', `--peers needs a folder with ${SCRIPTS.join(' and ')}; ${folder} has no ${missing}`);
  const results = await run('bash', [join(folder, 'run-all.sh'), '1', pattern]);
  for (const commitMs of COMMIT_MS) {
    const command = [process.execPath, ...NODE_OPTIONS, REFERENCE, BROKERS, '{group}', '{findings}', '{dlq}', '{suffix}', '{proc}', String(commitMs)];
    const measured = async (name: string, processes: number, more: readonly string[]): Promise<void> => {
      results.push(...(await run('bash', ['-c', '. "$0"; measure "$@"', join(folder, 'env.sh'), `${name}${commitMs}`, '--procs', String(processes), '--', ...command, ...more])));
    };
    await measured(OURS, 2, []);
    await measured(OURS_STAGED, 3, ['--staged']);
  }
  return results;
}

async function run(program: string, args: readonly string[]): Promise<PeerResult[]> {
  const results: PeerResult[] = [];
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  createInterface(child.stdout).on('line', (line) => {
    if (line.startsWith('{"peer"')) results.push(JSON.parse(line) as PeerResult);
  });
  await new Promise<void>((resolve) => child.once('close', () => resolve()));
  return results;
}

/** Ours against the fastest of the others at the same commit interval (in stages: against Kafka Streams), and whether both found the same. */
export function comparePeers(results: readonly PeerResult[]): string[] {
  const intervalOf = ({ peer }: PeerResult): string => /-(\d+)$/.exec(peer)?.[1] ?? '';
  const done = results.filter(({ ok, eventsPerSecond, cpuPerM }) => ok && eventsPerSecond !== undefined && cpuPerM !== undefined);
  return done
    .filter(({ peer }) => peer.startsWith(OURS))
    .flatMap((ours) => {
      const against = ours.peer.startsWith(OURS_STAGED) ? KAFKA_STREAMS : '';
      const others = done.filter((other) => !other.peer.startsWith(OURS) && other.peer.startsWith(against) && intervalOf(other) === intervalOf(ours));
      const fastest = others.reduce<PeerResult | null>((best, other) => (best === null || other.eventsPerSecond! > best.eventsPerSecond! ? other : best), null);
      if (fastest === null) return [];
      const [speed, cost] = [ours.eventsPerSecond! / fastest.eventsPerSecond!, ours.cpuPerM! / fastest.cpuPerM!];
      const same = ours.digest === fastest.digest ? 'the same findings' : 'OTHER FINDINGS';
      return [`${ours.peer}: ${speed.toFixed(2)} times the events/s of ${fastest.peer} at ${cost.toFixed(2)} of its CPU per event, ${same}.`];
    });
}
