/** The table of subcommands. Modules are loaded when they are asked for, so that none slows or breaks the others. */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Command, CommandContext } from './command.ts';

interface Entry {
  readonly name: string;
  readonly summary: string;
  /** The module exports `command`, or `main(args)` for the workers. */
  readonly load: () => Promise<CommandModule>;
}

interface CommandModule {
  command?: Command;
  main?: (args: string[]) => Promise<number>;
}

const ENTRIES: readonly Entry[] = [
  { name: 'embedded', summary: 'the whole pipeline in one process, on a simulated fleet (= npm start)', load: () => import('./embedded/command.ts') },
  { name: 'replay', summary: 'findings out of recorded history files', load: () => import('./replay/command.ts') },
  { name: 'feedback', summary: 'settings proposed by the verdicts of analysts', load: () => import('./tuning/feedback-command.ts') },
  { name: 'simulate', summary: 'a seeded fleet as files or onto Kafka, with labels', load: () => import('./simulate/command.ts') },
  { name: 'ingest', summary: 'Kafka worker: decode, validate, pseudonymise, de-duplicate, key', load: () => import('../services/ingest/main.ts') },
  { name: 'enrich', summary: 'Kafka worker: place, network, route and reference data', load: () => import('../services/enrich/main.ts') },
  { name: 'detect', summary: 'Kafka worker: signals, evidence and findings', load: () => import('../services/detect/main.ts') },
  { name: 'risk', summary: 'Kafka worker: the present risk of sessions and devices, for policy points', load: () => import('../services/risk/main.ts') },
  { name: 'topics', summary: 'creates and checks the topics', load: () => import('./topics/command.ts') },
  { name: 'dead-letter', summary: 'what was rejected: list, inspect, re-drive; set a poison record aside', load: () => import('./dead-letter/command.ts') },
  { name: 'tail', summary: 'findings, dead letters or SIEM records as they arrive, as NDJSON', load: () => import('./tail/command.ts') },
  { name: 'siem', summary: 'findings in the forms of a SIEM: OCSF, ECS, CEF', load: () => import('./siem/command.ts') },
  { name: 'metrics', summary: 'prints the reference of the metrics and of the log events', load: () => import('./metrics/command.ts') },
  { name: 'erase', summary: 'removes a person from state, changelogs and Redis, with a report', load: () => import('./erase/command.ts') },
  { name: 'reidentify', summary: 'which candidate a pseudonym stands for, with a line in the access log', load: () => import('./erase/reidentify.ts') },
  { name: 'config', summary: 'prints the effective configuration and its reference', load: () => import('./config/command.ts') },
];

const ALIASES: Readonly<Record<string, string>> = { start: 'embedded' };

function overview(): string {
  const width = Math.max(...ENTRIES.map((entry) => entry.name.length));
  const lines = ENTRIES.map((entry) => `  ${entry.name.padEnd(width)}  ${entry.summary}`);
  return `Farhand finds workstations driven by someone who is not where they claim to be.

Usage: farhand <command> [options]

${lines.join('\n')}

farhand <command> --help says more. Exit status: 0 finished, 1 failed, 2 usage or configuration.
`;
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ERR_MODULE_NOT_FOUND';
}

async function load(entry: Entry): Promise<Command> {
  let module: CommandModule;
  try {
    module = await entry.load();
  } catch (error) {
    if (!isMissing(error)) throw error;
    const why = (error as Error).message.split('\n')[0];
    throw new FarhandError('FARHAND_INVARIANT', `'${entry.name}' is not in this build: ${why}`, { cause: error });
  }
  if (module.command !== undefined) return module.command;
  const main = module.main;
  if (main === undefined) throw new FarhandError('FARHAND_INVARIANT', `'${entry.name}' has neither a command nor a main`);
  const help = `Usage: farhand ${entry.name} [--config FILE]\n\n${entry.summary}.\nThe settings and their environment variables: farhand config --reference`;
  return { name: entry.name, summary: entry.summary, help, run: (args) => main(args) };
}

/** Runs `work` with a signal that the first SIGINT or SIGTERM aborts; the second ends the process at once. */
async function interruptible(work: (context: CommandContext) => Promise<number>): Promise<number> {
  const controller = new AbortController();
  let status = 0;
  const stop = (name: 'SIGINT' | 'SIGTERM') => {
    if (status !== 0) process.exit(status);
    status = name === 'SIGINT' ? 130 : 143;
    controller.abort(new Error(`interrupted by ${name}`));
  };
  const onInt = () => stop('SIGINT');
  const onTerm = () => stop('SIGTERM');
  process.on('SIGINT', onInt);
  process.on('SIGTERM', onTerm);
  try {
    const answered = await work({ signal: controller.signal });
    return status === 0 ? answered : status;
  } catch (error) {
    if (!controller.signal.aborted) throw error;
    process.stderr.write('farhand: interrupted\n');
    return status;
  } finally {
    process.off('SIGINT', onInt);
    process.off('SIGTERM', onTerm);
  }
}

function report(error: unknown): number {
  if (error instanceof FarhandError) {
    process.stderr.write(`farhand: ${error.code}: ${error.message}\n`);
    return error.exitStatus;
  }
  process.stderr.write(`farhand: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

/** The whole command line; answers the exit status and never throws. */
export async function runCommandLine(args: string[]): Promise<number> {
  // A reader that goes away (`farhand … | head`) is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
  const [first, ...rest] = args;
  try {
    if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
      process.stdout.write(overview());
      return first === undefined ? 2 : 0;
    }
    const name = Object.hasOwn(ALIASES, first) ? ALIASES[first] : first;
    const entry = ENTRIES.find((candidate) => candidate.name === name);
    if (entry === undefined) {
      const kind = first.startsWith('-') ? 'option' : 'command';
      throw new FarhandError('FARHAND_USAGE', `unknown ${kind} '${first}' (see: farhand --help)`);
    }
    const command = await load(entry);
    if (rest.includes('--help') || rest.includes('-h')) {
      process.stdout.write(`${command.help}\n`);
      return 0;
    }
    const { interruptible: may } = command;
    if (typeof may === 'function' ? may(rest) : may) return await interruptible((context) => command.run(rest, context));
    return await command.run(rest, { signal: new AbortController().signal });
  } catch (error) {
    return report(error);
  }
}
