/**
 * `npm run bench:risk`: what a policy point waits for the endpoint of `farhand risk`, on a real Redis and a real broker,
 * while findings arrive. Requests come at a steady rate from a process of their own, and a latency counts from when its
 * request was due (bench/steady-load.ts).
 */
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { encodeFramed } from '#lib/codec/encode.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Log } from '#lib/log/log.ts';
import { kafkaLog } from '../test/infrastructure/logs.ts';
import { waitForOutput } from '../test/infrastructure/process.ts';
import { startInfrastructure } from '../test/infrastructure/start.ts';
import { install, type Installation } from '../test/integration/farhand.ts';
import { machineSeconds, ownSeconds } from './processes.ts';
import { steadyLoad, type LoadResult } from './steady-load.ts';

const HELP = `Usage: npm run bench:risk -- [options]

Starts farhand risk with a Kafka and a Redis (KAFKA_BROKERS and REDIS_URL, or local ones), fills it with findings, and asks
for risks of sessions and devices at a fixed rate. Prints a table, writes bench-risk.json. Exit status 1 where the 99th
percentile is not below --p99. What other programs used of the processors meanwhile is told too: it shows in the last percent at once.

  --rate N        requests per second (default 2000)
  --seconds N     how long (default 30)
  --connections N of the load generator, kept alive (default 50)
  --subjects N    sessions with findings (default 20000); as many again are asked about that have none
  --findings N    new revisions per second meanwhile (default 50)
  --p99 MS        (default 5)
  --out DIR       (default out)`;

const TOKEN = 'bench-token';
/** As deploy/ runs it: with a young generation of the default size a collection takes ten milliseconds, a dozen times as rarely. */
const NODE_OPTIONS = '--max-semi-space-size=2';
const PUBLISH_MS = 200;
/** By then the code of the worker and of the broker has been compiled. */
const WARM_UP_SECONDS = 15;
const CHUNK = 2_000;

const { values } = parseArgs({
  options: {
    rate: { type: 'string', default: '2000' }, seconds: { type: 'string', default: '30' }, connections: { type: 'string', default: '50' },
    subjects: { type: 'string', default: '20000' }, findings: { type: 'string', default: '50' }, p99: { type: 'string', default: '5' },
    out: { type: 'string', default: 'out' }, help: { type: 'boolean', default: false },
  },
});

function numberOf(name: 'rate' | 'seconds' | 'connections' | 'subjects' | 'findings' | 'p99'): number {
  const value = Number(values[name]);
  if (!(value >= 1)) throw new FarhandError('FARHAND_USAGE', `--${name} is '${values[name]}': allowed is a number from 1`);
  return value;
}

async function publish(log: Log, topic: string, from: number, count: number, revision: number): Promise<void> {
  for (let at = from; at < from + count; at += CHUNK) {
    const records = Array.from({ length: Math.min(CHUNK, from + count - at) }, (_, i) => {
      const n = at + i;
      const finding = { ...SAMPLE_RECORDS.SuspiciousSession, findingId: `f-${n}`, tenantId: `tenant-${n % 10}`, sessionId: `session-${n}`, deviceId: `device-${n}`, revision, status: 'OPENED' as const, closedAs: null };
      return { topic, partition: null, key: Buffer.from(`${finding.tenantId}|u-${n}`), value: encodeFramed('SuspiciousSession', finding), timestampMs: systemClock.nowMs() };
    });
    await log.append(records);
  }
}

/** Paths in a fixed mixture: half sessions with a finding, a quarter without, a quarter devices. */
function pathOf(n: number, subjects: number): string {
  const of = (n * 7_919) % subjects;
  const tenant = `tenant-${of % 10}`;
  if (n % 4 === 3) return `/v1/risk/${tenant}/device/device-${of}`;
  return n % 4 === 2 ? `/v1/risk/${tenant}/quiet-${of}` : `/v1/risk/${tenant}/session-${of}`;
}

function load(port: number, seconds: number): Promise<LoadResult> {
  const subjects = numberOf('subjects');
  const paths = Array.from({ length: subjects }, (_, n) => pathOf(n, subjects));
  return steadyLoad({ host: '127.0.0.1', port, headers: { authorization: `Bearer ${TOKEN}` }, paths, perSecond: numberOf('rate'), seconds, connections: numberOf('connections') });
}

interface Measured extends LoadResult {
  /** Cores that everything but this program, and what it started, used meanwhile. */
  readonly otherCores: number;
}

/** Cores that others use in the meantime: the answer ends it. */
function watchOthers(): () => number {
  const marks = () => ({ at: systemClock.monotonicMs(), others: machineSeconds() - ownSeconds() });
  const began = marks();
  return () => {
    const ended = marks();
    // Both are counted in hundredths of a second, and not at the same moment.
    return Math.max(0, Math.round(((ended.others - began.others) / (ended.at - began.at)) * 1e5) / 100);
  };
}

async function measure(farhand: Installation, log: Log): Promise<Measured> {
  const subjects = numberOf('subjects');
  await farhand.run('topics');
  await publish(log, farhand.topics.suspiciousSessions, 0, subjects, 1);
  farhand.environment['NODE_OPTIONS'] = NODE_OPTIONS;
  const worker = farhand.worker('risk', 'bench');
  await waitForOutput(worker, /"event":"risk\.listening"/, 60_000);
  const port = Number(/"event":"risk\.listening"[^\n]*"port":(\d+)/.exec(worker.output())![1]);
  const [, observe] = /"event":"observe\.listening"[^\n]*"port":(\d+)/.exec(worker.output())!;
  const taken = async (): Promise<number> => Number(/farhand_risk_revisions_total\{outcome="news"[^}]*\} (\d+)/.exec(await (await fetch(`http://127.0.0.1:${observe}/metrics`)).text())?.[1] ?? 0);
  while ((await taken()) < subjects) await systemClock.sleep(500);
  await load(port, WARM_UP_SECONDS);
  const end = new AbortController();
  const publishing = (async () => {
    for (let revision = 2; !end.signal.aborted; revision++) {
      await publish(log, farhand.topics.suspiciousSessions, 0, Math.ceil((numberOf('findings') * PUBLISH_MS) / 1_000), revision);
      await systemClock.sleep(PUBLISH_MS, end.signal);
    }
  })();
  const othersUsed = watchOthers();
  const result = await load(port, numberOf('seconds'));
  const otherCores = othersUsed();
  end.abort();
  await publishing;
  return { ...result, otherCores };
}

async function main(): Promise<number> {
  if (values.help) {
    console.log(HELP);
    return 0;
  }
  const { kafka, redis, stop } = await startInfrastructure();
  if (kafka === null || redis === null) {
    await stop();
    throw new FarhandError('FARHAND_LOG_UNAVAILABLE', 'a Kafka and a Redis are needed');
  }
  const farhand = install(kafka.address, redis.address, 4, { risk: { port: 0 } });
  const tokensFile = join(farhand.directory, 'tokens.yaml');
  writeFileSync(tokensFile, `tokens: [{ name: bench, sha256: ${createHash('sha256').update(TOKEN).digest('hex')}, tenants: '*' }]\n`);
  process.env['FARHAND_RISK_TOKENS_FILE'] = tokensFile;
  const log = await kafkaLog(kafka.address);
  try {
    const result = { rate: numberOf('rate'), ...(await measure(farhand, log)) };
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, 'bench-risk.json'), `${JSON.stringify(result, null, 2)}\n`);
    const { p50, p90, p99, p999, max } = result.milliseconds;
    console.log(`requests/s asked ${result.rate}, answered ${result.answeredPerSecond}; ${result.requests} requests, ${result.failed} failed`);
    console.log(`latency ms: p50 ${p50}, p90 ${p90}, p99 ${p99}, p99.9 ${p999}, max ${max}`);
    const own = result.clientLate;
    console.log(`  of it the client's own lateness: p50 ${own.p50}, p90 ${own.p90}, p99 ${own.p99}, p99.9 ${own.p999}, max ${own.max}`);
    console.log(`  others on the machine used ${result.otherCores} cores`);
    const enough = p99 < numberOf('p99') && result.failed === 0 && result.answeredPerSecond >= 0.98 * result.rate;
    console.log(enough ? `p99 < ${values.p99} ms: held` : `p99 < ${values.p99} ms without a failure at the full rate: NOT held`);
    return enough ? 0 : 1;
  } finally {
    await log.close();
    await farhand.stop();
    await stop();
  }
}

process.exitCode = await main();
