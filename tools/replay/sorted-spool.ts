/**
 * Sorts more than memory holds: what is added waits in memory up to a bound, then goes to the disk as a sorted run; in
 * the end the runs are merged. Order is total by the caller's `compare`, so it does not depend on the order of adding.
 */
import { closeSync, createReadStream, fsyncSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { LineSplitter, type Line } from './lines.ts';

/** Characters that wait in memory. */
const HELD_CHARACTERS_MAX = 32 * 1024 * 1024;
/** Runs that are read at a time; more are joined first. */
const RUNS_OPEN_MAX = 128;
const WRITE_CHARACTERS = 256 * 1024;
const LINE_BYTES_MAX = 64 * 1024 * 1024;

export interface SpoolOptions<T> {
  /** Where the runs are written; made where it is missing. */
  readonly directory: string;
  readonly name: string;
  readonly compare: (a: T, b: T) => number;
  /** About how much room an item takes. */
  readonly characters: (item: T) => number;
  readonly heldCharactersMax?: number;
}

/** `T` is what JSON can hold. */
export class SortedSpool<T> {
  readonly #options: SpoolOptions<T>;
  readonly #most: number;
  #held: T[] = [];
  #characters = 0;
  #runs: string[] = [];
  #written = 0;

  constructor(options: SpoolOptions<T>) {
    this.#options = options;
    this.#most = options.heldCharactersMax ?? HELD_CHARACTERS_MAX;
  }

  add(item: T): void {
    this.#held.push(item);
    this.#characters += this.#options.characters(item);
    if (this.#characters >= this.#most) this.spill();
  }

  /** Writes what is held as a run. */
  spill(): void {
    if (this.#held.length === 0) return;
    this.#held.sort(this.#options.compare);
    const path = this.#newRun();
    const writer = new RunWriter(path);
    for (const item of this.#held) writer.write(item);
    writer.close();
    this.#runs.push(path);
    this.#held = [];
    this.#characters = 0;
  }

  /** Everything in order. May be asked again, and added to afterwards. */
  async *sorted(): AsyncGenerator<T, void, undefined> {
    while (this.#runs.length > RUNS_OPEN_MAX) await this.#joinRuns();
    this.#held.sort(this.#options.compare);
    yield* mergeRuns([...this.#runs.map((run) => readRun<T>(run)), this.#held[Symbol.iterator]()], this.#options.compare);
  }

  /** The files that hold what was spilled. */
  get runs(): readonly string[] {
    return this.#runs;
  }

  /** Before anything was added: goes on with the runs of an earlier process. */
  goOnWith(runs: readonly string[]): void {
    this.#runs = [...runs];
    for (const run of runs) this.#written = Math.max(this.#written, Number(run.slice(run.lastIndexOf('-') + 1)));
  }

  async #joinRuns(): Promise<void> {
    const some = this.#runs.slice(0, RUNS_OPEN_MAX);
    const path = this.#newRun();
    const writer = new RunWriter(path);
    for await (const item of mergeRuns(some.map((run) => readRun<T>(run)), this.#options.compare)) writer.write(item);
    writer.close();
    this.#runs = [path, ...this.#runs.slice(RUNS_OPEN_MAX)];
    for (const run of some) if (run.startsWith(this.#options.directory)) rmSync(run, { force: true }); // others' files stay
  }

  #newRun(): string {
    const { directory, name } = this.#options;
    mkdirSync(directory, { recursive: true });
    return join(directory, `${name}-${++this.#written}`);
  }
}

/** Writes items that are in order already as a run of their own. */
export async function writeRun(path: string, items: AsyncIterable<unknown>): Promise<void> {
  const writer = new RunWriter(path);
  for await (const item of items) writer.write(item);
  writer.close();
}

class RunWriter {
  readonly #handle: number;
  #text: string[] = [];
  #characters = 0;

  constructor(path: string) {
    this.#handle = openSync(path, 'w');
  }

  write(item: unknown): void {
    const line = `${JSON.stringify(item)}\n`;
    this.#text.push(line);
    this.#characters += line.length;
    if (this.#characters >= WRITE_CHARACTERS) this.#flush();
  }

  close(): void {
    try {
      this.#flush();
      fsyncSync(this.#handle);
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

async function* readRun<T>(path: string): AsyncGenerator<T, void, undefined> {
  const splitter = new LineSplitter(LINE_BYTES_MAX);
  for await (const chunk of createReadStream(path)) {
    const lines: Line[] = [];
    splitter.push(chunk as Buffer, lines);
    for (const { bytes } of lines) yield JSON.parse(bytes.toString('utf8')) as T;
  }
}

/** Ties go to the earlier run: `compare` is total, so what ties is equal. */
async function* mergeRuns<T>(runs: (AsyncIterator<T> | Iterator<T>)[], compare: (a: T, b: T) => number): AsyncGenerator<T, void, undefined> {
  const heads: { run: AsyncIterator<T> | Iterator<T>; item: T }[] = [];
  for (const run of runs) {
    const next = await run.next();
    if (next.done !== true) heads.push({ run, item: next.value });
  }
  while (heads.length > 0) {
    let least = 0;
    for (let i = 1; i < heads.length; i++) if (compare(heads[i]!.item, heads[least]!.item) < 0) least = i;
    const head = heads[least]!;
    yield head.item;
    const next = await head.run.next();
    if (next.done === true) heads.splice(least, 1);
    else head.item = next.value;
  }
}
