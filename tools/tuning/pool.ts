/** Threads over which the points of a run are spread. What comes out does not depend on how many there are. */
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { PointAnswer, PointJob, Truth } from './point-run.ts';
import type { PassMessage, PassRequest } from './point-worker.ts';

/** Configurations that one thread runs in one pass over the stream: each holds the state of the whole fleet. */
const POINTS_PER_PASS_MAX = 4;
const THREADS_MAX = 64;

interface Thread {
  readonly worker: Worker;
  readonly ended: Promise<never>;
}

export class PointPool {
  readonly #truth: Truth | null;
  readonly #threadsMax: number;
  readonly #signal: AbortSignal;
  readonly #onEvents: (events: number) => void;
  readonly #threads: Thread[] = [];

  /** @param threads null: one per core */
  constructor(truth: Truth | null, threads: number | null, signal: AbortSignal, onEvents: (events: number) => void) {
    this.#truth = truth;
    this.#threadsMax = Math.min(THREADS_MAX, threads ?? availableParallelism());
    this.#signal = signal;
    this.#onEvents = onEvents;
  }

  /** Answers in the order of the jobs. */
  async run(stream: string, jobs: readonly PointJob[]): Promise<PointAnswer[]> {
    const perPass = Math.min(POINTS_PER_PASS_MAX, Math.max(1, Math.ceil(jobs.length / this.#threadsMax)));
    const passes: PassRequest[] = [];
    for (let at = 0; at < jobs.length; at += perPass) passes.push({ stream, jobs: jobs.slice(at, at + perPass) });
    const answers = new Map<number, PointAnswer>();
    const wanted = Math.min(this.#threadsMax, passes.length);
    while (this.#threads.length < wanted) this.#threads.push(this.#start());
    await Promise.all(
      this.#threads.slice(0, wanted).map(async (thread) => {
        for (let pass = passes.shift(); pass !== undefined; pass = passes.shift()) {
          for (const answer of await this.#pass(thread, pass)) answers.set(answer.id, answer);
        }
      }),
    );
    return jobs.map(({ id }) => answers.get(id)!);
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map(({ worker }) => worker.terminate()));
  }

  #start(): Thread {
    const worker = new Worker(new URL('./point-worker.ts', import.meta.url), { workerData: this.#truth });
    // Rejects with the thread's own error where it has one.
    const ended = once(worker, 'exit').then(([status]): never => {
      throw new Error(`a thread of the sweep ended by itself (status ${String(status)})`);
    });
    ended.catch(() => undefined);
    return { worker, ended };
  }

  async #pass({ worker, ended }: Thread, pass: PassRequest): Promise<readonly PointAnswer[]> {
    this.#signal.throwIfAborted();
    let onAbort = () => {};
    const aborted = new Promise<never>((_, reject) => {
      onAbort = () => reject(this.#signal.reason as Error);
      this.#signal.addEventListener('abort', onAbort, { once: true });
    });
    let onMessage = (_message: PassMessage) => {};
    const answered = new Promise<readonly PointAnswer[]>((resolve, reject) => {
      onMessage = (message) => {
        if (message.kind === 'progress') this.#onEvents(message.events);
        else if (message.kind === 'failed') reject(new FarhandError(message.code, message.message));
        else resolve(message.answers);
      };
      worker.on('message', onMessage);
    });
    try {
      worker.postMessage(pass);
      return await Promise.race([answered, ended, aborted]);
    } finally {
      worker.off('message', onMessage);
      this.#signal.removeEventListener('abort', onAbort);
    }
  }
}
