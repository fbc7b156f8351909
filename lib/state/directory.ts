/** Checkpoints as files of a directory on a local disk: written beside the old one, synced, and renamed over it. */
import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { CheckpointDisk } from './disk.ts';

const CHUNK_BYTES = 1024 * 1024;
const PARTIAL = '.partial';

/** Only the worker's own user may read them: they tell when and how people work. */
const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;

/**
 * Makes the directory and clears it of what crashes of this worker left half-written. Files that nobody has replaced for
 * `ageMsMax` are of no use to anybody; they are removed here and before every new one, so that what was forgotten or
 * erased does not outlive it on a disk. Throws FARHAND_CONFIG_INVALID where the directory cannot be written to.
 */
export async function openCheckpointDirectory(directory: string, worker: string, nowMs: () => number, ageMsMax: number): Promise<CheckpointDisk> {
  const mine = `.${Buffer.from(worker).toString('hex')}`;
  const sweep = async (isLeft: (name: string) => boolean): Promise<void> => {
    for (const name of await readdir(directory)) {
      const file = join(directory, name);
      // Another worker on the same disk may have replaced or removed it in the meantime.
      const old = await stat(file).then(({ mtimeMs }) => nowMs() - mtimeMs > ageMsMax, () => false);
      if (old || isLeft(name)) await rm(file, { force: true });
    }
  };
  try {
    await mkdir(directory, { recursive: true, mode: DIRECTORY_MODE });
    await sweep((name) => name.endsWith(PARTIAL) && name.includes(`${mine}.`));
  } catch (error) {
    throw new FarhandError('FARHAND_CONFIG_INVALID', `state.directory is ${JSON.stringify(directory)}: ${(error as Error).message}`, { cause: error });
  }
  let files = 0;
  return {
    async read(name) {
      try {
        const handle = await open(join(directory, name), 'r');
        return handle.createReadStream({ highWaterMark: CHUNK_BYTES }) as AsyncIterable<Uint8Array>;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
        throw error;
      }
    },
    async create(name) {
      await sweep(() => false);
      const partial = join(directory, `${name}${mine}.${files++}${PARTIAL}`);
      const handle = await open(partial, 'w', FILE_MODE);
      return {
        write: (bytes) => handle.writeFile(bytes),
        async publish() {
          await handle.sync();
          await handle.close();
          await rename(partial, join(directory, name));
          // The rename itself is on disk once its directory is.
          const parent = await open(directory, 'r');
          try {
            await parent.sync();
          } finally {
            await parent.close();
          }
        },
        async discard() {
          await handle.close().catch(() => undefined);
          await rm(partial, { force: true });
        },
      };
    },
  };
}
