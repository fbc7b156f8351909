/** Three Kafka nodes (KRaft, each broker and controller) as local programs, to kill, to start again, to move leaders on. */
import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Admin } from 'kafkajs';
import { systemClock } from '#lib/kernel/clock.ts';
import { createKafka } from '#lib/log/kafka-client.ts';
import { checkJava, newClusterId, startKafkaNode, type KafkaNode } from './local.ts';
import { freePorts, type Started } from './process.ts';

const NODES = 3;
const WAIT_MS_MAX = 45_000;
const PROPERTIES = [
  'default.replication.factor=3',
  // A node that was killed is given up soon, and leads again soon after it is back.
  'broker.session.timeout.ms=6000',
  'broker.heartbeat.interval.ms=1000',
  'auto.leader.rebalance.enable=true',
  'leader.imbalance.check.interval.seconds=2',
  'leader.imbalance.per.broker.percentage=0',
  'controlled.shutdown.enable=true',
];

export interface KafkaCluster {
  /** `host:port,host:port,host:port` */
  readonly brokers: string;
  /** kill -9. */
  kill(id: number): void;
  /** Starts a node that was killed, on its old directory. */
  restart(id: number): Promise<void>;
  /** Makes another node the leader of a partition; answers the ids of the old and the new one. */
  moveLeader(topic: string, partition: number): Promise<{ from: number; to: number }>;
  stop(): Promise<void>;
}

export async function startCluster(): Promise<KafkaCluster> {
  await checkJava();
  const directory = mkdtempSync(join(tmpdir(), 'farhand-cluster-'));
  const ports = await freePorts(2 * NODES);
  const nodes = Array.from({ length: NODES }, (_, i): KafkaNode => {
    const own = join(directory, String(i + 1));
    mkdirSync(own);
    return { id: i + 1, directory: own, port: ports[2 * i]!, controllerPort: ports[2 * i + 1]!, replicas: 3, inSync: 2, heap: '512m', properties: PROPERTIES };
  });
  const cluster = newClusterId();
  let starts = 0;
  const begin = (node: KafkaNode): Promise<Started> => startKafkaNode(node, nodes, cluster, join(node.directory, `log-${starts++}`));
  const begun = await Promise.allSettled(nodes.map(begin));
  const running = new Map<number, Started>();
  begun.forEach((result, i) => {
    if (result.status === 'fulfilled') running.set(nodes[i]!.id, result.value);
  });
  const stop = async (): Promise<void> => {
    // Together: a node that stops in good order asks the others to take over, and the last two would wait for a quorum.
    await Promise.all([...running.values()].map((node) => node.stop(3_000)));
    rmSync(directory, { recursive: true, force: true });
  };
  const failed = begun.find((result) => result.status === 'rejected');
  if (failed !== undefined) {
    await stop();
    throw failed.reason;
  }
  const brokers = nodes.map(({ port }) => `127.0.0.1:${port}`);
  await withAdmin(brokers, (admin) => eventually('all nodes in the cluster', async () => (await admin.describeCluster()).brokers.length === NODES));
  return {
    brokers: brokers.join(','),
    kill: (id) => running.get(id)!.kill('SIGKILL'),
    restart: async (id) => {
      await running.get(id)!.stop(0);
      running.set(id, await begin(nodes.find((node) => node.id === id)!));
    },
    moveLeader: (topic, partition) => moveLeader(brokers, topic, partition),
    stop,
  };
}

async function withAdmin<T>(brokers: string[], ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = createKafka({ brokers, clientId: 'farhand-test', clock: systemClock }).admin();
  await admin.connect();
  try {
    return await ask(admin);
  } finally {
    await admin.disconnect();
  }
}

async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const deadline = systemClock.monotonicMs() + WAIT_MS_MAX;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > deadline) throw new Error(`waited ${WAIT_MS_MAX} ms for ${what}`);
    await systemClock.sleep(200);
  }
}

/** By putting another replica first, which the controller then prefers. */
function moveLeader(brokers: string[], topic: string, partition: number): Promise<{ from: number; to: number }> {
  return withAdmin(brokers, async (admin) => {
    const placed = async () => (await admin.fetchTopicMetadata({ topics: [topic] })).topics[0]!.partitions.find((p) => p.partitionId === partition)!;
    const { leader: from, replicas } = await placed();
    const rotated = [...replicas.filter((id) => id !== from), from];
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment: [{ partition, replicas: rotated }] }], timeout: 10_000 });
    let to = from;
    await eventually(`another leader of ${topic}/${partition} than node ${from}`, async () => (to = (await placed()).leader) !== from && to >= 0);
    return { from, to };
  });
}
