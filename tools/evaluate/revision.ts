/** Which sources were measured. */
import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What is measured: a later commit to anything else changes no figure. */
const PRODUCT = ['services', 'lib', 'schemas', 'tools/embedded', 'tools/simulate'];

/** Short commit that last changed the product; `unknown` outside of a repository. */
export function revision(): string {
  try {
    return execFileSync('git', ['log', '-1', '--format=%h', '--', ...PRODUCT], { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
