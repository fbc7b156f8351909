import { expect, it } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import type { KafkaBroker, KafkaCluster, SharedCluster } from './kafka-cluster.ts';
import { KafkaReader } from './kafka-reader.ts';
import type { FetchedPartition } from './kafka-wire.ts';

const OPTIONS = { clock: systemClock, prefetchBytesMax: 1, partitionBytesMax: 1, fetchBytesMax: 1, pollMs: 1 };
const NODE = 1;
/** More microtasks than lie between a look at the leaders and its end. */
const STEPS_MAX = 40;
const LOOKED_FOR_MS_MAX = 1_000;

/** A cluster of one broker that leads two partitions and has no records; notes how often it is asked to read. */
function emptyCluster(asked: { count: number }): SharedCluster {
  const send = async (): Promise<{ errorCode: number; partitions: FetchedPartition[] }> => {
    asked.count++;
    await systemClock.sleep(1);
    return { errorCode: 0, partitions: [] };
  };
  const broker = { nodeId: NODE, connectionPool: { host: 'a', port: 1, send } } as unknown as KafkaBroker;
  const cluster = {
    addMultipleTargetTopics: () => Promise.resolve(),
    findTopicPartitionMetadata: () => [0, 1].map((partitionId) => ({ partitionId, leader: NODE })),
    findBroker: () => Promise.resolve(broker),
  } as unknown as KafkaCluster;
  const use = <T>(_what: string, _msMax: number, request: (of: KafkaCluster) => Promise<T>): Promise<T> => request(cluster);
  return { use, close: () => Promise.resolve() } as unknown as SharedCluster;
}

it('finds the leader of a partition that is opened at any moment of looking for another one', async () => {
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const asked = { count: 0 };
    const reader = new KafkaReader(emptyCluster(asked), OPTIONS);
    reader.open({ topic: 't', partition: 0, offset: 0 }).close();
    for (let i = 0; i < steps; i++) await Promise.resolve();
    reader.open({ topic: 't', partition: 1, offset: 0 });
    for (let waited = 0; asked.count === 0 && waited < LOOKED_FOR_MS_MAX; waited++) await systemClock.sleep(1);
    expect(asked.count, `opened ${steps} steps after the first one`).toBeGreaterThan(0);
    await reader.close();
  }
});
