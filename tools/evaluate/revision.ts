/** Which sources were measured. */
import { execFileSync } from 'node:child_process';

/** Short commit of the working tree; `unknown` outside of a repository. */
export function revision(): string {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return 'unknown';
  }
}
