/**
 * The files of a replay. They are written under temporary names and renamed together when the run has finished, so
 * that a run which fails leaves the results of the one before. Nothing else in the directory is touched.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync, type Stats } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';

const OUTPUT_NAMES = [
  'suspicious-sessions.ndjson',
  'siem-findings.ndjson',
  'dead-letter.ndjson',
  'summary.json',
  'evaluation.json',
  'report.html',
  'comparison.json',
  'comparison.ndjson',
  'sweep.json',
  'sweep.ndjson',
  'suggested.yaml',
  'ablation.json',
] as const;

export type OutputName = (typeof OUTPUT_NAMES)[number];

/** Text that waits in memory per file before it is written, characters. */
const BUFFERED_CHARACTERS_MAX = 256 * 1024;

class OutputFile {
  readonly path: string;
  readonly #handle: number;
  #text: string[] = [];
  #characters = 0;
  #open = true;

  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, 'w');
  }

  write(text: string): void {
    this.#text.push(text);
    this.#characters += text.length;
    if (this.#characters >= BUFFERED_CHARACTERS_MAX) this.#flush();
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    try {
      this.#flush();
    } finally {
      closeSync(this.#handle);
    }
  }

  /** Without what still waits: it may be a full disk that it is closed for. */
  abandon(): void {
    this.#text = [];
    this.close();
  }

  #flush(): void {
    const bytes = Buffer.from(this.#text.join(''), 'utf8');
    this.#text = [];
    this.#characters = 0;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // below a file, or behind a directory that may not be entered: making it says why
  }
}

/**
 * One directory at a time from the first one that is missing: mkdirSync with `recursive` never returns where the
 * parent exists and yet answers ENOENT, as /proc does.
 */
function makeDirectories(path: string): void {
  const missing: string[] = [];
  for (let at = path; statOf(at) === undefined && dirname(at) !== at; at = dirname(at)) missing.push(at);
  for (const each of missing.toReversed()) {
    try {
      mkdirSync(each);
    } catch (error) {
      // Made by somebody else meanwhile is as good.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || statOf(each)?.isDirectory() !== true) throw error;
    }
  }
}

export class ReplayOutputs {
  readonly directory: string;
  readonly #files = new Map<OutputName, OutputFile>();

  /** Makes the directory where it is missing; throws FARHAND_USAGE where it cannot be one. */
  constructor(directory: string) {
    this.directory = directory;
    if (statOf(directory)?.isDirectory() === false) throw new FarhandError('FARHAND_USAGE', `--out ${directory} is not a directory`);
    try {
      makeDirectories(resolve(directory));
    } catch (error) {
      throw new FarhandError('FARHAND_USAGE', `--out ${directory} cannot be made: ${(error as Error).message}`, { cause: error });
    }
  }

  write(name: OutputName, text: string): void {
    let file = this.#files.get(name);
    if (file === undefined) {
      const path = join(this.directory, `.${name}.partial`);
      try {
        file = new OutputFile(path);
      } catch (error) {
        throw new FarhandError('FARHAND_USAGE', `--out ${this.directory} cannot be written: ${(error as Error).message}`, { cause: error });
      }
      this.#files.set(name, file);
    }
    file.write(text);
  }

  /** Gives every file its name; results of an earlier run that this one did not write are removed. */
  publish(): void {
    for (const file of this.#files.values()) file.close();
    for (const name of OUTPUT_NAMES) {
      const file = this.#files.get(name);
      if (file === undefined) rmSync(join(this.directory, name), { force: true });
      else renameSync(file.path, join(this.directory, name));
    }
    this.#files.clear();
  }

  /** Takes back what was not published. */
  discard(): void {
    for (const file of this.#files.values()) {
      file.abandon();
      rmSync(file.path, { force: true });
    }
    this.#files.clear();
  }
}
