/** `npm run evaluate`: how well findings hold on real typing and real round trips, beside simple rules. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { FarhandError } from '#lib/kernel/errors.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { integerOption, parseOptions, usageError } from '../command.ts';
import { loadEmbeddedConfig } from '../embedded/pipeline.ts';
import { simulateFleet, type Fleet } from '../simulate/fleet.ts';
import { measuredDataPresent, MEASURED_DIR } from '../simulate/measured.ts';
import type { Label } from '../simulate/options.ts';
import { recordedFleet } from './recorded-fleet.ts';
import { evaluateFleet } from './run.ts';
import { type Part, PARTS } from './split.ts';
import { tableOf } from './table.ts';

const NAME = 'evaluate';
const SOURCES = ['recorded', 'simulated'] as const;

const HELP = `Usage: npm run evaluate -- [options]

Builds sessions out of measured typing and round trips, honest and piloted, runs them through ingest, enrich and detect
in one process, and prints what was found per kind, beside simple rules.

  --source S         ${SOURCES.join(' or ')} (default recorded): sessions of measured data, or of the simulator
  --part P           ${PARTS.join(', ')} (default test): halves by person and by place; tune on dev, judge on test
  --workstations N   default 400
  --piloted N        default 100
  --days N           default 1; more only of the simulator
  --seed N           default 1
  --data DIR         folder of the measured data (default: ../shared/data beside the repository)
  --config FILE      configuration of the pipeline
  --out FILE         the figures and every finding as JSON

Sessions share sentences: nobody typed a whole day for the data, so each person's sentences are typed again in another
order. Recorded movements of a path are laid over the measured base of another pair of places.`;

const OPTIONS = {
  source: { type: 'string' },
  part: { type: 'string' },
  workstations: { type: 'string' },
  piloted: { type: 'string' },
  days: { type: 'string' },
  seed: { type: 'string' },
  data: { type: 'string' },
  config: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean' },
} as const;

/** Legs of the simulated kinds in the bins of the issue's promise: 40 ms and more must be found. */
const binOf = ({ kind, remote, hiddenLegMs, foreignSource }: Label): string => {
  if (!remote) return kind;
  const leg = hiddenLegMs === 0 ? 'no leg' : hiddenLegMs < 40 ? 'leg < 40 ms' : 'leg ≥ 40 ms';
  return `${kind}, ${leg}${foreignSource ? ', foreign source' : ''}`;
};

function choice<T extends string>(name: string, value: string | undefined, allowed: readonly T[], fallback: T): T {
  if (value === undefined) return fallback;
  if (!(allowed as readonly string[]).includes(value)) throw usageError(NAME, `--${name} is '${value}': allowed is ${allowed.join(', ')}`);
  return value as T;
}

async function run(args: string[]): Promise<number> {
  const { values } = parseOptions(NAME, args, OPTIONS);
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const integer = (name: 'workstations' | 'piloted' | 'seed' | 'days', fallback: number): number =>
    integerOption(NAME, name, values[name], { fallback, least: 0, most: 1_000_000 });
  const source = choice('source', values.source, SOURCES, 'recorded');
  const part: Part = choice('part', values.part, PARTS, 'test');
  const data = values.data;
  if (source === 'recorded' && !measuredDataPresent(data)) throw usageError(NAME, `the measured data is not at ${data ?? MEASURED_DIR}`);
  const size = { workstations: integer('workstations', 400), piloted: integer('piloted', 100), seed: integer('seed', 1) };
  const fleet: Fleet = source === 'recorded' ? recordedFleet({ ...size, part, data }) : simulateFleet({ ...size, days: Math.max(1, integer('days', 1)) });
  const started = systemClock.monotonicMs();
  const result = await evaluateFleet(fleet, loadEmbeddedConfig(values.config ?? null), source === 'simulated' ? binOf : undefined);
  const seconds = (systemClock.monotonicMs() - started) / 1000;
  const { events, rejected, duplicates, findings } = result;
  console.log(`${source}${source === 'recorded' ? `, ${part} half` : ''}: ${size.workstations} workstations, ${events} events (${rejected} rejected, ${duplicates} repeats), ${findings} findings, ${seconds.toFixed(1)} s\n`);
  console.log(tableOf(result));
  if (values.out !== undefined) writeFileSync(values.out, `${JSON.stringify({ source, part, ...size, ...result }, null, 1)}\n`);
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
