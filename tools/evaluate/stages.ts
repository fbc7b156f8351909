/** The stages of the evaluation, each of which measures one thing and says it as plain data. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet } from '../simulate/fleet.ts';
import { ablationOf, type AblationRow } from './ablation.ts';
import { casesOf, integerOf, promiseCasesOf, type Settings } from './options.ts';
import type { SessionOutcome } from './outcome.ts';
import { runShards } from './pool.ts';
import { revision } from './revision.ts';
import { runFleet } from './run.ts';
import type { ShardAnswer, ShardTask } from './shard-worker.ts';
import { falseFindings, type FalseFindings, sumOf } from './summary.ts';
import type { SessionVerdict } from './verdicts.ts';

export interface CasesResult {
  events: number;
  rejected: number;
  duplicates: number;
  sessions: SessionOutcome[];
  /** Empty without ablation. */
  ablation: AblationRow[];
  revision: string;
}

const ABLATION = { honest: '3', piloted: '2', plain: '10', shards: '1', days: '3', light: true } as const;

const progress = (what: string) => (_answer: ShardAnswer, done: number, of: number): void => {
  if (process.stderr.isTTY) process.stderr.write(`\r${what}: ${done} of ${of} tenants${done === of ? '\n' : ''}`);
};

function joined(answers: readonly ShardAnswer[]): CasesResult {
  const total = (of: (answer: ShardAnswer) => number): number => answers.reduce((sum, answer) => sum + of(answer), 0);
  const sessions = answers.flatMap((answer) => answer.sessions);
  const variants: Record<string, SessionVerdict[]> = {};
  for (const answer of answers) for (const [name, verdicts] of Object.entries(answer.variants)) (variants[name] ??= []).push(...verdicts);
  const ablation = Object.keys(variants).length === 0 ? [] : ablationOf(sessions, variants);
  return { events: total(({ events }) => events), rejected: total(({ rejected }) => rejected), duplicates: total(({ duplicates }) => duplicates), sessions, ablation, revision: revision() };
}

/** Honest and piloted people of measured data. */
export async function measureCases({ values, setup }: Settings, ablation: boolean): Promise<CasesResult> {
  const tasks: ShardTask[] = casesOf(values).map((cases) => ({ cases, rules: true, ablation }));
  return joined(await runShards(tasks, { ...setup, onShard: progress('cases') }));
}

/** Detection runs once for each signal, so the page's ablation is of fewer people. */
export async function measureAblation({ values, setup }: Settings): Promise<CasesResult> {
  const tasks: ShardTask[] = casesOf({ ...values, ...ABLATION }).map((cases) => ({ cases, rules: false, ablation: true }));
  return joined(await runShards(tasks, { ...setup, onShard: progress('ablation') }));
}

const PROXIES = 'proxy-15-25,proxy-25-40,proxy-40-80,proxy-80';

/** The proxies alone, with legs that change latencies and no interval between presses. */
export async function measureUncoupled({ values, setup }: Settings): Promise<CasesResult> {
  const tasks: ShardTask[] = casesOf({ ...values, uncoupled: true, honest: '0', kinds: PROXIES }).map((cases) => ({ cases, rules: false, ablation: false }));
  return joined(await runShards(tasks, { ...setup, onShard: progress('uncoupled') }));
}

export async function measureSimulated({ values, setup }: Settings): Promise<CasesResult> {
  const piloted = integerOf(values, 'piloted', 100);
  const fleet = simulateFleet({ workstations: integerOf(values, 'honest', 300) + piloted, piloted, seed: integerOf(values, 'seed', 1), days: integerOf(values, 'days', 1, 1) });
  const { events, rejected, duplicates, sessions } = await runFleet(fleet, { config: loadEmbeddedConfig(setup.configFile) });
  return { events, rejected, duplicates, sessions, ablation: [], revision: revision() };
}

export interface PromiseResult {
  events: number;
  people: number;
  /** False findings of MEDIUM and above per 1,000 honest session-days that the configuration tolerates. */
  promisedPer1000: number;
  kinds: FalseFindings[];
  all: FalseFindings;
  /** Of the sources, by tenant. */
  revisions: string[];
}

/** The rate that the operator of the pipeline asked for. */
const promised = (configFile: string | null): number => loadEmbeddedConfig(configFile).detect.fusion.toleratedPer1000;

/** What one tenant adds to the promise. */
interface PromiseShard {
  events: number;
  people: number;
  kinds: FalseFindings[];
  revision: string;
}

function promiseShard({ events, sessions }: Pick<ShardAnswer, 'events' | 'sessions'>, measured: string): PromiseShard {
  const kinds = [...Map.groupBy(sessions, (session) => session.kind)].map(([kind, own]) => falseFindings(kind, own));
  return { events, people: new Set(sessions.map(({ userId }) => userId)).size, kinds, revision: measured };
}

/** Honest people only, many days: what the promise is worth. With `reuse`, tenants that were counted before are not run again. */
export async function measurePromise({ values, setup }: Settings): Promise<PromiseResult & { sessions: SessionOutcome[] }> {
  const { reuse } = values;
  const fileOf = (shard: number): string => `${reuse}/promise-${String(shard).padStart(3, '0')}.json`;
  const done: PromiseShard[] = [];
  const tasks: ShardTask[] = [];
  for (const cases of promiseCasesOf(values)) {
    if (reuse !== undefined && existsSync(fileOf(cases.shard))) done.push(JSON.parse(readFileSync(fileOf(cases.shard), 'utf8')) as PromiseShard);
    else tasks.push({ cases, rules: false, ablation: false });
  }
  if (reuse !== undefined) mkdirSync(reuse, { recursive: true });
  const told = progress('promise');
  const measured = revision();
  const onShard = (answer: ShardAnswer, count: number, of: number): void => {
    const shard = promiseShard(answer, measured);
    done.push(shard);
    if (reuse !== undefined) writeFileSync(fileOf(answer.shard), JSON.stringify(shard));
    told(answer, count, of);
  };
  const answers = await runShards(tasks, { ...setup, onShard });
  const rows = done.flatMap((shard) => shard.kinds);
  const kinds = [...Map.groupBy(rows, ({ kind }) => kind)].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([kind, own]) => sumOf(kind, own));
  const total = (of: (shard: PromiseShard) => number): number => done.reduce((sum, shard) => sum + of(shard), 0);
  return { events: total(({ events }) => events), people: total(({ people }) => people), promisedPer1000: promised(setup.configFile), kinds, all: sumOf('all honest', kinds), revisions: [...new Set(done.map((shard) => shard.revision))], sessions: answers.flatMap(({ sessions }) => sessions) };
}
