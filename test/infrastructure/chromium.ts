/**
 * The browser of the report's tests: CHROMIUM if it is set, else a Chromium or Chrome on the PATH. Where there is none, the
 * tests say so loudly and are left out; with CI=true that is a failure (`.ci/run` installs the Debian package).
 */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export function findChromium(): string | null {
  const named = process.env['CHROMIUM'];
  const candidates = named ? [named] : NAMES.flatMap((name) => (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, name)));
  const found = candidates.find(isExecutable) ?? null;
  if (found !== null) return found;
  const what = 'no Chromium found: the report is NOT tested in a browser (install the package chromium, or set CHROMIUM to one)';
  if (process.env['CI'] === 'true') throw new Error(what);
  console.warn(`\n*** ${what} ***\n`);
  return null;
}
