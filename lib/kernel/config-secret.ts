/** Secrets may stand in the configuration, or, better, in a file that the configuration names. */
import { readFileSync } from 'node:fs';
import { FarhandError } from './errors.ts';

/**
 * The secret: `value`, or the content of `file` without the line break at its end; null where neither is given.
 * `name` is the dotted key of the file, for the message of FARHAND_CONFIG_INVALID when it cannot be read or is empty.
 */
export function readSecret(value: string | null, file: string | null, name: string): string | null {
  if (file === null) return value;
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new FarhandError('FARHAND_CONFIG_INVALID', `${name} is ${JSON.stringify(file)}: ${(error as Error).message}`, { cause: error });
  }
  if (text === '') throw new FarhandError('FARHAND_CONFIG_INVALID', `${name} is ${JSON.stringify(file)}: the file is empty`);
  return text;
}
