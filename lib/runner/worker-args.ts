/** The options of the worker commands. */
import { parseArgs } from 'node:util';
import { FarhandError } from '#lib/kernel/errors.ts';

export interface WorkerArguments {
  /** The YAML file of --config; null: FARHAND_CONFIG, else none. */
  readonly config: string | null;
}

/** Throws FARHAND_USAGE (exit status 2) for anything but `--config FILE`. */
export function parseWorkerArguments(service: string, args: string[]): WorkerArguments {
  try {
    const { values } = parseArgs({ args, options: { config: { type: 'string' } }, strict: true });
    return { config: values.config ?? null };
  } catch (error) {
    const why = (error as Error).message.split('. To specify')[0];
    throw new FarhandError('FARHAND_USAGE', `${why} (see: farhand ${service} --help)`, { cause: error });
  }
}
