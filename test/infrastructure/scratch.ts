/**
 * Vitest's global set-up of every project: what its tests put into the system's temporary directory goes into a directory of the
 * run's own, which is removed at the end. One run makes a thousand directories.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { share } from './shared.ts';

interface Scratch {
  readonly directory: string;
  /** What the environment said before. */
  readonly before: string | undefined;
}

function make(): Scratch {
  const scratch = { directory: mkdtempSync(join(tmpdir(), 'farhand-tests-')), before: process.env['TMPDIR'] };
  process.env['TMPDIR'] = scratch.directory; // the processes of the tests inherit it
  return scratch;
}

export default function setup(): () => void {
  const { value: { directory, before }, leave } = share('scratch', make);
  return () => {
    if (!leave()) return;
    if (before === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = before;
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 });
  };
}
