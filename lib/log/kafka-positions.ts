/**
 * The positions that a group has committed, by OffsetFetch v7 with `require_stable` (KIP-447), which kafkajs does not have: what its v5
 * answers lies behind for a moment after the group's coordinator has moved, and whoever began there would do again what is done. With the
 * flag the new coordinator answers when it knows that nothing is missing.
 * Format: https://kafka.apache.org/protocol#The_Messages_OffsetFetch
 */
import type { Clock } from '#lib/kernel/clock.ts';
import { protocolError, REQUEST_TIMEOUT_MS } from './kafka-client.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { Coordinator } from './kafka-coordinator.ts';
import { WireCursor, WireWriter, type WireRequest } from './kafka-wire.ts';

const OFFSET_FETCH = 9;
const VERSION = 7;
/** Of an answer about a partition for which nothing was ever committed. */
const NONE = -1;

interface CommittedOffset {
  readonly topic: string;
  readonly offset: number;
  readonly errorCode: number;
}

/** Of one partition of each topic. */
function offsetFetchRequest(group: string, topics: readonly string[], partition: number): WireRequest<{ errorCode: number; offsets: CommittedOffset[] }> {
  const encode = () => {
    const out = new WireWriter(64 + 64 * topics.length).noTags().compactString(group).compactLength(topics.length);
    for (const topic of topics) out.compactString(topic).compactLength(1).int32(partition).noTags();
    return out.int8(1).noTags().done();
  };
  const decode = (payload: Buffer) => {
    const input = new WireCursor(payload);
    input.skipTags();
    const clientSideThrottleTime = input.int32();
    const offsets = input.compactMany(() => {
      const topic = input.compactString();
      const [answered] = input.compactMany(() => {
        input.int32();
        const offset = input.int64();
        input.int32(); // the leader's epoch
        input.compactString(); // metadata: ours are empty
        const errorCode = input.int16();
        input.skipTags();
        return { topic, offset, errorCode };
      });
      input.skipTags();
      return answered!;
    });
    return Promise.resolve({ clientSideThrottleTime, offsets, errorCode: input.int16() });
  };
  return {
    request: { apiKey: OFFSET_FETCH, apiVersion: VERSION, apiName: 'OffsetFetch', encode },
    response: { decode, parse: (data) => Promise.resolve(data) },
    requestTimeout: REQUEST_TIMEOUT_MS,
  };
}

/** By topic, of one partition; topics for which nothing was ever committed are left out. */
export async function committedOffsets(cluster: KafkaCluster, clock: Clock, group: string, topics: readonly string[], partition: number, deadlineMs: number): Promise<Map<string, number>> {
  const offsets = await Coordinator.ofGroup(cluster, clock, group).ask(deadlineMs, async (broker) => {
    const answer = await broker.connectionPool.send(offsetFetchRequest(group, topics, partition));
    const errorCode = answer.errorCode || (answer.offsets.find((one) => one.errorCode !== 0)?.errorCode ?? 0);
    if (errorCode !== 0) throw protocolError(errorCode);
    return answer.offsets;
  });
  return new Map(offsets.filter(({ offset }) => offset !== NONE).map(({ topic, offset }) => [topic, offset]));
}
