/**
 * When V8 collects its whole heap. By itself it does so for every 64 MB that buffers have grown by, however large the heap is: a task with
 * hundreds of megabytes of state, whose fetched and written batches are buffers, spent a third of its CPU on that. With the flag that is
 * set here buffers count towards the limit that the heap has anyway, so that the work grows with what is allocated and not with what is held.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';

const MIB = 1024 * 1024;
/**
 * The limit for heap and buffers together is twice that of the heap, and more garbage waits below it. A process that has been given less than this is
 * left as it is: what it holds matters more there.
 */
const HEAP_BYTES_MIN = 1536 * MIB;
/** Of the young generation, which the limit of a running process has in it: three semi-spaces of 32 MiB (tools/embedded), and something over. */
const YOUNG_BYTES_MAX = 128 * MIB;

/** Of this process, from now on. */
export function countBuffersAsHeap(heapBytesMax = getHeapStatistics().heap_size_limit): void {
  if (heapBytesMax >= HEAP_BYTES_MIN) setFlagsFromString('--external-memory-accounted-in-global-limit');
}

/** What the machine or the container gives, bytes. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
}

/**
 * For each of `count` processes that have the memory to themselves: three eighths of its part for the heap, and so three quarters for heap and buffers; half of a small part, as
 * Node would have it for one process, where buffers are not counted. Nothing where the operator has said how much.
 */
export function heapOptions(count: number, given: readonly string[], memory = memoryBytes()): string[] {
  if (given.some((option) => /max[-_]old[-_]space[-_]size/.test(option))) return [];
  const part = memory / count;
  const heap = Math.max((part * 3) / 8, Math.min(part / 2, HEAP_BYTES_MIN - YOUNG_BYTES_MAX));
  return [`--max-old-space-size=${Math.floor(heap / MIB)}`];
}
