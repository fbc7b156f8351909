/** What every subcommand of `farhand` is, and how it reads its options. */
import { parseArgs, type ParseArgsConfig } from 'node:util';
import { FarhandError } from '#lib/kernel/errors.ts';

export interface CommandContext {
  /** Aborted by the first SIGINT or SIGTERM of a command that is `interruptible`. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly name: string;
  /** One line, for the table of `farhand --help`. */
  readonly summary: string;
  /** The whole text of `farhand <name> --help`, without a line break at its end. */
  readonly help: string;
  /**
   * True where `run` ends in good order when its signal aborts (a second SIGINT ends the process at once); may depend
   * on the arguments. Others keep the default of Node, or handle signals on their own as the workers do.
   */
  readonly interruptible?: boolean | ((args: readonly string[]) => boolean);
  /** Answers the exit status: 0 finished, 1 failed, 2 usage. A FarhandError becomes one line and its own status. */
  run(args: string[], context: CommandContext): Promise<number>;
}

type Parsed<T extends NonNullable<ParseArgsConfig['options']>> = ReturnType<
  typeof parseArgs<{ options: T; allowPositionals: true; strict: true; args: string[] }>
>;

/**
 * Reads the options of a command. An unknown option, a missing value or an unwanted positional throws FARHAND_USAGE
 * (exit status 2) with a pointer to the command's help.
 */
export function parseOptions<const T extends NonNullable<ParseArgsConfig['options']>>(
  command: string,
  args: string[],
  options: T,
  positionals: 'allowed' | 'refused' = 'refused',
): Parsed<T> {
  let parsed: Parsed<T>;
  try {
    parsed = parseArgs({ args, options, allowPositionals: true, strict: true });
  } catch (error) {
    throw usageError(command, (error as Error).message.replaceAll('\n', ' ').split('. To specify')[0] ?? '');
  }
  const stray = (parsed.positionals as string[])[0];
  if (positionals === 'refused' && stray !== undefined) throw usageError(command, `unexpected argument '${stray}'`);
  return parsed;
}

export function usageError(command: string, problem: string): FarhandError {
  return new FarhandError('FARHAND_USAGE', `${problem} (see: farhand ${command} --help)`);
}

/** An integer option within [least, most]; `fallback` where it is not given. */
export function integerOption(
  command: string,
  name: string,
  text: string | undefined,
  bounds: { fallback: number; least: number; most: number },
): number {
  if (text === undefined) return bounds.fallback;
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < bounds.least || value > bounds.most) {
    throw usageError(command, `--${name} is '${text}': allowed is an integer from ${bounds.least} to ${bounds.most}`);
  }
  return value;
}
