/**
 * What a replay needs to go on after it was stopped or killed: states of the lanes, positions in the sources, what was
 * found so far. A checkpoint counts from the moment its manifest is renamed into place; the one before stays until then.
 */
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readFileSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { basename, join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { BarrierState } from '../../services/detect/fleet/barrier.ts';
import type { HostResult } from './host-contract.ts';
import type { Share } from './lanes.ts';

/** 2: what people had reported since the last barrier is part of it, and the exchange between them lies in parts. */
const FORMAT = 2;
const MANIFEST = 'checkpoint.json';
const RESULTS = 'results.bin';

/** What must be the same for a later process to go on. Named as the user knows it. */
export interface Settings {
  readonly '--history': string;
  readonly '--labels': string;
  readonly configuration: string;
  readonly '--shard': string;
  readonly '--keep-enriched': string;
  readonly '--from/--to': string;
}

export interface Manifest {
  readonly format: number;
  readonly settings: Settings;
  readonly number: number;
  /** Records that were read. */
  readonly serial: number;
  /** As the source knows it. */
  readonly positions: unknown;
  readonly barrier: BarrierState;
  readonly found: readonly string[];
  readonly letters: readonly string[];
  readonly referenceBytes: number;
  readonly enrichedBytes: Readonly<Record<number, number>>;
}

export function shareName({ index, of }: Share): string {
  return `${index}/${of}`;
}

function writeWhole(path: string, bytes: Uint8Array): void {
  const handle = openSync(path, 'w');
  try {
    for (let at = 0; at < bytes.length; ) at += writeSync(handle, bytes, at);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

export class Checkpoints {
  /** Holds everything of an unfinished run. */
  readonly directory: string;
  #number = 0;

  constructor(directory: string) {
    this.directory = directory;
  }

  get runs(): string {
    return join(this.directory, 'runs');
  }

  get enriched(): string {
    return join(this.directory, 'enriched');
  }

  get referenceLog(): string {
    return join(this.directory, 'reference.ndjson');
  }

  states(number: number): string {
    return join(this.directory, `state-${number}`);
  }

  clear(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** Null where there is none. Throws FARHAND_USAGE where it was made with other settings. Takes away what lies behind it. */
  read(settings: Settings): Manifest | null {
    const path = join(this.directory, MANIFEST);
    if (!existsSync(path)) return null;
    const manifest = JSON.parse(readFileSync(path, 'utf8')) as Manifest;
    if (manifest.format !== FORMAT) throw new FarhandError('FARHAND_USAGE', `--resume: ${path} is of another release; replay without --resume`);
    for (const [name, value] of Object.entries(settings)) {
      const before = manifest.settings[name as keyof Settings];
      if (before !== value) throw new FarhandError('FARHAND_USAGE', `--resume: ${name} was ${before} and is ${value}; give the same, or replay without --resume`);
    }
    this.#number = manifest.number;
    const kept = new Set([...manifest.found, ...manifest.letters]);
    if (existsSync(this.runs)) for (const name of readdirSync(this.runs)) if (!kept.has(name)) rmSync(join(this.runs, name));
    return manifest;
  }

  results(number: number): HostResult[] {
    return deserialize(readFileSync(join(this.states(number), RESULTS))) as HostResult[];
  }

  /** Makes the directory of the next checkpoint; answers its number. */
  begin(): number {
    const number = this.#number + 1;
    rmSync(this.states(number), { recursive: true, force: true });
    mkdirSync(this.states(number), { recursive: true });
    return number;
  }

  commit(manifest: Omit<Manifest, 'format'>, results: readonly HostResult[]): void {
    const { number } = manifest;
    writeWhole(join(this.states(number), RESULTS), serialize(results));
    const text = JSON.stringify({ format: FORMAT, ...manifest, found: manifest.found.map((run) => basename(run)), letters: manifest.letters.map((run) => basename(run)) }, null, 2);
    const path = join(this.directory, MANIFEST);
    writeWhole(`${path}.next`, Buffer.from(text));
    renameSync(`${path}.next`, path);
    if (this.#number > 0) rmSync(this.states(this.#number), { recursive: true, force: true });
    this.#number = number;
  }
}
