/** The pipeline on a cluster of three nodes while processes, nodes, Redis and disks fail. `npm run soak` does it for longer. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { KAFKA_DEFAULTS } from '#lib/log/kafka.ts';
import { startCluster, type KafkaCluster } from '../infrastructure/cluster.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { kafkaLog, record, unique, until } from '../infrastructure/logs.ts';
import { disorder, tell } from './disorder.ts';
import { runUnderFaults, Site, type FaultRun } from './under-faults.ts';

const RUN: FaultRun = { fleet: { seed: 21, workstations: 24, piloted: 8 }, partitions: 6, workers: 3, recordsPerSecond: 400, garbageShare: 0.01, drainMsMax: 180_000 };
const SMALL: FaultRun = { ...RUN, fleet: { seed: 22, workstations: 12, piloted: 6 }, partitions: 3, workers: 1, recordsPerSecond: 1_500 };
const KILLS = 20;
const EVERY_MS = 3_000;
/** About two minutes on a machine of its own with two cores; busy ones are given time. */
const TEST_MS_MAX = 1_500_000;

describe('three nodes, three workers of each stage', () => {
  let cluster: KafkaCluster | null = null;
  let redis: LocalProgram | null = null;
  let site: Site | null = null;

  beforeAll(async () => {
    try {
      [cluster, redis] = await Promise.all([startCluster(), startRedis()]);
    } catch (error) {
      if (process.env['CI'] === 'true') throw error;
      console.error(`under faults: NO LOCAL CLUSTER, nothing is tested: ${(error as Error).message}`);
    }
  });
  afterEach(async () => {
    redis = site?.redis ?? redis;
    await site?.end();
    site = null;
  });
  afterAll(async () => {
    await Promise.all([cluster?.stop(), redis?.stop()]);
  });

  const losses: readonly (readonly [string, (site: Site) => Promise<void>])[] = [
    ['disk', (at) => at.killWorker(true, 'detect')],
    ['broker', (at) => at.killBroker()],
    ['Redis', (at) => at.killRedis()],
  ];

  test.for(losses)('a worker that loses its %s in the middle of a replayed day ends with byte-equal findings', async ([, lose], context) => {
    if (cluster === null || redis === null) return context.skip();
    site = new Site(cluster, redis, SMALL);
    const report = await runUnderFaults(site, SMALL, async (at) => {
      while (at.sending && at.sent < at.total / 2) await systemClock.sleep(50);
      await lose(at);
    });
    console.log(tell(report));
    expect(report.differences).toEqual([]);
    expect(report.findings).toBeGreaterThan(5);
  });

  test('a reader follows the leader: a replica that was one is not read any more', async (context) => {
    if (cluster === null) return context.skip();
    const failures: Error[] = [];
    const log = await kafkaLog(cluster.brokers, { reader: { ...KAFKA_DEFAULTS.reader, onFetchFailure: (error) => void failures.push(error) } });
    const topic = unique('moved');
    await log.admin.create([{ name: topic, partitions: 1, settings: {} }], 3);
    const feed = (await log.openReader()).open({ topic, partition: 0, offset: 0 });
    await until('its end is known', () => feed.caughtUp);
    failures.length = 0;
    await cluster.moveLeader(topic, 0);
    await log.append([record(topic, 0, 'k', 'after')]);
    await until('what came after that', () => feed.headTimestamp() !== undefined);
    expect(failures.map(({ message }) => message).join(), 'the old leader says that it is none').toMatch(/not the leader/);
    await log.close();
  });

  test('at least 20 kills, dying brokers, moved leaders, an emptied Redis, lost disks: what is committed equals the embedded run', { timeout: TEST_MS_MAX }, async (context) => {
    if (cluster === null || redis === null) return context.skip();
    site = new Site(cluster, redis, RUN);
    const report = await runUnderFaults(site, RUN, (at) => disorder(at, KILLS, EVERY_MS));
    console.log(tell(report));
    expect(report.differences).toEqual([]);
    expect(report.faults.get('worker killed')).toBeGreaterThanOrEqual(KILLS);
    for (const fault of ['broker killed', 'leader moved', 'Redis killed', 'disk lost', 'worker added', 'worker removed']) expect(report.faults.get(fault), fault).toBeGreaterThan(0);
    expect(report.checkpointsUsed).toBeGreaterThan(0);
    expect([report.findings, report.letters].every((count) => count > 20)).toBe(true);
  });
});
