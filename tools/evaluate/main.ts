/** `npm run evaluate`: how well findings hold on real typing and real round trips, beside simple rules. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import { integerOption, parseOptions, usageError } from '../command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { ALL_HONEST, ALL_PILOTED, type CaseOptions } from './cases/fleet.ts';
import { explain } from './explain.ts';
import type { SessionOutcome } from './outcome.ts';
import { runShards } from './pool.ts';
import { runFleet } from './run.ts';
import { type Part, PARTS } from './split.ts';
import { reportOf, textOf } from './table.ts';

const NAME = 'evaluate';
const SOURCES = ['recorded', 'simulated'] as const;

const HELP = `Usage: npm run evaluate -- [options]

Builds sessions out of measured typing and round trips, honest and piloted, over several days a person, runs them through
ingest, enrich and detect, and prints what was found per kind against the goals, beside simple rules.

  --quick            fewer people and lighter sessions: about a minute of one core
  --kinds A,B        only these piloted or honest kinds (plain people are always there)
  --explain KIND     what was held, session by session, where KIND was missed or falsely found
  --source S         ${SOURCES.join(' or ')} (default recorded): sessions of measured data, or of the simulator
  --part P           ${PARTS.join(', ')} (default test): halves by person, place and path; tune on dev, judge on test
  --honest N         people of each honest kind (default 60; quick 16)
  --piloted N        people of each piloted kind and mode (default 40; quick 12)
  --plain N          plain people on top (default 240; quick 60)
  --shards N         tenants that the people are spread over (default 12; quick 4)
  --days N           working days of honest people (default 5; quick 4); days of the simulator (default 1)
  --workers N        threads (default 2)
  --seed N           default 1
  --data DIR         folder of the measured data (default: ../shared/data beside the repository)
  --config FILE      configuration of the pipeline
  --json FILE        the figures and the outcome of every session as JSON

Kinds: ${[...ALL_PILOTED, ...ALL_HONEST].join(', ')}.`;

const OPTIONS = {
  quick: { type: 'boolean' },
  kinds: { type: 'string' },
  explain: { type: 'string' },
  source: { type: 'string' },
  part: { type: 'string' },
  honest: { type: 'string' },
  piloted: { type: 'string' },
  plain: { type: 'string' },
  shards: { type: 'string' },
  days: { type: 'string' },
  workers: { type: 'string' },
  seed: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const;

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

function choice<T extends string>(name: string, value: string | undefined, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!(allowed as readonly string[]).includes(value)) throw usageError(NAME, `--${name} is '${value}': allowed is ${allowed.join(', ')}`);
  return value as T;
}

function kindsOf(text: string | undefined): Pick<CaseOptions, 'honestKinds' | 'pilotedKinds'> {
  if (text === undefined) return { honestKinds: ALL_HONEST, pilotedKinds: ALL_PILOTED };
  const names = text.split(',').map((name) => name.trim());
  for (const name of names) {
    if (!(ALL_HONEST as string[]).includes(name) && !(ALL_PILOTED as string[]).includes(name)) throw usageError(NAME, `--kinds: there is no kind '${name}': allowed is ${[...ALL_PILOTED, ...ALL_HONEST].join(', ')}`);
  }
  return { honestKinds: ALL_HONEST.filter((kind) => kind === 'plain' || names.includes(kind)), pilotedKinds: ALL_PILOTED.filter((kind) => names.includes(kind)) };
}

function shardsOf(values: Values): CaseOptions[] {
  const quick = values.quick === true;
  const integer = (name: 'honest' | 'piloted' | 'plain' | 'shards' | 'days' | 'seed', fallback: number, least: number): number =>
    integerOption(NAME, name, values[name], { fallback, least, most: 1_000_000 });
  const shards = integer('shards', quick ? 4 : 12, 1);
  const shared = {
    seed: integer('seed', 1, 0),
    shards,
    honestPerKind: integer('honest', quick ? 16 : 60, 0),
    pilotedPerKind: integer('piloted', quick ? 12 : 40, 0),
    plain: integer('plain', quick ? 60 : 240, 0),
    honestDays: integer('days', quick ? 4 : 5, 1),
    light: quick,
    ...kindsOf(values.kinds),
  };
  return Array.from({ length: shards }, (_, shard) => ({ ...shared, shard }));
}

interface Run {
  events: number;
  rejected: number;
  duplicates: number;
  sessions: SessionOutcome[];
}

async function runRecorded(values: Values, part: Part): Promise<Run> {
  if (!measuredDataPresent(values.data)) throw usageError(NAME, `the measured data is not at ${values.data ?? MEASURED_DIR}`);
  const workers = integerOption(NAME, 'workers', values.workers, { fallback: 2, least: 1, most: 64 });
  const answers = await runShards(shardsOf(values), { workers, part, data: values.data, configFile: values.config ?? null });
  const total = (of: (answer: Run) => number): number => answers.reduce((sum, answer) => sum + of(answer), 0);
  return { events: total(({ events }) => events), rejected: total(({ rejected }) => rejected), duplicates: total(({ duplicates }) => duplicates), sessions: answers.flatMap(({ sessions }) => sessions) };
}

async function runSimulated(values: Values): Promise<Run> {
  const integer = (name: 'honest' | 'piloted' | 'seed' | 'days', fallback: number): number => integerOption(NAME, name, values[name], { fallback, least: 0, most: 1_000_000 });
  const piloted = integer('piloted', 100);
  const fleet = simulateFleet({ workstations: integer('honest', 300) + piloted, piloted, seed: integer('seed', 1), days: Math.max(1, integer('days', 1)) });
  return runFleet(fleet, { config: loadEmbeddedConfig(values.config ?? null) });
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions(NAME, args, OPTIONS);
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const source = choice('source', values.source, SOURCES, 'recorded');
  const part: Part = choice('part', values.part, PARTS, 'test');
  const started = systemClock.monotonicMs();
  const result = await (source === 'recorded' ? runRecorded(values, part) : runSimulated(values));
  const seconds = (systemClock.monotonicMs() - started) / 1000;
  const { user, system } = process.cpuUsage();
  const { sessions, events, rejected, duplicates } = result;
  console.log(`${source}${source === 'recorded' ? `, ${part} half` : ''}: ${sessions.length} sessions, ${events} events (${rejected} rejected, ${duplicates} repeats), ${seconds.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} CPU s\n`);
  console.log(textOf(sessions));
  if (values.explain !== undefined) console.log(`\n${explain(values.explain, sessions)}`);
  if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ source, part, report: reportOf(sessions), sessions }, null, 1)}\n`);
  return 0;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await run(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof FarhandError)) throw error;
    // The option reader names a subcommand of farhand, which this is not.
    const message = error.message.replace(`farhand ${NAME} --help`, `npm run ${NAME} -- --help`);
    console.error(`${NAME}: ${error.code}: ${message}`);
    process.exitCode = error.exitStatus;
  }
}
