import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { protocolError } from './kafka-client.ts';
import type { KafkaBroker, KafkaCluster } from './kafka-cluster.ts';
import { Coordinator } from './kafka-coordinator.ts';

const [LOADING, NOT_COORDINATOR, CONCURRENT_TRANSACTIONS] = [14, 16, 51];
const SOON_MS = 5_000;

/** A cluster whose coordinators are found in this order, the last one for ever; counts how often one was looked for. */
function clusterOf(...nodes: number[]): { cluster: KafkaCluster; found: () => number } {
  let found = 0;
  const findGroupCoordinator = () => Promise.resolve({ nodeId: nodes[Math.min(found++, nodes.length - 1)]! } as KafkaBroker);
  return { cluster: { findGroupCoordinator } as unknown as KafkaCluster, found: () => found };
}

/** Fails with the codes given for the node, one after the other; then answers the node. */
function answering(codes: Record<number, number[]>): (broker: KafkaBroker) => Promise<number> {
  return async ({ nodeId }) => {
    const code = codes[Number(nodeId)]?.shift();
    if (code !== undefined) throw protocolError(code);
    return Promise.resolve(Number(nodeId));
  };
}

const deadline = (): number => systemClock.monotonicMs() + SOON_MS;

test('a coordinator that has moved is found anew, and not asked again until the deadline', async () => {
  const { cluster, found } = clusterOf(1, 1, 2);
  const coordinator = Coordinator.ofGroup(cluster, systemClock, 'g');
  expect(await coordinator.ask(deadline(), answering({ 1: [NOT_COORDINATOR, NOT_COORDINATOR], 2: [LOADING] }))).toBe(2);
  expect(found()).toBe(3);
  expect(await coordinator.ask(deadline(), answering({}))).toBe(2);
  expect(found(), 'and is remembered').toBe(3);
});

test('one that is busy is asked again', async () => {
  const { cluster, found } = clusterOf(1, 2);
  expect(await Coordinator.ofTransactions(cluster, systemClock, 't').ask(deadline(), answering({ 1: [CONCURRENT_TRANSACTIONS, CONCURRENT_TRANSACTIONS] }))).toBe(1);
  expect(found()).toBe(1);
});

test('a request of which nobody knows whether it was done is not repeated', async () => {
  let asked = 0;
  const coordinator = Coordinator.ofGroup(clusterOf(1).cluster, systemClock, 'g');
  const closed = coordinator.ask(deadline(), () => Promise.reject(new Error(`closed ${++asked}`)));
  await expect(closed).rejects.toThrow('closed 1');
});

test('what it will not do before the deadline is told', async () => {
  const refused = Coordinator.ofGroup(clusterOf(1).cluster, systemClock, 'g').ask(systemClock.monotonicMs() + 20, () => Promise.reject(protocolError(NOT_COORDINATOR)));
  await expect(refused).rejects.toThrow('not the correct coordinator');
});
