/** `npm run bench:replay`: what a replay reaches on this machine, beside its goals. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { systemClock } from '#lib/kernel/clock.ts';
import { loadEmbeddedConfig } from '../tools/embedded/pipeline.ts';
import { runReplay } from '../tools/replay/replay.ts';
import { writeHistory } from '../tools/simulate/files.ts';
import { simulateFleet } from '../tools/simulate/fleet.ts';
import { paceOf } from '../tools/simulate/pace.ts';
import { WORKING_DAYS_MAX, workingDays } from './repeated-days.ts';

const HELP = `Usage: npm run bench:replay -- [options]

Simulates a fleet into files and replays it, each run in a process of its own: from NDJSON and from Avro containers (decode,
enrichment and detection), then detection alone from the enriched stream that was kept; then the same fleet for more days,
which must not take more memory. Prints what was reached beside the goals for two cores; nothing is extrapolated.

  --workstations N   default 600
  --days N           of the first history; 0: none (default 1)
  --long-days N      of the longer history; 0: none (default 4)
  --fleet-days N     at last, a large fleet for N days from a Monday, through pipes (bench/repeated-days.ts); 0: none
                     (default). 10,000 workstations for 30 days are 220 million events: more than an hour
  --fleet N          its workstations (default 10000)
  --workers N        default: the cores
  --out DIR          default out/bench-replay; the histories are left there and used again`;

const OPTIONS = {
  workstations: { type: 'string', default: '600' },
  days: { type: 'string', default: '1' },
  'long-days': { type: 'string', default: '4' },
  'fleet-days': { type: 'string', default: '0' },
  fleet: { type: 'string', default: '10000' },
  workers: { type: 'string' },
  out: { type: 'string', default: 'out/bench-replay' },
  child: { type: 'string', multiple: true },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const;

interface Reached {
  readonly events: number;
  readonly wallSeconds: number;
  readonly cpuSeconds: number;
  readonly peakRssMb: number;
}

/** In the process of one run: prints what it reached. */
async function child(history: readonly string[], out: string, workers: number, keepEnriched: boolean): Promise<void> {
  const quiet = { progress: process.stderr, showProgress: false, signal: new AbortController().signal, clock: systemClock };
  const { summary } = await runReplay({ history, labels: null, out, config: loadEmbeddedConfig(), workers, keepEnriched, ...quiet });
  const { user, system } = process.cpuUsage();
  const { events, wallSeconds, peakRssMb } = summary;
  process.stdout.write(`${JSON.stringify({ events, wallSeconds, cpuSeconds: (user + system) / 1e6, peakRssMb } satisfies Reached)}\n`);
}

function measure(history: string | readonly string[], out: string, workers: number, keep = false): Reached {
  // As the command line does it.
  const codeCache = fileURLToPath(new URL('../tools/code-cache.mjs', import.meta.url));
  const child = [history].flat().flatMap((path) => ['--child', path]);
  const args = ['--import', codeCache, fileURLToPath(import.meta.url), ...child, '--out', out, '--workers', String(workers), ...(keep ? ['--keep'] : [])];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the replay of ${[history].flat().join(' ')} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as Reached;
}

async function simulated(directory: string, workstations: number, days: number, format: 'ndjson' | 'avro'): Promise<string> {
  if (existsSync(join(directory, 'labels.ndjson'))) return directory;
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  process.stderr.write(`simulating ${workstations} workstations for ${days} days as ${format}\n`);
  const fleet = simulateFleet({ workstations, days, piloted: Math.max(1, Math.round(workstations / 50)), seed: 7 });
  await writeHistory(fleet, directory, { format, compress: 'none', garbage: false, pace: paceOf(null, systemClock), onProgress: () => undefined });
  return directory;
}

const whole = (value: number): string => Math.round(value).toLocaleString('en');

function row(name: string, goal: string, { events, wallSeconds, cpuSeconds, peakRssMb }: Reached): string {
  const cells = [name, whole(events), wallSeconds.toFixed(1), whole(events / wallSeconds), goal, ((cpuSeconds * 1e6) / events).toFixed(1), whole(peakRssMb)];
  return `| ${cells.join(' | ')} |`;
}

/** The first history, in every form. */
async function forms(at: (name: string) => string, workstations: number, days: number, workers: number): Promise<string[]> {
  const ndjson = await simulated(at(`ndjson-${workstations}x${days}`), workstations, days, 'ndjson');
  const avro = await simulated(at(`avro-${workstations}x${days}`), workstations, days, 'avro');
  return [
    row('NDJSON: decode, enrichment, detection', '≥ 150,000', measure(ndjson, at('from-ndjson'), workers)),
    row('Avro: decode, enrichment, detection', '≥ 150,000', measure(avro, at('from-avro'), workers)),
    row('the same, keeping the enriched stream', '', measure(avro, at('kept'), workers, true)),
    row('enriched stream: detection alone', '≥ 300,000', measure(join(at('kept'), 'enriched'), at('from-enriched'), workers)),
  ];
}

/** A day is simulated, and goes through two pipes as many. */
async function wholeFleet(at: (name: string) => string, workstations: number, days: number, workers: number): Promise<string> {
  if (workingDays(days).length > WORKING_DAYS_MAX) throw new Error(`--fleet-days ${days}: at most ${WORKING_DAYS_MAX} working days`);
  const day = await simulated(at(`avro-${workstations}x1`), workstations, 1, 'avro');
  const writers = ['0', '1'].map((first) => {
    const pipe = at(`days-${first}.pipe`);
    rmSync(pipe, { force: true });
    if (spawnSync('mkfifo', [pipe]).status !== 0) throw new Error(`mkfifo ${pipe} failed`);
    const repeat = fileURLToPath(new URL('repeated-days.ts', import.meta.url));
    const options = ['--day', join(day, '10-telemetry.avro'), '--days', String(days), '--first', first, '--to', pipe];
    return { pipe, process: spawn(process.execPath, [repeat, ...options], { stdio: ['ignore', 'ignore', 'inherit'] }) };
  });
  let reached: Reached;
  try {
    reached = measure([join(day, '00-reference.avro'), ...writers.map(({ pipe }) => pipe)], at('whole-fleet'), workers);
  } finally {
    for (const { pipe, process: writer } of writers) {
      writer.kill();
      rmSync(pipe);
    }
  }
  return row(`Avro, ${whole(workstations)} workstations, ${days} days (${workingDays(days).length} of work) in one go: memory`, '< 2,000 MB', reached);
}

async function main(): Promise<void> {
  const { values } = parseArgs({ options: OPTIONS, strict: true });
  if (values.help) return void process.stdout.write(`${HELP}\n`);
  const workers = values.workers === undefined ? availableParallelism() : Number(values.workers);
  if (values.child !== undefined) return child(values.child, values.out, workers, values.keep);
  const [workstations, days, longDays, fleetDays] = [values.workstations, values.days, values['long-days'], values['fleet-days']].map(Number) as [number, number, number, number];
  const at = (name: string): string => join(values.out, name);
  mkdirSync(values.out, { recursive: true });
  const lines = [
    `${workers} workers on ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, load before ${loadavg()[0]!.toFixed(1)}; ${workstations} workstations, ${days} days`,
    '',
    '| run | events | wall s | events/s | goal | CPU µs per event | peak RSS MB |',
    '| --- | ---: | ---: | ---: | ---: | ---: | ---: |',
  ];
  if (days > 0) lines.push(...(await forms(at, workstations, days, workers)));
  if (longDays > 0) {
    const long = await simulated(at(`avro-${workstations}x${longDays}`), workstations, longDays, 'avro');
    lines.push(row(`Avro, ${longDays} days: memory`, '< 2,000 MB', measure(long, at('long'), workers)));
  }
  if (fleetDays > 0) lines.push(await wholeFleet(at, Number(values.fleet), fleetDays, workers));
  if (days > 0) {
    const same = ['from-avro', 'kept', 'from-enriched'].map((name) => readFileSync(join(at(name), 'suspicious-sessions.ndjson'), 'utf8'));
    lines.push('', same.every((text) => text === same[0]) ? 'All runs over the same events found the same, to the byte.' : 'THE RUNS FOUND DIFFERENT THINGS.');
  }
  process.stdout.write(`${lines.join('\n')}\n`);
  writeFileSync(at('bench-replay.md'), `${lines.join('\n')}\n`);
}

await main();
