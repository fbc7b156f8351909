/**
 * The files of a replay. They are written under temporary names and renamed together when the run has finished, so
 * that a run which fails leaves the results of the one before. Nothing else in the directory is touched.
 */
import { closeSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';

const OUTPUT_NAMES = [
  'suspicious-sessions.ndjson',
  'siem-findings.ndjson',
  'dead-letter.ndjson',
  'summary.json',
  'evaluation.json',
  'report.html',
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

  #flush(): void {
    const bytes = Buffer.from(this.#text.join(''), 'utf8');
    this.#text = [];
    this.#characters = 0;
    for (let at = 0; at < bytes.length; ) at += writeSync(this.#handle, bytes, at);
  }
}

export class ReplayOutputs {
  readonly directory: string;
  readonly #files = new Map<OutputName, OutputFile>();

  /** Makes the directory where it is missing; throws FARHAND_USAGE where it cannot be one. */
  constructor(directory: string) {
    this.directory = directory;
    const stat = statSync(directory, { throwIfNoEntry: false });
    if (stat !== undefined && !stat.isDirectory()) throw new FarhandError('FARHAND_USAGE', `--out ${directory} is not a directory`);
    try {
      mkdirSync(directory, { recursive: true });
    } catch (error) {
      throw new FarhandError('FARHAND_USAGE', `--out ${directory} cannot be made: ${(error as Error).message}`, { cause: error });
    }
  }

  write(name: OutputName, text: string): void {
    let file = this.#files.get(name);
    if (file === undefined) {
      file = new OutputFile(join(this.directory, `.${name}.partial`));
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
      file.close();
      rmSync(file.path, { force: true });
    }
    this.#files.clear();
  }
}
