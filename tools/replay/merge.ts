/**
 * Several history files as one stream: always the file whose head is the earliest in event time, ties by the order of
 * the files; never sorted inside a file. The result depends on the files alone, not on chunks, timing or batch size.
 */
import { isPipe } from './discover.ts';
import type { HistoryFile } from './history-file.ts';
import type { SourceRecord } from './source.ts';

/** Files that are open at a time; beyond it, the one whose turn is furthest away is closed and opened again later. */
const OPEN_FILES_MAX = 256;

/** A binary heap of files by (time of the head, order). */
class FileHeap {
  readonly #files: HistoryFile[] = [];

  get first(): HistoryFile | undefined {
    return this.#files[0];
  }

  get files(): readonly HistoryFile[] {
    return this.#files;
  }

  push(file: HistoryFile): void {
    const files = this.#files;
    let at = files.push(file) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!before(file, files[parent]!)) break;
      files[at] = files[parent]!;
      at = parent;
    }
    files[at] = file;
  }

  pop(): HistoryFile | undefined {
    const files = this.#files;
    const top = files[0];
    const last = files.pop();
    if (last === undefined || last === top) return top;
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= files.length) break;
      if (child + 1 < files.length && before(files[child + 1]!, files[child]!)) child++;
      if (!before(files[child]!, last)) break;
      files[at] = files[child]!;
      at = child;
    }
    files[at] = last;
    return top;
  }
}

function before(a: HistoryFile, b: HistoryFile): boolean {
  return a.headKey < b.headKey || (a.headKey === b.headKey && a.order < b.order);
}

function limitOpenFiles(files: readonly HistoryFile[]): void {
  let open = 0;
  let furthest: HistoryFile | null = null;
  for (const file of files) {
    if (!file.isOpen) continue;
    open++;
    if (isPipe(file.path)) continue;
    if (furthest === null || before(furthest, file)) furthest = file;
  }
  if (open >= OPEN_FILES_MAX) furthest?.suspend();
}

/** Batches of at most `batchRecordsMax` records, whose bytes are of use until the next batch is asked for. Closes the files when it ends, however it ends. */
export async function* mergeHistory(
  files: readonly HistoryFile[],
  batchRecordsMax: number,
  signal?: AbortSignal,
): AsyncGenerator<SourceRecord[], void, undefined> {
  const heap = new FileHeap();
  const crowded = files.length > OPEN_FILES_MAX;
  let batch: SourceRecord[] = [];
  /** Files that have read on since the last batch. */
  let readOn: HistoryFile[] = [];
  try {
    for (const file of files) {
      if (crowded) limitOpenFiles(heap.files);
      if (await file.prepare(signal)) heap.push(file);
    }
    for (let file = heap.pop(); file !== undefined; file = heap.pop()) {
      signal?.throwIfAborted();
      const rival = heap.first;
      if (crowded && !file.isOpen) limitOpenFiles(heap.files);
      if (!file.take(rival?.headKey ?? Number.POSITIVE_INFINITY, rival?.order ?? Number.POSITIVE_INFINITY, batch, batchRecordsMax)) {
        readOn.push(file);
        if (!(await file.prepare(signal))) continue;
      }
      heap.push(file);
      if (batch.length < batchRecordsMax) continue;
      yield batch;
      batch = [];
      for (const read of readOn) read.release();
      if (readOn.length > 0) readOn = [];
    }
    if (batch.length > 0) yield batch;
  } catch (error) {
    // What was taken before counts: whoever goes on later begins behind it.
    if (batch.length > 0) yield batch;
    throw error;
  } finally {
    for (const file of files) file.close();
  }
}
