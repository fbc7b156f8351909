/**
 * `--workers N`: as many processes, each a member of the group with a name of its own. A process that fails takes the
 * others down with it, in good order, so that whoever supervises sees one answer.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { hostname } from 'node:os';
import { fileURLToPath } from 'node:url';
import { heapOptions } from '#lib/runner/heap.ts';
import { loadChainedConfig } from './worker.ts';

const LAUNCHER = fileURLToPath(new URL('../../farhand.mjs', import.meta.url));

/**
 * Most of what an event allocates lives for one batch: with room for some batches in the young generation it dies there,
 * instead of being copied and promoted. Costs at most three times that in memory. Twice as much is a little cheaper still, but every
 * collection stops the process, and its length is what the slowest findings wait for.
 */
export const NODE_OPTIONS = ['--max-semi-space-size=32'];

/** Exit status: 0 when all ended with 0, else the first other one. */
export async function runProcesses(count: number, file: string | null): Promise<number> {
  // Checked here as well, so that a mistake is one line and not one per process.
  const { kafka, observe } = loadChainedConfig(file);
  const name = kafka.workerId ?? hostname();
  const args = ['embedded', '--kafka', '--workers', '1', ...(file === null ? [] : ['--config', file])];
  const execArgv = [...process.execArgv, ...NODE_OPTIONS, ...heapOptions(count, [...process.execArgv, process.env['NODE_OPTIONS'] ?? ''])];
  const children: ChildProcess[] = [];
  const stopAll = (signal: NodeJS.Signals): void => {
    for (const child of children) child.kill(signal);
  };
  // A terminal sends SIGINT to the whole group: each child gets its own, and two would end it at once.
  const wait = (): void => undefined;
  process.on('SIGTERM', stopAll);
  process.on('SIGINT', wait);
  try {
    const ends = Array.from({ length: count }, (_, index) => {
      const port = observe.port === 0 ? 0 : observe.port + index;
      const env = { ...process.env, FARHAND_KAFKA_WORKER_ID: `${name}-${index}`, FARHAND_OBSERVE_PORT: String(port) };
      const child = fork(LAUNCHER, args, { env, stdio: 'inherit', execArgv });
      children.push(child);
      return ended(child).then((status) => {
        if (status !== 0) stopAll('SIGTERM');
        return status;
      });
    });
    const statuses = await Promise.all(ends);
    return statuses.find((status) => status !== 0) ?? 0;
  } finally {
    process.off('SIGTERM', stopAll);
    process.off('SIGINT', wait);
  }
}

function ended(child: ChildProcess): Promise<number> {
  return new Promise((resolve) => {
    child.once('error', () => resolve(1));
    child.once('exit', (code) => resolve(code ?? 1));
  });
}
