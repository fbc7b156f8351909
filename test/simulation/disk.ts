/**
 * The disk of one machine: what a process has published stays when it crashes, and what it was writing does not. It may
 * be slow, hang, fail, lose everything, and give back what it should not.
 */
import { Prng } from '#lib/kernel/prng.ts';
import type { CheckpointDisk, CheckpointFile } from '#lib/state/disk.ts';
import type { SimulatedProcess } from './process.ts';

/** Versions of a file that a restored backup can come from. */
const VERSIONS_MAX = 4;
const READ_BYTES = 700;

export class SimulatedDisk {
  readonly #prng: Prng;
  /** Published versions by name, oldest first. */
  #files = new Map<string, Buffer[]>();
  weather: 'fine' | 'fails' | 'hangs' = 'fine';
  #calm = Promise.withResolvers<void>();

  constructor(seed: number) {
    this.#prng = new Prng(seed, 'disk');
  }

  /** The disk as one process sees it. */
  mount(process: SimulatedProcess): CheckpointDisk {
    return {
      read: async (name) => {
        await this.#operation(process);
        const bytes = this.#files.get(name)?.at(-1);
        return bytes === undefined ? null : this.#pieces(bytes, process);
      },
      create: async (name) => {
        await this.#operation(process);
        return this.#file(name, process);
      },
    };
  }

  async *#pieces(bytes: Buffer, process: SimulatedProcess): AsyncGenerator<Uint8Array, void, undefined> {
    for (let at = 0; at < bytes.length; at += READ_BYTES) {
      await this.#operation(process);
      yield bytes.subarray(at, at + READ_BYTES);
    }
  }

  #file(name: string, process: SimulatedProcess): CheckpointFile {
    const written: Buffer[] = [];
    return {
      write: async (bytes) => {
        await this.#operation(process);
        written.push(Buffer.from(bytes));
      },
      publish: async () => {
        await this.#operation(process);
        const versions = [...(this.#files.get(name) ?? []), Buffer.concat(written)];
        this.#files.set(name, versions.slice(-VERSIONS_MAX));
        await this.#operation(process);
      },
      discard: () => Promise.resolve(),
    };
  }

  async #operation(process: SimulatedProcess): Promise<void> {
    await process.clock.sleep(this.#prng.exponential(4));
    while (this.weather === 'hangs') await this.#calm.promise;
    await process.gate();
    if (this.weather === 'fails') throw new Error('EIO: input/output error');
  }

  clear(): void {
    this.weather = 'fine';
    this.#calm.resolve();
    this.#calm = Promise.withResolvers<void>();
  }

  /** Answers whether there was anything to lose. */
  lose(): boolean {
    const any = this.#files.size > 0;
    this.#files = new Map();
    return any;
  }

  /** One file cut off, or with one bit changed. */
  tear(): boolean {
    return this.#onFile((versions) => {
      const bytes = Buffer.from(versions.at(-1)!);
      const at = this.#prng.below(bytes.length);
      if (this.#prng.chance(0.5)) versions.push(bytes.subarray(0, at));
      else {
        bytes[at]! ^= 1 << this.#prng.below(8);
        versions.push(bytes);
      }
      return true;
    });
  }

  /** One file as it was some checkpoints ago. */
  putBack(): boolean {
    return this.#onFile((versions) => {
      if (versions.length < 2) return false;
      versions.push(versions[this.#prng.below(versions.length - 1)]!);
      return true;
    });
  }

  /** One file under the name of another task's. */
  confuse(): boolean {
    const names = [...this.#files.keys()];
    if (names.length < 2) return false;
    const at = this.#prng.below(names.length);
    const [from, to] = [names[at]!, names[(at + 1) % names.length]!];
    this.#files.get(to)!.push(this.#files.get(from)!.at(-1)!);
    return true;
  }

  #onFile(change: (versions: Buffer[]) => boolean): boolean {
    const files = [...this.#files.values()];
    return files.length > 0 && change(files[this.#prng.below(files.length)]!);
  }
}
