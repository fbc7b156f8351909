/**
 * Vitest's global set-up of every project: what its tests put into the system's temporary directory goes into a directory of the
 * run's own, which is removed at the end. One run makes a thousand directories.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Shared {
  users: number;
  readonly directory: string;
  readonly before: string | undefined;
}

/** Each project has its own copy of this module; the directory is shared through the process. */
const holder = globalThis as { farhandTestScratch?: Shared };

function make(): Shared {
  const shared: Shared = { users: 0, directory: mkdtempSync(join(tmpdir(), 'farhand-tests-')), before: process.env['TMPDIR'] };
  process.env['TMPDIR'] = shared.directory; // the processes of the tests inherit it
  return shared;
}

export default function setup(): () => void {
  const shared = (holder.farhandTestScratch ??= make());
  shared.users++;
  return () => {
    if (--shared.users > 0) return;
    delete holder.farhandTestScratch;
    if (shared.before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = shared.before;
    rmSync(shared.directory, { recursive: true, force: true, maxRetries: 3 });
  };
}
