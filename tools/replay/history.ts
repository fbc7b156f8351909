/** A history as the run reads it: batches of records, and a position from which a later process reads on. */
import type { HistoryPath } from './discover.ts';
import { HistoryFile, type FilePosition } from './history-file.ts';
import { mergeHistory } from './merge.ts';
import type { SourceRecord } from './source.ts';

const BATCH_RECORDS_MAX = 4096;

export interface History {
  /** Bytes, or 0 where nobody knows. */
  readonly bytes: number;
  /** How much of it was read, 0 to 1. */
  readonly share: number;
  /** Plain data, valid between two batches. */
  readonly positions: unknown;
  goOnAt(positions: unknown): void;
  batches(signal: AbortSignal): AsyncGenerator<SourceRecord[], void, undefined>;
}

export class FileHistory implements History {
  readonly bytes: number;
  readonly #files: readonly HistoryFile[];

  constructor(paths: readonly HistoryPath[], recordBytesMax: number) {
    this.#files = paths.map((path, order) => new HistoryFile(path, order, recordBytesMax, paths.length));
    this.bytes = paths.reduce((sum, path) => sum + path.bytes, 0);
  }

  get share(): number {
    return this.#files.reduce((sum, file) => sum + file.bytesRead, 0) / Math.max(1, this.bytes);
  }

  get positions(): unknown {
    return this.#files.map(({ position }) => position);
  }

  goOnAt(positions: unknown): void {
    for (const [i, position] of (positions as FilePosition[]).entries()) this.#files[i]!.goOnAt(position);
  }

  batches(signal: AbortSignal): AsyncGenerator<SourceRecord[], void, undefined> {
    return mergeHistory(this.#files, BATCH_RECORDS_MAX, signal);
  }
}
