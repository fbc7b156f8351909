import { expect, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import type { KafkaBroker, KafkaCluster } from './kafka-cluster.ts';
import { committedOffsets } from './kafka-positions.ts';
import type { WireRequest } from './kafka-wire.ts';

const UNSTABLE_OFFSET_COMMIT = 88;
const SOON_MS = 5_000;

/** OffsetFetch response v7 of one partition of each topic, as the protocol's page lays it out. */
function response(offsets: readonly (readonly [topic: string, offset: bigint])[], errorCode = 0): Buffer {
  const topics = offsets.map(([topic, offset]) => {
    const numbers = Buffer.alloc(4 + 8 + 4);
    numbers.writeInt32BE(3, 0);
    numbers.writeBigInt64BE(offset, 4);
    numbers.writeInt32BE(-1, 12);
    const error = Buffer.from([0, errorCode]);
    return Buffer.concat([Buffer.from([topic.length + 1]), Buffer.from(topic), Buffer.from([2]), numbers, Buffer.from([1]), error, Buffer.from([0, 0])]);
  });
  // Tags of the head, time to wait, topics; the group's error and tags, of which one is of a later version.
  return Buffer.concat([Buffer.from([0, 0, 0, 0, 0, topics.length + 1]), ...topics, Buffer.from([0, 0, 1, 5, 2, 9, 9])]);
}

function clusterAnswering(responses: Buffer[]): { cluster: KafkaCluster; sent: string[] } {
  const sent: string[] = [];
  const send = async <T>({ request, response: reader }: WireRequest<T>): Promise<T> => {
    sent.push(`${request.apiKey} v${request.apiVersion} ${(await request.encode()).buf.toString('hex')}`);
    return reader.decode(responses.shift()!);
  };
  const broker = { nodeId: 1, connectionPool: { host: 'a', port: 1, send } } as unknown as KafkaBroker;
  return { cluster: { findGroupCoordinator: () => Promise.resolve(broker) } as unknown as KafkaCluster, sent };
}

const ask = (cluster: KafkaCluster) => committedOffsets(cluster, systemClock, 'grp', ['ab', 'c'], 3, systemClock.monotonicMs() + SOON_MS);

test('asks for what is stable, and tells apart what was never committed', async () => {
  const { cluster, sent } = clusterAnswering([response([['ab', 2n ** 40n], ['c', -1n]])]);
  expect([...(await ask(cluster))]).toEqual([['ab', 2 ** 40]]);
  // Tags; grp; two topics: ab, c, each with partition 3 and tags; require_stable; tags.
  expect(sent).toEqual(['9 v7 ' + '00' + '04677270' + '03' + '036162' + '02' + '00000003' + '00' + '0263' + '02' + '00000003' + '00' + '01' + '00']);
});

test('positions of a transaction that has not ended are asked for again', async () => {
  const { cluster, sent } = clusterAnswering([response([['ab', 0n], ['c', 0n]], UNSTABLE_OFFSET_COMMIT), response([['ab', 5n], ['c', 0n]])]);
  expect([...(await ask(cluster))]).toEqual([['ab', 5], ['c', 0]]);
  expect(sent).toHaveLength(2);
});

test('an error that does not pass is told', async () => {
  const { cluster } = clusterAnswering([response([['ab', -1n], ['c', -1n]], 30)]);
  await expect(ask(cluster)).rejects.toThrow('Not authorized');
});
