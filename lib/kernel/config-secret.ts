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

/**
 * A secret that may be rotated while the process runs: every call reads `file` again (connections ask when they are made).
 * The first reading is at once and throws FARHAND_CONFIG_INVALID; a later one that fails, as a file that is just being
 * replaced may, answers what was read last. Null where neither `value` nor `file` is given.
 */
export function liveSecret(value: string | null, file: string | null, name: string): (() => string) | null {
  let last = readSecret(value, file, name);
  if (last === null) return null;
  return () => {
    try {
      last = readSecret(value, file, name) ?? last;
    } catch {
      // The connection that asked may fail with the old one, and asks again.
    }
    return last!;
  };
}

/** `liveSecret` of the files of a TLS section, as properties that are read anew whenever options are copied from them. */
export function liveTls(
  tls: { readonly caFile: string | null; readonly certFile: string | null; readonly keyFile: string | null },
  section: string,
): { readonly ca?: string; readonly cert?: string; readonly key?: string } {
  const options = {};
  for (const part of ['ca', 'cert', 'key'] as const) {
    const get = liveSecret(null, tls[`${part}File`], `${section}.${part}File`);
    if (get !== null) Object.defineProperty(options, part, { enumerable: true, get });
  }
  return options;
}
