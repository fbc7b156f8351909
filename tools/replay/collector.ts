/**
 * How garbage is collected in a replay. Nothing here ends a worker: a larger fleet has more alive and gets more.
 *
 * Left alone, a heap may grow to four times what was alive at its last full collection where there is much memory, and a
 * replay has as many heaps as workers and one more. That is the quickest, so it is bounded only once the process is large.
 */
import { setFlagsFromString } from 'node:v8';

/** Resident memory from which heaps are bounded, bytes. */
const LARGE_BYTES = 1024 * 1024 * 1024;
/** From then on a full collection is due when a heap has grown by so much since the last one, percent of what that left. */
const GROWING_PERCENT = 100;

let bounded = false;

/** For all threads of the process, at their next full collection. */
export function boundLargeHeaps(): void {
  if (bounded || process.memoryUsage.rss() < LARGE_BYTES) return;
  bounded = true;
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
}

/** Young collections stay on their own thread: where every core has a worker, helpers from all threads only get in each other's way. */
export function collectAlone(): void {
  setFlagsFromString('--no-parallel-scavenge');
}
