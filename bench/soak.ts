/**
 * `npm run soak:load`: twice the figure of the sizing guide for a fleet, for ten minutes, on three workers with a real Kafka
 * and Redis; then the lag must not have grown, memory must be flat, and nothing may be lost.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Log, OutgoingRecord } from '#lib/log/log.ts';
import { kafkaLog } from '../test/infrastructure/logs.ts';
import { waitForOutput, type Started } from '../test/infrastructure/process.ts';
import { startInfrastructure } from '../test/infrastructure/start.ts';
import { install, type Installation } from '../test/integration/farhand.ts';
import { DEFAULTS, eventsPerSecondOf } from '../tools/sizing/model.ts';
import { BENCH_VANTAGE, BenchEvents } from './events.ts';

const HELP = `Usage: npm run soak:load -- [options]

  --workstations N  the fleet of the sizing guide (default 10000)
  --times N         its figure so many times (default 2)
  --minutes N       (default 10)
  --out DIR         where soak.json goes (default out)

Exit status 1 where the lag grew, memory was not flat or an event was lost.`;

const SERVICES = ['ingest', 'enrich', 'detect'] as const;
const PARTITIONS = 4;
const SLICE_MS = 100;
const SAMPLE_MS = 10_000;
const SETTLE_MS_MAX = 120_000;
/** The last commits. */
const SETTLE_MS = 3_000;
/** A sample with more lag than that, in seconds of load, is one too many where more than LATE_SHARE_MAX are, or the last one is. */
const LAG_SECONDS_MAX = 1;
const LATE_SHARE_MAX = 0.05;
/** Of the last sixth of the run against the one before: by then every session of the fleet has come. */
const MEMORY_GROWTH_MAX = 0.1;

const { values } = parseArgs({
  options: {
    workstations: { type: 'string', default: '10000' }, times: { type: 'string', default: '2' }, minutes: { type: 'string', default: '10' },
    out: { type: 'string', default: 'out' }, help: { type: 'boolean', default: false },
  },
});

interface Sample {
  readonly atSeconds: number;
  readonly lagRecords: number;
  readonly residentBytes: number;
}

function numberOf(name: 'workstations' | 'times' | 'minutes'): number {
  const value = Number(values[name]);
  if (!(value > 0)) throw new FarhandError('FARHAND_USAGE', `--${name} is '${values[name]}': allowed is a number above 0`);
  return value;
}

async function scrape(worker: Started): Promise<Map<string, number>> {
  const port = Number(/"event":"observe\.listening"[^\n]*"port":(\d+)/.exec(worker.output())![1]);
  const sums = new Map<string, number>();
  for (const line of (await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).split('\n')) {
    const match = /^([a-z_]+)(?:\{[^}]*\})? ([0-9.e+-]+)$/.exec(line);
    if (match !== null) sums.set(match[1]!, (sums.get(match[1]!) ?? 0) + Number(match[2]));
  }
  return sums;
}

async function sample(workers: readonly Started[], beganMs: number): Promise<Sample> {
  const all = await Promise.all(workers.map(scrape));
  const sum = (name: string): number => all.reduce((total, metrics) => total + (metrics.get(name) ?? 0), 0);
  return { atSeconds: Math.round((systemClock.monotonicMs() - beganMs) / 1_000), lagRecords: sum('farhand_input_lag_records'), residentBytes: sum('process_resident_memory_bytes') };
}

/** Sends at a constant rate. */
async function send(log: Log, farhand: Installation, events: BenchEvents, perSecond: number): Promise<void> {
  const began = systemClock.monotonicMs();
  let index = 0;
  for (const batch of events.batches(Math.max(1, Math.round((perSecond * SLICE_MS) / 1_000)))) {
    const dueMs = began + index++ * SLICE_MS;
    const early = dueMs - systemClock.monotonicMs();
    if (early > 0) await systemClock.sleep(early);
    const now = systemClock.nowMs();
    const records: OutgoingRecord[] = batch.map(({ kind, person, value }) => ({ topic: kind === 'keystrokes' ? farhand.topics.keystrokeLatency : farhand.topics.connection, partition: null, key: Buffer.from(person), value, timestampMs: now }));
    await log.append(records);
  }
}

/** Committed records of a topic. */
async function recordsOf(log: Log, topic: string): Promise<number> {
  let count = 0;
  for (let partition = 0; partition < PARTITIONS; partition++) await log.readToEnd(topic, partition, (records) => (count += records.length));
  return count;
}

interface Accounts {
  readonly events: number;
  readonly deadLetters: number;
  readonly repeats: number;
  readonly enriched: number;
  readonly lag: number;
  readonly restarts: number;
}

/** What became of the telemetry, by what was committed. Repeats leave no record: their counter counts again what a restart repeats. */
async function accountsOf(log: Log, farhand: Installation, workers: readonly Started[]): Promise<Accounts> {
  const all = await Promise.all(workers.map(scrape));
  const sum = (name: string): number => all.reduce((total, metrics) => total + (metrics.get(name) ?? 0), 0);
  const [events, deadLetters, enriched] = await Promise.all([farhand.topics.events, farhand.topics.deadLetter, farhand.topics.enriched].map((topic) => recordsOf(log, topic)));
  return { events: events!, deadLetters: deadLetters!, enriched: enriched!, repeats: sum('farhand_ingest_duplicates_total'), lag: sum('farhand_input_lag_records'), restarts: sum('farhand_task_restarts_total') };
}

function judge(samples: readonly Sample[], perSecond: number, sent: number, { events, deadLetters, repeats, enriched, lag, restarts }: Accounts): string[] {
  const problems: string[] = [];
  const late = samples.filter(({ lagRecords }) => lagRecords > LAG_SECONDS_MAX * perSecond);
  const worst = Math.max(...samples.map(({ lagRecords }) => lagRecords)) / perSecond;
  if (late.length > LATE_SHARE_MAX * samples.length || late.includes(samples.at(-1)!)) problems.push(`${late.length} of ${samples.length} samples have a lag above ${LAG_SECONDS_MAX} s of load (worst ${worst.toFixed(1)} s)`);
  const mean = (some: readonly Sample[]): number => some.reduce((sum, { residentBytes }) => sum + residentBytes, 0) / some.length;
  const sixth = Math.max(1, Math.floor(samples.length / 6));
  const growth = mean(samples.slice(-sixth)) / mean(samples.slice(-2 * sixth, -sixth)) - 1;
  if (growth > MEMORY_GROWTH_MAX) problems.push(`memory grew by ${(growth * 100).toFixed(0)} % from the last sixth but one to the last: allowed are ${MEMORY_GROWTH_MAX * 100} %`);
  const unaccounted = sent - events - deadLetters - repeats;
  if (unaccounted > 0 || (unaccounted < 0 && restarts === 0)) problems.push(`${unaccounted} of the telemetry is unaccounted for`);
  if (enriched !== events) problems.push(`${events - enriched} events did not come out of enrich`);
  if (lag > 0) problems.push(`${lag} records still wait`);
  return problems;
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const [workstations, times, minutes] = [numberOf('workstations'), numberOf('times'), numberOf('minutes')];
  const perSecond = Math.round(times * eventsPerSecondOf({ ...DEFAULTS, workstations }));
  const count = Math.round(perSecond * minutes * 60);
  console.log(`${times} × the figure for ${workstations} workstations: ${perSecond} events/s for ${minutes} minutes, ${count} events`);
  const { kafka, redis, stop } = await startInfrastructure();
  if (kafka === null || redis === null) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', 'a Kafka and a Redis are needed');
  const farhand = install(kafka.address, redis.address, PARTITIONS);
  const log = await kafkaLog(kafka.address);
  try {
    await farhand.run('topics');
    await log.append([{ topic: farhand.topics.vantages, partition: null, key: Buffer.from(BENCH_VANTAGE.vantageId), value: encodeFramed('Vantage', BENCH_VANTAGE), timestampMs: systemClock.nowMs() }]);
    const workers = SERVICES.map((service) => farhand.worker(service, 'soak'));
    for (const worker of workers) await waitForOutput(worker, /"event":"task\.started"[^\n]*"task":3/, 120_000);
    const events = new BenchEvents({ events: count, sessions: workstations, seed: 5, suspicious: 0.02 });
    const began = systemClock.monotonicMs();
    const samples: Sample[] = [];
    const end = new AbortController();
    const watching = (async () => {
      while (!end.signal.aborted) {
        await systemClock.sleep(SAMPLE_MS, end.signal);
        if (!end.signal.aborted) samples.push(await sample(workers, began));
      }
    })();
    await send(log, farhand, events, perSecond);
    const sentPerSecond = events.count / ((systemClock.monotonicMs() - began) / 1_000);
    end.abort();
    await watching;
    const settled = systemClock.monotonicMs() + SETTLE_MS_MAX;
    while ((await sample(workers, began)).lagRecords > 0 && systemClock.monotonicMs() < settled) await systemClock.sleep(500);
    await systemClock.sleep(SETTLE_MS);
    const accounts = await accountsOf(log, farhand, workers);
    const problems = judge(samples, perSecond, events.count, accounts);
    if (sentPerSecond < 0.97 * perSecond) problems.push(`only ${sentPerSecond.toFixed(0)} events/s could be sent`);
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, 'soak.json'), `${JSON.stringify({ workstations, times, perSecond, sentPerSecond, events: events.count, accounts, samples, problems }, null, 2)}\n`);
    for (const { atSeconds, lagRecords, residentBytes } of samples.filter((_, i) => i % 6 === 5 || i === samples.length - 1)) console.log(`  after ${String(atSeconds).padStart(4)} s: lag ${lagRecords} records, memory of the three workers ${Math.round(residentBytes / 2 ** 20)} MiB`);
    const { events: valid, deadLetters, repeats, enriched, restarts } = accounts;
    console.log(`sent ${events.count} at ${sentPerSecond.toFixed(0)}/s: ${valid} valid, ${repeats} repeats, ${deadLetters} dead letters; ${enriched} enriched; ${restarts} restarts of tasks`);
    console.log(problems.length === 0 ? 'lag stable, memory flat, nothing lost' : problems.join('\n'));
    return problems.length === 0 ? 0 : 1;
  } finally {
    await log.close();
    await farhand.stop();
    await stop();
  }
}

process.exitCode = await main();
