/** Spreads shards over worker threads. */
import { Worker } from 'node:worker_threads';
import type { ShardAnswer, ShardTask, WorkerSetup } from './shard-worker.ts';

export interface PoolOptions extends WorkerSetup {
  workers: number;
  onShard?: (answer: ShardAnswer, done: number, of: number) => void;
}

/** Outcomes by shard, in the order of the shards. Rejects with the first failure and ends every thread. */
export async function runShards(shards: readonly ShardTask[], { workers, onShard, ...setup }: PoolOptions): Promise<ShardAnswer[]> {
  const answers: ShardAnswer[] = [];
  let next = 0;
  const threads = Array.from({ length: Math.min(workers, shards.length) }, () => new Worker(new URL('./shard-worker.ts', import.meta.url), { workerData: setup, resourceLimits: { maxYoungGenerationSizeMb: 128 } }));
  const runOne = (thread: Worker): Promise<void> =>
    new Promise((resolve, reject) => {
      const give = (): void => {
        const shard = shards[next++];
        thread.postMessage(shard ?? null);
        if (shard === undefined) resolve();
      };
      thread.on('message', (answer: ShardAnswer) => {
        answers.push(answer);
        onShard?.(answer, answers.length, shards.length);
        give();
      });
      thread.on('error', reject);
      give();
    });
  try {
    await Promise.all(threads.map(runOne));
  } finally {
    await Promise.all(threads.map((thread) => thread.terminate()));
  }
  return answers.sort((a, b) => a.shard - b.shard);
}
