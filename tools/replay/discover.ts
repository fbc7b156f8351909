/** Which files a history consists of: named files and pipes, and directories read recursively in name order. */
import { closeSync, existsSync, openSync, readdirSync, readSync, realpathSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isAvroContainer } from '#lib/codec/container-read.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { compressionOf } from './compression.ts';
import { isParquet } from './parquet-rows.ts';

/** Deeper nesting is a loop of links. */
const DEPTH_MAX = 32;
const FILES_MAX = 100_000;
const KNOWN_NAME = /\.(?:ndjson|jsonl|json|avro|parquet)(?:\.(?:gz|zst|zstd))?$/i;
const LABELS_NAME = /^labels\.(?:ndjson|jsonl)(?:\.(?:gz|zst|zstd))?$/i;

export interface HistoryPath {
  readonly path: string;
  /** What dead letters and messages call it: relative to the directory it was found in, so that runs compare. */
  readonly label: string;
  /** Infinity for a pipe: nobody knows how much is to come, and it can be read once. */
  readonly bytes: number;
}

/** The path that stands for the standard input. */
export const STANDARD_INPUT = '-';

export function isPipe({ bytes }: Pick<HistoryPath, 'bytes'>): boolean {
  return bytes === Number.POSITIVE_INFINITY;
}

export interface Discovery {
  readonly files: readonly HistoryPath[];
  /** Files of the directories that are no histories, and labels. */
  readonly skipped: readonly string[];
}

/** The first bytes tell a history from a README: compressed, an Avro container, or an object per line. */
function looksLikeHistory(path: string): boolean {
  const head = Buffer.alloc(64);
  const file = openSync(path, 'r');
  try {
    const length = readSync(file, head, 0, head.length, 0);
    const bytes = head.subarray(0, length);
    return compressionOf(bytes) !== 'none' || isAvroContainer(bytes) || isParquet(bytes) || /^(?:\u00ef\u00bb\u00bf)?\s*\{/.test(bytes.toString('latin1'));
  } finally {
    closeSync(file);
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}

class Walk {
  readonly files: HistoryPath[] = [];
  readonly skipped: string[] = [];
  readonly #excluded: ReadonlySet<string>;

  constructor(excluded: ReadonlySet<string>) {
    this.#excluded = excluded;
  }

  directory(path: string, prefix: string, depth: number): void {
    if (depth > DEPTH_MAX) throw unreadable(path, `more than ${DEPTH_MAX} directories deep`);
    for (const { name } of readdirSync(path, { withFileTypes: true }).toSorted(byName)) {
      const child = join(path, name);
      const label = prefix === '' ? name : `${prefix}/${name}`;
      const stat = statSync(child, { throwIfNoEntry: false });
      if (stat === undefined || name.startsWith('.') || this.#excluded.has(realpathSync(child))) continue;
      if (stat.isDirectory()) this.directory(child, label, depth + 1);
      else if (!stat.isFile()) continue;
      else if (LABELS_NAME.test(name) || !(KNOWN_NAME.test(name) || looksLikeHistory(child))) this.skipped.push(label);
      else this.add(child, label, stat.size);
    }
  }

  add(path: string, label: string, bytes: number): void {
    if (this.files.length >= FILES_MAX) throw unreadable(path, `more than ${FILES_MAX} files`);
    this.files.push({ path, label, bytes });
  }
}

function unreadable(path: string, what: string, cause?: unknown): FarhandError {
  return new FarhandError('FARHAND_HISTORY_UNREADABLE', `${path}: ${what}`, { cause });
}

/**
 * @param inputs files, pipes and directories, in the order of the command line
 * @param excluded files and directories that are left out where a directory holds them (the labels, the output)
 */
export function discoverHistory(inputs: readonly string[], excluded: readonly string[]): Discovery {
  const real = new Set<string>();
  for (const path of excluded) if (existsSync(path)) real.add(realpathSync(path));
  const walk = new Walk(real);
  for (const input of inputs) {
    if (input === STANDARD_INPUT) {
      if (walk.files.some(({ path }) => path === input)) throw new FarhandError('FARHAND_USAGE', `--history ${input}: the standard input is there once`);
      walk.add(input, 'standard input', Number.POSITIVE_INFINITY);
      continue;
    }
    const stat = statSync(input, { throwIfNoEntry: false });
    if (stat === undefined) throw new FarhandError('FARHAND_USAGE', `--history ${input}: there is no such file or directory`);
    try {
      if (stat.isDirectory()) walk.directory(input, inputs.length > 1 ? basename(input) : '', 0);
      else walk.add(input, inputs.length > 1 ? input : basename(input), stat.isFIFO() ? Number.POSITIVE_INFINITY : stat.size);
    } catch (error) {
      if (error instanceof FarhandError) throw error;
      throw unreadable(input, (error as Error).message, error);
    }
  }
  return walk;
}
