/** The commands of docs/tuning.md, as they are printed; two tests run them, each its kind of blocks. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PAGE = readFileSync(new URL('../../docs/tuning.md', import.meta.url), 'utf8');

/** `sh` needs nothing, `bash` a broker. */
export const blocksOf = (language: 'sh' | 'bash'): string[] => [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\`$`, 'gms'))].map(([, block]) => block!);

/** Throws where there is nothing to replace: then the page says something else than its test runs. */
export function replaced(script: string, from: string, to: string): string {
  if (!script.includes(from)) throw new Error(`docs/tuning.md has no '${from}' in: ${script}`);
  return script.replaceAll(from, to);
}
