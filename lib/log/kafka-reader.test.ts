import { expect, it } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { protocolError } from './kafka-client.ts';
import type { KafkaBroker, KafkaCluster, SharedCluster } from './kafka-cluster.ts';
import { KafkaReader } from './kafka-reader.ts';
import type { FetchedPartition } from './kafka-wire.ts';

const OPTIONS = { clock: systemClock, prefetchBytesMax: 1, partitionBytesMax: 1, fetchBytesMax: 1, pollMs: 1 };
const NODE = 1;
/** As a broker answers clients of the version of kafkajs's; newer ones are told OFFSET_NOT_AVAILABLE (KIP-207). */
const LEADER_NOT_AVAILABLE = 5;
/** More microtasks than lie between a look at the leaders and its end. */
const STEPS_MAX = 40;
const LOOKED_FOR_MS_MAX = 1_000;

interface Behaviour {
  /** Fetches so far. */
  count: number;
  /** What the broker says is the end of each partition. */
  end: number;
  /** Whether it says it when it is asked for the end itself, or refuses, as one that leads since a moment ago. */
  settled: boolean;
  fails: boolean;
}

const behaviour = (): Behaviour => ({ count: 0, end: 0, settled: true, fails: false });

/** A cluster of one broker that leads two partitions and has no records. */
function emptyCluster(asked: Behaviour): SharedCluster {
  const send = async (): Promise<{ errorCode: number; partitions: FetchedPartition[] }> => {
    asked.count++;
    await systemClock.sleep(1);
    if (asked.fails) throw new Error('closed');
    const empty = { topic: 't', errorCode: 0, highWatermark: asked.end, lastStableOffset: asked.end, logStartOffset: 0, aborted: [], bytes: Buffer.alloc(0) };
    return { errorCode: 0, partitions: [0, 1].map((partition) => ({ ...empty, partition })) };
  };
  const broker = { nodeId: NODE, connectionPool: { host: 'a', port: 1, send } } as unknown as KafkaBroker;
  const cluster = {
    addMultipleTargetTopics: () => Promise.resolve(),
    findTopicPartitionMetadata: () => [0, 1].map((partitionId) => ({ partitionId, leader: NODE })),
    findBroker: () => Promise.resolve(broker),
    fetchTopicsOffset: async () => {
      if (!asked.settled) throw protocolError(LEADER_NOT_AVAILABLE);
      return Promise.resolve([{ topic: 't', partitions: [{ partition: 0, offset: String(asked.end) }] }]);
    },
  } as unknown as KafkaCluster;
  const use = <T>(_what: string, _msMax: number, request: (of: KafkaCluster) => Promise<T>): Promise<T> => request(cluster);
  return { use, close: () => Promise.resolve() } as unknown as SharedCluster;
}

/** Until the broker was asked `more` times from now on. */
async function fetched(asked: Behaviour, more: number): Promise<void> {
  const enough = asked.count + more;
  while (asked.count < enough) await systemClock.sleep(1);
}

it('finds the leader of a partition that is opened at any moment of looking for another one', async () => {
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const asked = behaviour();
    const reader = new KafkaReader(emptyCluster(asked), OPTIONS);
    reader.open({ topic: 't', partition: 0, offset: 0 }).close();
    for (let i = 0; i < steps; i++) await Promise.resolve();
    reader.open({ topic: 't', partition: 1, offset: 0 });
    for (let waited = 0; asked.count === 0 && waited < LOOKED_FOR_MS_MAX; waited++) await systemClock.sleep(1);
    expect(asked.count, `opened ${steps} steps after the first one`).toBeGreaterThan(0);
    await reader.close();
  }
});

it('does not believe a leader about the end that does not know yet how far its predecessor had come', async () => {
  const asked = { ...behaviour(), end: 7, settled: false };
  const reader = new KafkaReader(emptyCluster(asked), OPTIONS);
  const feed = reader.open({ topic: 't', partition: 0, offset: 7 });
  await fetched(asked, 5);
  expect([feed.caughtUp, feed.endTick], 'at first').toEqual([false, -1]);
  asked.settled = true;
  await fetched(asked, 3);
  expect(feed.caughtUp, 'once it knows').toBe(true);

  Object.assign(asked, { fails: true, settled: false });
  await fetched(asked, 2);
  asked.fails = false;
  await fetched(asked, 1);
  const told = feed.endTick;
  await fetched(asked, 5);
  expect(feed.endTick, 'after a failure another may lead').toBe(told);
  asked.settled = true;
  await fetched(asked, 3);
  expect(feed.endTick, 'once that one knows').toBeGreaterThan(told!);
  await reader.close();
});
