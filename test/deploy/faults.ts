/**
 * `npm run faults`: provokes the faults of docs/runbook.md on real workers, Kafka, Redis and Prometheus, and waits until
 * the alert of each fires. The rules are those of deploy/prometheus with all times divided by 60 (test/deploy/scaled-rules.ts).
 * Takes about five minutes. Exit status 1 where an alert did not fire.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { DASHBOARDS } from '../../deploy/grafana/dashboards.ts';
import { writeMmdb } from '../../services/enrich/mmdb/write-mmdb.fixture.ts';
import { startKafka, startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { kafkaLog } from '../infrastructure/logs.ts';
import { freePorts, start, waitForOutput, type Started } from '../infrastructure/process.ts';
import { install } from '../integration/farhand.ts';
import { scaledRules } from './scaled-rules.ts';
import { prometheus } from './tools.ts';

const DIVISOR = 60;
const FIRE_MS_MAX = 90_000;
const TOKEN = 'faults';
const only = process.argv.slice(2);
const DAY_MS = 86_400_000;
/** Everything that was started is stopped, also when it is interrupted. */
const interrupted = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => interrupted.abort());
const sleep = (ms: number): Promise<void> => systemClock.sleep(ms);

const program = await prometheus();
if (program === null) process.exit(1);
const kafka = await startKafka();
let redis: LocalProgram = await startRedis();
let redisStopped = false;
const redisPort = Number(new URL(redis.address).port);
const [prometheusPort] = await freePorts(1);
const services = ['ingest', 'enrich', 'detect', 'risk'] as const;
const ports = new Map<string, number>();
/** The worker of each service. */
const names = new Map<string, string>();

// Databases and tokens of this run: an old table of networks, a fresh one of places.
const farhand = install(kafka.address, redis.address, 2, {
  redis: { url: redis.address, keyPrefix: 'faults', commandTimeoutMs: 500, waitMsMax: 300, heartbeatMs: 500 },
  kafka: { brokers: [kafka.address], groupIdPrefix: 'faults', sessionTimeoutMs: 6_000, heartbeatIntervalMs: 500, drainTimeoutMs: 1_000, transactionTimeoutMs: 5_000 },
  detect: { sessionsPerPersonMax: 1, openWindowsMax: 4 },
  ingest: { duplicateEntriesMax: 1_000 },
});
const placeFile = join(farhand.directory, 'city.mmdb');
const asnFile = join(farhand.directory, 'asn.csv');
const tokensFile = join(farhand.directory, 'tokens.yaml');
const places = (): Buffer => Buffer.from(writeMmdb({ databaseType: 'city', ipVersion: 4, buildEpoch: Math.floor(systemClock.nowMs() / 1_000) - 86_400, networks: [['9.0.0.0/16', { country_code: 'DE', city: 'Hanover', latitude: 52, longitude: 9 }]] }));
writeFileSync(placeFile, places());
writeFileSync(asnFile, '9.0.0.0,9.0.255.255,64500,Example University\n');
const old = new Date(systemClock.nowMs() - 60 * DAY_MS);
utimesSync(asnFile, old, old);
writeFileSync(tokensFile, `tokens: [{ name: faults, sha256: ${createHash('sha256').update(TOKEN).digest('hex')}, tenants: [acme] }]\n`);
Object.assign(process.env, {
  FARHAND_ENRICH_PLACE_FILES: placeFile, FARHAND_ENRICH_ASN_FILES: asnFile, FARHAND_ENRICH_POLL_INTERVAL_MS: '1000',
  FARHAND_RISK_TOKENS_FILE: tokensFile, FARHAND_RISK_PORT: '0', FARHAND_OBSERVE_STUCK_MS_MAX: '45000', FARHAND_STATE_CHECKPOINT_INTERVAL_MS: '1000',
});

async function portIn(worker: Started, event: string): Promise<number> {
  await waitForOutput(worker, new RegExp(`"event":"${event.replace('.', '\\.')}"`), 60_000);
  return Number(new RegExp(`"event":"${event.replace('.', '\\.')}"[^\\n]*"port":(\\d+)`).exec(worker.output())![1]);
}

let count = 0;
async function begin(service: (typeof services)[number]): Promise<Started> {
  const name = `${service}-${count++}`;
  names.set(service, name);
  const worker = farhand.worker(service, name);
  ports.set(service, await portIn(worker, 'observe.listening'));
  writeTargets();
  return worker;
}

const targetsFile = join(farhand.directory, 'targets.json');
function writeTargets(): void {
  writeFileSync(`${targetsFile}.new`, JSON.stringify([{ targets: [...ports.values()].map((port) => `127.0.0.1:${port}`) }]));
  renameSync(`${targetsFile}.new`, targetsFile);
}

const rulesFile = join(farhand.directory, 'rules.yaml');
writeFileSync(rulesFile, scaledRules(readFileSync(fileURLToPath(new URL('../../deploy/prometheus/farhand.rules.yaml', import.meta.url)), 'utf8'), DIVISOR));
const configFile = join(farhand.directory, 'prometheus.yaml');
writeFileSync(configFile, `global: { scrape_interval: 1s, evaluation_interval: 1s }\nrule_files: [${rulesFile}]\nscrape_configs:\n  - job_name: farhand\n    honor_labels: true\n    file_sd_configs: [{ files: [${targetsFile}], refresh_interval: 1s }]\n`);
mkdirSync(join(farhand.directory, 'tsdb'));
writeTargets();
const server = start(program, [`--config.file=${configFile}`, `--storage.tsdb.path=${join(farhand.directory, 'tsdb')}`, `--web.listen-address=127.0.0.1:${prometheusPort}`], join(farhand.directory, 'prometheus.log'));

async function firing(): Promise<Set<string>> {
  const response = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/alerts`).catch(() => null);
  if (response === null) return new Set();
  const { data } = (await response.json()) as { data: { alerts: { state: string; labels: { alertname: string } }[] } };
  return new Set(data.alerts.filter(({ state }) => state === 'firing').map(({ labels }) => labels.alertname));
}

/** What grows is seen from the first scrape on only: a counter that Prometheus meets at 1 has not grown. */
async function allScraped(): Promise<void> {
  const query = encodeURIComponent('min(count_over_time(up[10s]) * (up == 1))');
  for (let tries = 0; tries < 60 && !interrupted.signal.aborted; tries++) {
    const response = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${query}`).catch(() => null);
    const { data } = response === null ? {} : ((await response.json()) as { data?: { result: { value: [number, string] }[] } });
    if (Number(data?.result[0]?.value[1] ?? 0) >= 3) return;
    await sleep(500);
  }
}

/** Asks every query of the dashboards, as Grafana would, and names those without data. */
async function askDashboards(): Promise<void> {
  const queries = DASHBOARDS.flatMap(({ rows }) => rows.flatMap(({ panels }) => panels.flatMap(({ title, queries: of }) => of.map(({ expr }) => ({ title, expr })))));
  const empty: string[] = [];
  for (const { title, expr } of queries) {
    const query = expr.replaceAll('$__rate_interval', '1m').replaceAll('$service', '.*');
    const response = await fetch(`http://127.0.0.1:${prometheusPort}/api/v1/query?query=${encodeURIComponent(query)}`);
    const { data } = (await response.json()) as { data?: { result: unknown[] } };
    if ((data?.result.length ?? 0) === 0) empty.push(title);
  }
  console.log(`${queries.length - empty.length} of ${queries.length} queries of the dashboards have data${empty.length === 0 ? '' : `; none: ${[...new Set(empty)].join(', ')}`}`);
}

const results: { alert: string; how: string; seconds: number | null }[] = [];
/** Waits until all of `alerts` have fired since now (or fire already), while `meanwhile` goes on. */
async function show(how: string, alerts: readonly string[], provoke: () => unknown, meanwhile?: () => Promise<unknown>): Promise<void> {
  if (interrupted.signal.aborted) return;
  if (only.length > 0 && !alerts.some((alert) => only.includes(alert))) return;
  const began = systemClock.monotonicMs();
  const waiting = new Set(alerts);
  await provoke();
  const goesOn = (): boolean => waiting.size > 0 && !interrupted.signal.aborted && systemClock.monotonicMs() - began < FIRE_MS_MAX;
  const going = (async () => {
    while (meanwhile !== undefined && goesOn()) await meanwhile();
  })();
  while (goesOn()) {
    await sleep(300);
    for (const alert of await firing()) {
      if (waiting.delete(alert)) results.push({ alert, how, seconds: Math.round((systemClock.monotonicMs() - began) / 1_000) });
    }
  }
  await going;
  for (const alert of waiting) results.push({ alert, how, seconds: null });
  for (const { alert, seconds } of results.slice(-alerts.length)) console.log(`${seconds === null ? 'DID NOT FIRE' : `fired after ${seconds} s`.padEnd(18)} ${alert}  (${how})`);
}

const simulate = (...args: string[]): Promise<string> => farhand.run('simulate', '--kafka', ...args);
const workers = new Map<string, Started>();
async function risk(path: string, token: string): Promise<unknown> {
  return fetch(`http://127.0.0.1:${riskPort}/v1/risk/${path}`, { headers: { authorization: `Bearer ${token}` } }).catch(() => null);
}

/** The broker stands still `times` times for `ms` each, while telemetry is sent. */
async function standStill(times: number, ms: number): Promise<void> {
  const feeding = simulate('--seed', String(count++), '--workstations', '10').catch(() => undefined);
  for (let i = 0; i < times; i++) {
    await sleep(400);
    kafka.process.kill('SIGSTOP');
    await sleep(ms);
    kafka.process.kill('SIGCONT');
  }
  await feeding;
}

await farhand.run('topics');
for (const service of services) workers.set(service, await begin(service));
const riskPort = await portIn(workers.get('risk')!, 'risk.listening');
const log = await kafkaLog(kafka.address);
await allScraped();
try {
  await show('a table of networks that is 60 days old', ['FarhandDatabaseOld'], () => undefined);
  await show('a day of March is taken in', ['FarhandWatermarkStands'], () => undefined, () => simulate('--seed', String(count++), '--workstations', '40'));
  await show('one session and four windows a person, 1,000 event ids a task', ['FarhandClosedEarly', 'FarhandRepeatsMayPass'], () => undefined, () => simulate('--seed', String(count++), '--workstations', '40', '--days', '2'));
  await show('garbage on the telemetry topics', ['FarhandDeadLetters'], () => undefined, async () => {
    await log.append(Array.from({ length: 200 }, () => ({ topic: farhand.topics.connection, partition: null, key: null, value: Buffer.from('{"not":"avro"}'), timestampMs: systemClock.nowMs() })));
    await sleep(500);
  });
  await show('a database file is overwritten by half of it', ['FarhandDatabaseRefused'], () => writeFileSync(placeFile, places().subarray(0, 40)));
  writeFileSync(placeFile, places());
  const disk = farhand.diskOf('detect', names.get('detect')!);
  await show('the disk of detect takes no checkpoints', ['FarhandCheckpointsFail'], () => {
    renameSync(disk, `${disk}.away`);
    writeFileSync(disk, '');
  }, () => simulate('--seed', String(count++), '--workstations', '10'));
  if (existsSync(`${disk}.away`)) {
    rmSync(disk);
    renameSync(`${disk}.away`, disk);
  }
  await show('policy points with tokens that nobody knows', ['FarhandRiskRefused'], () => undefined, async () => {
    for (let i = 0; i < 20; i++) await risk('acme/s-1', 'wrong');
    await sleep(500);
  });
  await askDashboards();
  await show('Redis is stopped', ['FarhandReferenceAway', 'FarhandDependencyAway', 'FarhandRiskUnavailable'], async () => {
    redisStopped = true;
    await redis.stop();
    await simulate('--seed', String(count++), '--workstations', '20');
  }, async () => {
    await risk('acme/s-1', TOKEN);
    await sleep(200);
  });
  if (redisStopped) redis = await startRedis(redisPort);
  await show('its backlog is worked off', ['FarhandFindingsLate'], () => undefined, () => simulate('--seed', String(count++), '--workstations', '20'));
  await show('the broker answers for moments only', ['FarhandCommitSlow'], () => undefined, () => standStill(4, 2_800));
  await show('the broker stands still beyond the time of a transaction', ['FarhandTaskRestarts'], () => undefined, () => standStill(1, 6_500));
  await show('ingest gets the processor for moments only while more comes', ['FarhandLag', 'FarhandLagGrows'], () => undefined, async () => {
    const worker = workers.get('ingest')!;
    let sending = true;
    const feeding = simulate('--seed', String(count++), '--workstations', '150').catch(() => undefined).finally(() => (sending = false));
    while (sending) {
      worker.kill('SIGSTOP');
      await sleep(600);
      worker.kill('SIGCONT');
      await sleep(120);
    }
    await feeding;
  });
  await show('the process of detect gets the processor for moments only', ['FarhandEventLoopSlow'], () => undefined, async () => {
    workers.get('detect')!.kill('SIGSTOP');
    await sleep(1_800);
    workers.get('detect')!.kill('SIGCONT');
    await sleep(150);
  });
  await show('Redis answers slowly', ['FarhandRiskSlow'], () => undefined, async () => {
    redis.process.kill('SIGSTOP');
    const asked = Promise.all(Array.from({ length: 5 }, () => risk('acme/s-1', TOKEN)));
    await sleep(100);
    redis.process.kill('SIGCONT');
    await asked;
    await Promise.all(Array.from({ length: 20 }, () => risk('acme/s-1', TOKEN)));
  });
  await show('many more piloted workstations than before', ['FarhandFindingsSurge'], () => undefined, () => simulate('--seed', String(count++), '--workstations', '120', '--piloted', '100'));
  await show('detect is killed and nobody takes its place', ['FarhandWorkerDown', 'FarhandTasksMissing'], () => workers.get('detect')!.kill('SIGKILL'));
  await show('the sensors fall silent', ['FarhandNoTelemetry'], () => undefined);
  await show('a step that never ends', ['FarhandTasksStuck'], async () => {
    const worker = start(process.execPath, [fileURLToPath(new URL('stuck-worker.ts', import.meta.url))], join(farhand.directory, 'stuck.log'), { ...process.env, FARHAND_CONFIG: join(farhand.directory, 'farhand.yaml') });
    workers.set('stuck', worker);
    ports.set('stuck', await portIn(worker, 'observe.listening'));
    writeTargets();
    await simulate('--seed', String(count++), '--workstations', '5');
  });
} finally {
  for (const worker of workers.values()) worker.kill('SIGKILL');
  await server.stop();
  await log.close();
  await redis.stop().catch(() => undefined);
  await kafka.stop();
  rmSync(farhand.directory, { recursive: true, force: true });
}
const missing = results.filter(({ seconds }) => seconds === null);
console.log(`\n${results.length - missing.length} of ${results.length} alerts fired${missing.length === 0 ? '' : `; not: ${missing.map(({ alert }) => alert).join(', ')}`}`);
process.exitCode = missing.length === 0 ? 0 : 1;
