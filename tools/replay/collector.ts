/**
 * How garbage is collected in a replay. Nothing here bounds a heap: a larger fleet has more alive and gets more.
 *
 * Left alone, a heap may grow to four times what was alive at its last full collection where there is much memory, and a
 * replay has as many heaps as workers and one more. And each young collection spreads over threads of the whole process,
 * which only get in each other's way where every core has a worker of its own.
 */
import { setFlagsFromString } from 'node:v8';

/** A full collection is due when a heap has grown by so much since the last one, percent of what that left. */
const GROWING_PERCENT = 100;

/** For all threads of the process, best before they begin. */
export function collectForReplay(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWING_PERCENT}`);
  setFlagsFromString('--no-parallel-scavenge');
}
