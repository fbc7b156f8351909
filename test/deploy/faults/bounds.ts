/** Faults of an installation with tight bounds: its data, its dependencies, and what policy points see of them. */
import { createHash } from 'node:crypto';
import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '#lib/kernel/clock.ts';
import { writeMmdb } from '../../../services/enrich/mmdb/write-mmdb.fixture.ts';
import type { LocalProgram } from '../../infrastructure/local.ts';
import { start } from '../../infrastructure/process.ts';
import type { Installation } from '../../integration/farhand.ts';
import type { Fault } from './fault.ts';
import type { World, WorldOptions } from './world.ts';

export const TOKEN = 'faults';
const DAY_MS = 86_400_000;
const sleep = (ms: number): Promise<void> => systemClock.sleep(ms);

const placeFile = ({ directory }: Installation): string => join(directory, 'city.mmdb');
const places = (): Buffer => Buffer.from(writeMmdb({ databaseType: 'city', ipVersion: 4, buildEpoch: Math.floor(systemClock.nowMs() / 1_000) - 86_400, networks: [['9.0.0.0/16', { country_code: 'DE', city: 'Hanover', latitude: 52, longitude: 9 }]] }));

/** Databases and tokens: an old table of networks, a fresh one of places. */
function prepare(farhand: Installation): void {
  const [asnFile, tokensFile] = ['asn.csv', 'tokens.yaml'].map((name) => join(farhand.directory, name)) as [string, string];
  writeFileSync(placeFile(farhand), places());
  writeFileSync(asnFile, '9.0.0.0,9.0.255.255,64500,Example University\n');
  const old = new Date(systemClock.nowMs() - 60 * DAY_MS);
  utimesSync(asnFile, old, old);
  writeFileSync(tokensFile, `tokens: [{ name: faults, sha256: ${createHash('sha256').update(TOKEN).digest('hex')}, tenants: [acme] }]\n`);
  Object.assign(farhand.environment, {
    FARHAND_ENRICH_PLACE_FILES: placeFile(farhand), FARHAND_ENRICH_ASN_FILES: asnFile, FARHAND_ENRICH_POLL_INTERVAL_MS: '1000',
    FARHAND_RISK_TOKENS_FILE: tokensFile, FARHAND_RISK_PORT: '0', FARHAND_OBSERVE_STUCK_MS_MAX: '45000', FARHAND_STATE_CHECKPOINT_INTERVAL_MS: '1000',
  });
}

export const BOUNDS_WORLD: WorldOptions = {
  services: ['ingest', 'enrich', 'detect', 'risk'],
  partitions: 2,
  sections: { detect: { sessionsPerPersonMax: 1, openWindowsMax: 4 }, ingest: { duplicateEntriesMax: 1_000 } },
  prepare,
};

/** The broker, or Redis, stands still again and again, while telemetry is sent. */
async function standStill(world: World, { process: program }: LocalProgram): Promise<void> {
  const feeding = world.simulate('--workstations', '10').catch(() => undefined);
  for (let i = 0; i < 4; i++) {
    await sleep(400);
    program.kill('SIGSTOP');
    await sleep(2_800);
    program.kill('SIGCONT');
  }
  await feeding;
}

/** Redis stands still while five policy points ask. */
async function slowRedis(world: World): Promise<void> {
  world.redis.process.kill('SIGSTOP');
  const asked = Promise.all(Array.from({ length: 5 }, () => world.risk('acme/s-1', TOKEN)));
  await sleep(100);
  world.redis.process.kill('SIGCONT');
  await asked;
  await Promise.all(Array.from({ length: 20 }, () => world.risk('acme/s-1', TOKEN)));
}

async function beginStuck(world: World): Promise<void> {
  const { directory, configFile, environment } = world.farhand;
  const worker = start(process.execPath, [fileURLToPath(new URL('../stuck-worker.ts', import.meta.url))], join(directory, 'stuck.log'), { ...process.env, ...environment, FARHAND_CONFIG: configFile });
  await world.watch('stuck', worker);
}

export const BOUNDS_FAULTS: readonly Fault[] = [
  { how: 'a table of networks that is 60 days old', alerts: ['FarhandDatabaseOld'] },
  { how: 'a day of March is taken in', alerts: ['FarhandWatermarkStands'], meanwhile: (world) => world.simulate('--workstations', '40') },
  { how: 'one session and four windows a person, 1,000 event ids a task', alerts: ['FarhandClosedEarly', 'FarhandRepeatsMayPass'], meanwhile: (world) => world.simulate('--workstations', '40', '--days', '2') },
  {
    how: 'garbage on the telemetry topics',
    alerts: ['FarhandDeadLetters'],
    meanwhile: async ({ log, farhand }) => {
      await log.append(Array.from({ length: 200 }, () => ({ topic: farhand.topics.connection, partition: null, key: null, value: Buffer.from('{"not":"avro"}'), timestampMs: systemClock.nowMs() })));
      await sleep(500);
    },
  },
  {
    how: 'a database file is overwritten by half of it',
    alerts: ['FarhandDatabaseRefused'],
    provoke: ({ farhand }) => writeFileSync(placeFile(farhand), places().subarray(0, 40)),
    mend: ({ farhand }) => writeFileSync(placeFile(farhand), places()),
  },
  {
    how: 'the disk of detect takes no checkpoints',
    alerts: ['FarhandCheckpointsFail'],
    provoke: (world) => {
      const disk = world.diskOf('detect');
      renameSync(disk, `${disk}.away`);
      writeFileSync(disk, '');
    },
    meanwhile: (world) => world.simulate('--workstations', '10'),
    mend: (world) => {
      const disk = world.diskOf('detect');
      rmSync(disk);
      renameSync(`${disk}.away`, disk);
    },
  },
  {
    how: 'policy points with tokens that nobody knows',
    alerts: ['FarhandRiskRefused'],
    meanwhile: async (world) => {
      for (let i = 0; i < 20; i++) await world.risk('acme/s-1', 'wrong');
      await sleep(500);
    },
    mend: (world) => world.prometheus.askDashboards(),
  },
  // Before Redis is stopped: an empty one is filled again first, and nothing comes through while it answers for moments only.
  { how: 'Redis answers for moments only', alerts: ['FarhandFindingsLate'], meanwhile: (world) => standStill(world, world.redis) },
  {
    how: 'Redis is stopped',
    alerts: ['FarhandReferenceAway', 'FarhandDependencyAway', 'FarhandRiskUnavailable'],
    provoke: async (world) => {
      await world.redis.stop();
      await world.simulate('--workstations', '20');
    },
    meanwhile: async (world) => {
      await world.risk('acme/s-1', TOKEN);
      await sleep(200);
    },
    mend: (world) => world.startRedis(),
  },
  { how: 'Redis answers slowly', alerts: ['FarhandRiskSlow'], meanwhile: slowRedis },
  { how: 'the broker answers for moments only', alerts: ['FarhandCommitSlow'], meanwhile: (world) => standStill(world, world.kafka) },
  { how: 'detect is killed and nobody takes its place', alerts: ['FarhandWorkerDown', 'FarhandTasksMissing'], provoke: (world) => world.worker('detect').kill('SIGKILL') },
  { how: 'the sensors fall silent', alerts: ['FarhandNoTelemetry'] },
  {
    how: 'a step that never ends',
    alerts: ['FarhandTasksStuck'],
    provoke: async (world) => {
      await beginStuck(world);
      await world.simulate('--workstations', '5');
    },
  },
];
