/** A thread that repeats detection: one message per pass over the stream, one answer each. */
import { parentPort, workerData } from 'node:worker_threads';
import { assert, FarhandError, type ErrorCode } from '#lib/kernel/errors.ts';
import { runPoints, type PointAnswer, type PointJob, type Truth } from './point-run.ts';

export interface PassRequest {
  readonly stream: string;
  readonly jobs: readonly PointJob[];
}

export type PassMessage =
  | { readonly kind: 'progress'; readonly events: number }
  | { readonly kind: 'answers'; readonly answers: readonly PointAnswer[] }
  | { readonly kind: 'failed'; readonly code: ErrorCode; readonly message: string };

/** Progress is told about every this many events. */
const PROGRESS_EVENTS = 50_000;

const port = parentPort;
assert(port !== null, 'point-worker.ts runs in a worker thread');
const truth = workerData as Truth | null;

function answer({ stream, jobs }: PassRequest): PassMessage {
  let untold = 0;
  try {
    const answers = runPoints(stream, jobs, truth, (events) => {
      untold += events;
      if (untold < PROGRESS_EVENTS) return;
      port!.postMessage({ kind: 'progress', events: untold } satisfies PassMessage);
      untold = 0;
    });
    return { kind: 'answers', answers };
  } catch (error) {
    // A class does not survive the way between threads.
    if (error instanceof FarhandError) return { kind: 'failed', code: error.code, message: error.message };
    throw error;
  }
}

port.on('message', (request: PassRequest) => port.postMessage(answer(request)));
