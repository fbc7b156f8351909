/** What `npm run evaluate` can be asked. */
import { integerOption, parseOptions, usageError } from '../command.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import { ALL_HONEST, ALL_PILOTED, type CaseOptions } from './cases/fleet.ts';
import { HONEST_PARTS, type HonestCase, type PilotedCase } from './cases/kinds.ts';
import type { WorkerSetup } from './shard-worker.ts';
import { type Part, PARTS } from './split.ts';

export const NAME = 'evaluate';
const SOURCES = ['recorded', 'simulated'] as const;
/** Working days of each person whose honest days are counted against the promise. */
const PROMISE_DAYS = 20;
export const PROMISE_SESSION_DAYS = 100_000;
/** People of one shard of the promise: a small company. */
const PROMISE_SHARD = 125;
/** A quarter of the days falls into two logins, and some sessions go on over midnight UTC; measured: 1.48. */
const SESSIONS_PER_DAY = 1.45;

export const HELP = `Usage: npm run evaluate -- [options]

Builds sessions out of measured typing and round trips, honest and piloted, over several days a person, runs them through
ingest, enrich and detect, and prints what was found per kind against the goals, beside simple rules.

  --quick            fewer people and lighter sessions: about a minute of one core
  --kinds A,B        only these piloted or honest kinds (plain people are always there)
  --explain KIND     what was held, session by session, where KIND was missed or falsely found
  --ablation         the same with each signal left out
  --promise          honest people only: the measured rate of false findings against the promised one
  --session-days N   how many of them at least (default ${PROMISE_SESSION_DAYS})
  --write-docs       cases, without coupling, ablation and promise, then docs/evaluation.md, its pictures and README's part;
                     --reuse DIR keeps what each stage measured in DIR and takes what is there already
  --source S         ${SOURCES.join(' or ')} (default recorded): sessions of measured data, or of the simulator, which takes
                     --honest, --piloted, --days and --seed alone
  --part P           ${PARTS.join(', ')} (default test): halves by person, place and path; tune on dev, judge on test
  --honest N         people of each honest kind (default 60; quick 16)
  --piloted N        people of each piloted kind and mode (default 40; quick 12)
  --plain N          plain people on top (default 240; quick 60)
  --shards N         tenants that the people are spread over (default 12; quick 4)
  --days N           working days of honest people (default 5; quick 4); days of the simulator (default 1)
  --light            sessions with less typing and fewer connection samples (always with --quick; --promise has even lighter ones)
  --uncoupled        legs change latencies and no interval between presses: what is found without the coupling of the two
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
  ablation: { type: 'boolean' },
  promise: { type: 'boolean' },
  'session-days': { type: 'string' },
  'write-docs': { type: 'boolean' },
  reuse: { type: 'string' },
  source: { type: 'string' },
  part: { type: 'string' },
  honest: { type: 'string' },
  piloted: { type: 'string' },
  plain: { type: 'string' },
  shards: { type: 'string' },
  days: { type: 'string' },
  light: { type: 'boolean' },
  uncoupled: { type: 'boolean' },
  workers: { type: 'string' },
  seed: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  json: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** What says how sessions are built of measured data; the simulator builds its own. */
const RECORDED_ONLY = ['quick', 'kinds', 'ablation', 'promise', 'session-days', 'write-docs', 'reuse', 'part', 'plain', 'shards', 'light', 'uncoupled', 'workers', 'data'] as const;

type Values = ReturnType<typeof parseOptions<typeof OPTIONS>>['values'];

export interface Settings {
  values: Values;
  simulated: boolean;
  setup: WorkerSetup & { workers: number };
}

export function readSettings(args: string[]): Settings {
  const { values } = parseOptions(NAME, args, OPTIONS);
  const source = choice('source', values.source, SOURCES, 'recorded');
  const foreign = source === 'simulated' ? RECORDED_ONLY.find((name) => values[name] !== undefined) : undefined;
  if (foreign !== undefined) throw usageError(NAME, `--${foreign} says nothing with --source simulated: allowed there are --honest, --piloted, --days, --seed, --config, --json and --explain`);
  const part: Part = choice('part', values.part, PARTS, 'test');
  if (source === 'recorded' && values.help !== true && !measuredDataPresent(values.data)) throw usageError(NAME, `the measured data is not at ${values.data ?? MEASURED_DIR}`);
  const workers = integerOption(NAME, 'workers', values.workers, { fallback: 2, least: 1, most: 64 });
  return { values, simulated: source === 'simulated', setup: { workers, part, data: values.data, configFile: values.config ?? null } };
}

function choice<T extends string>(name: string, value: string | undefined, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!(allowed as readonly string[]).includes(value)) throw usageError(NAME, `--${name} is '${value}': allowed is ${allowed.join(', ')}`);
  return value as T;
}

function kindsOf(text: string | undefined): { honest: readonly HonestCase[]; piloted: readonly PilotedCase[] } {
  if (text === undefined) return { honest: ALL_HONEST, piloted: ALL_PILOTED };
  const names = text.split(',').map((name) => name.trim());
  const known: readonly string[] = [...ALL_PILOTED, ...ALL_HONEST];
  for (const name of names) if (!known.includes(name)) throw usageError(NAME, `--kinds: there is no kind '${name}': allowed is ${known.join(', ')}`);
  return { honest: ALL_HONEST.filter((kind) => kind === 'plain' || names.includes(kind)), piloted: ALL_PILOTED.filter((kind) => names.includes(kind)) };
}

export function integerOf(values: Values, name: 'honest' | 'piloted' | 'plain' | 'shards' | 'days' | 'seed' | 'session-days', fallback: number, least = 0): number {
  return integerOption(NAME, name, values[name], { fallback, least, most: 10_000_000 });
}

/** One entry per shard; what is not asked for is as large as `quick` or the whole evaluation wants it. */
export function casesOf(values: Values): CaseOptions[] {
  const quick = values.quick === true;
  const shards = integerOf(values, 'shards', quick ? 4 : 12, 1);
  const kinds = kindsOf(values.kinds);
  const perKind = integerOf(values, 'honest', quick ? 16 : 60);
  // Without plain people on top nobody's peers would be ordinary.
  const plain = integerOf(values, 'plain', quick ? 60 : 240);
  const shared = {
    seed: integerOf(values, 'seed', 1),
    shards,
    honest: Object.fromEntries(kinds.honest.map((kind) => [kind, perKind + (kind === 'plain' ? plain : 0)])),
    pilotedPerKind: integerOf(values, 'piloted', quick ? 12 : 40),
    honestDays: integerOf(values, 'days', quick ? 4 : 5, 1),
    effort: quick || values.light === true ? ('light' as const) : ('whole' as const),
    pilotedKinds: kinds.piloted,
    uncoupled: values.uncoupled === true,
  };
  return Array.from({ length: shards }, (_, shard) => ({ ...shared, shard }));
}

/** Honest people in the shares of an ordinary company, for at least so many session-days. */
export function promiseCasesOf(values: Values): CaseOptions[] {
  const days = integerOf(values, 'days', PROMISE_DAYS, 1);
  const people = Math.ceil(integerOf(values, 'session-days', PROMISE_SESSION_DAYS, 1) / days / SESSIONS_PER_DAY);
  const kinds = kindsOf(values.kinds).honest;
  const parts = kinds.reduce((sum, kind) => sum + HONEST_PARTS[kind], 0);
  const honest = Object.fromEntries(kinds.map((kind) => [kind, Math.ceil((people * HONEST_PARTS[kind]) / parts)]));
  const shards = integerOf(values, 'shards', Math.max(1, Math.round(people / PROMISE_SHARD)), 1);
  const shared = { seed: integerOf(values, 'seed', 1), shards, honest, pilotedPerKind: 0, honestDays: days, effort: 'sparse' as const, pilotedKinds: [] };
  return Array.from({ length: shards }, (_, shard) => ({ ...shared, shard }));
}
