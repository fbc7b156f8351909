/** The pipeline on a cluster of three nodes while a disk, a node or Redis is lost in the middle of a replayed day. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { startCluster, type KafkaCluster } from '../infrastructure/cluster.ts';
import { startRedis, type LocalProgram } from '../infrastructure/local.ts';
import { runUnderFaults, Site, tell, type FaultRun } from './under-faults.ts';

const RUN: FaultRun = { fleet: { seed: 22, workstations: 12, piloted: 6 }, partitions: 3, workers: 1, recordsPerSecond: 1_500, garbageShare: 0.01, drainMsMax: 180_000 };

describe('three nodes', () => {
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

  test.each(losses)('a worker that loses its %s in the middle of a replayed day ends with byte-equal findings', async (_what, lose) => {
    if (cluster === null || redis === null) return;
    site = new Site(cluster, redis, RUN);
    const report = await runUnderFaults(site, RUN, async (at) => {
      while (at.sending && at.sent < at.total / 2) await systemClock.sleep(50);
      await lose(at);
    });
    console.log(tell(report));
    expect(report.differences).toEqual([]);
    expect(report.findings).toBeGreaterThan(5);
  });
});
