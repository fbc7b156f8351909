/** `farhand embedded`, which is `npm start`; with --kafka the same chain as a Kafka job. */
import { availableParallelism } from 'node:os';
import { systemClock } from '#lib/kernel/clock.ts';
import { integerOption, parseOptions, usageError, type Command } from '../command.ts';
import { runFleet, runHistory, type DemoOptions, type DemoResult } from './demo.ts';
import { loadEmbeddedConfig } from './pipeline.ts';
import { clampWidth, formatTable } from './table.ts';
import { SEVERITIES, type Found, type Score } from './verdicts.ts';

const DEFAULTS = { workstations: 300, piloted: 10, seed: 1, days: 1, partitions: 1 };

const help = `Usage: farhand embedded [options]

Runs the whole pipeline in this process (ingest, enrich, detect), without Kafka or Redis, and prints what it finds.
Without --history it simulates a fleet of workstations over a working day, some of them driven from elsewhere.

  --workstations N       size of the simulated fleet (default ${DEFAULTS.workstations})
  --piloted N            how many of them somebody else drives (default ${DEFAULTS.piloted})
  --days N               working days (default ${DEFAULTS.days})
  --seed N               another N is another fleet (default ${DEFAULTS.seed})
  --history DIR|FILE...  recorded history instead of a simulated fleet
  --config FILE          YAML; sections ingest, enrich and detect (default: the variable FARHAND_CONFIG)
  --partitions N         as many detect tasks, people spread over them as Kafka would (default ${DEFAULTS.partitions})
  --json                 one JSON document on stdout instead of the table
  --quiet                no progress

Usage: farhand embedded --kafka [--workers N] [--config FILE]

The whole pipeline as one Kafka job: telemetry in; findings and dead letters out; state, outputs and positions in one
transaction per task, no topics in between, no Redis. The telemetry has to be keyed by tenantId|userId. Runs until
SIGTERM or SIGINT. Metrics are served on observe.port, observe.port + 1, … (0: any free ones).

  --workers N            processes (default: the cores of this machine, here ${availableParallelism()})
  --config FILE          YAML; sections kafka, topics, registry, observe, ingest, enrich and detect`;

const OPTIONS = {
  workstations: { type: 'string' },
  piloted: { type: 'string' },
  days: { type: 'string' },
  seed: { type: 'string' },
  history: { type: 'string', multiple: true },
  config: { type: 'string' },
  partitions: { type: 'string' },
  json: { type: 'boolean', default: false },
  quiet: { type: 'boolean', default: false },
  kafka: { type: 'boolean', default: false },
  workers: { type: 'string' },
} as const;

const KAFKA_OPTIONS = { kafka: { type: 'boolean', default: false }, workers: { type: 'string' }, config: { type: 'string' } } as const;
const WORKERS_MAX = 256;

async function runKafka(args: string[]): Promise<number> {
  const { values } = parseOptions('embedded', args, KAFKA_OPTIONS);
  const workers = integerOption('embedded', 'workers', values.workers, { fallback: availableParallelism(), least: 1, most: WORKERS_MAX });
  const file = values.config ?? null;
  return workers === 1 ? await (await import('./kafka/worker.ts')).runChainedWorker(file) : await (await import('./kafka/processes.ts')).runProcesses(workers, file);
}

const isKafka = (args: readonly string[]): boolean => args.includes('--kafka');

const MEBIBYTE_IN_KB = 1024;
const number = (value: number) => value.toLocaleString('en');

interface Figures {
  readonly events: number;
  readonly rejected: number;
  readonly duplicates: number;
  readonly lateEvents: number;
  readonly findings: number;
  readonly wallSeconds: number;
  readonly eventsPerSecond: number;
  readonly peakRssMb: number;
}

function figuresOf({ counts, verdicts, wallSeconds }: DemoResult): Figures {
  return {
    events: counts.events,
    rejected: counts.rejected,
    duplicates: counts.duplicates,
    lateEvents: counts.lateEvents,
    findings: verdicts.count,
    wallSeconds: Math.round(wallSeconds * 10) / 10,
    eventsPerSecond: Math.round(counts.events / Math.max(0.001, wallSeconds)),
    peakRssMb: Math.round(process.resourceUsage().maxRSS / MEBIBYTE_IN_KB),
  };
}

function truthText(score: Score): string {
  const accused = SEVERITIES.map((severity) => `${score.accused[severity]} ${severity}`).join(', ');
  const missed = score.missed.length === 0 ? '' : ` Missed: ${score.missed.map(({ kind }) => kind).join(', ')}.`;
  return `Found ${score.pilotedFound} of ${score.piloted} piloted workstations.${missed}\nHonest sessions accused, of ${number(score.honestSessions)}: ${accused}.\n`;
}

const NEXT = `Try next:
  npm start -- --seed 2 --piloted 20            another fleet
  npm run simulate -- --out out/fleet           the fleet as files, with labels
  npm run replay -- --history out/fleet --labels out/fleet/labels.ndjson --out out/replay
                                                figures against the labels, and report.html
  npm run farhand -- --help                     the Kafka workers and the other commands
`;

function print(result: DemoResult): void {
  const { verdicts, about } = result;
  const labels = new Map(about?.labels.map((label) => [`${label.tenantId}|${label.sessionId}`, label]));
  const truth = ({ latest }: Found) => labels.get(`${latest.tenantId}|${latest.sessionId}`) ?? null;
  const out = process.stdout;
  const colour = out.isTTY === true && process.env['NO_COLOR'] === undefined;
  const found = verdicts.ranked();
  out.write(found.length === 0 ? 'No finding.\n' : formatTable(found, { width: clampWidth(out.columns), colour, truth }));
  out.write('\n');
  if (about !== null) out.write(truthText(verdicts.score(about.workstations, about.labels)));
  const figures = figuresOf(result);
  out.write(
    `${number(figures.events)} events (${number(figures.duplicates)} repeats, ${number(figures.rejected)} rejected) in ${figures.wallSeconds.toFixed(1)} s: ` +
      `${number(figures.eventsPerSecond)} events/s, peak ${number(figures.peakRssMb)} MB\n\n${NEXT}`,
  );
}

function printJson(result: DemoResult): void {
  const { verdicts, about } = result;
  const score = about === null ? null : verdicts.score(about.workstations, about.labels);
  process.stdout.write(`${JSON.stringify({ figures: figuresOf(result), score, findings: verdicts.ranked().map(({ strongest }) => strongest) }, null, 2)}\n`);
}

export const command: Command = {
  name: 'embedded',
  summary: 'the whole pipeline in one process, on a simulated fleet (= npm start)',
  help,
  interruptible: (args) => !isKafka(args),
  async run(args, { signal }) {
    if (isKafka(args)) return await runKafka(args);
    const { values, positionals } = parseOptions('embedded', args, OPTIONS, 'allowed');
    if (values.workers !== undefined) throw usageError('embedded', '--workers belongs to --kafka');
    if (values.history === undefined && positionals.length > 0) throw usageError('embedded', `unexpected argument '${positionals[0]}'`);
    const integer = (name: 'workstations' | 'piloted' | 'days' | 'seed' | 'partitions', least: number, most: number) =>
      integerOption('embedded', name, values[name], { fallback: DEFAULTS[name], least, most });
    const workstations = integer('workstations', 1, 100_000);
    const fallbackPiloted = Math.min(DEFAULTS.piloted, workstations);
    const piloted = integerOption('embedded', 'piloted', values.piloted, { fallback: fallbackPiloted, least: 0, most: workstations });
    const fleet = { workstations, piloted, days: integer('days', 1, 366), seed: integer('seed', 0, 0xffffffff) };
    const options: DemoOptions = {
      config: loadEmbeddedConfig(values.config ?? null),
      partitions: integer('partitions', 1, 1024),
      clock: systemClock,
      progress: process.stderr,
      showProgress: !values.quiet,
      signal,
    };
    if (values.history === undefined && !values.quiet) {
      process.stderr.write(`Simulating ${number(workstations)} workstations over ${fleet.days === 1 ? 'one working day' : `${fleet.days} working days`}, ${piloted} of them piloted…\n`);
    }
    const result = values.history === undefined ? await runFleet(fleet, options) : await runHistory([...values.history, ...positionals], options);
    if (values.json) printJson(result);
    else print(result);
    return 0;
  },
};
