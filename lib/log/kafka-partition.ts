/** One partition on Kafka, asked once: where it ends, all that it has, whether anything follows. */
import type { Clock } from '#lib/kernel/clock.ts';
import { decodeBatches } from './kafka-batch.ts';
import { asLogError, protocolError, retrySoon, UNPLACED } from './kafka-client.ts';
import { within, type KafkaCluster } from './kafka-cluster.ts';
import { fetchRequest } from './kafka-wire.ts';
import type { LogRecord, Position } from './log.ts';

export const OFFSET_OUT_OF_RANGE = 1;
/** Beyond the time that the broker may hold the answer back. */
export const REQUEST_MS_MAX = 12_000;
/** How long a partition may be without a leader before that is an error, in what is not tried again by itself. */
const UNPLACED_MS_MAX = 5_000;

/** As of now, of what is committed; refused by a leader that does not know it yet, see `settle` in kafka-reader.ts. */
export async function findEnd(cluster: KafkaCluster, { topic, partition }: { readonly topic: string; readonly partition: number }): Promise<number> {
  const [last] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: false }]);
  return Number(last!.partitions[0]!.offset);
}

export async function findEnds(cluster: KafkaCluster, topic: string, partition: number): Promise<{ leader: number; start: number; end: number }> {
  await cluster.addMultipleTargetTopics([topic]);
  await cluster.refreshMetadata();
  const [start] = await cluster.fetchTopicsOffset([{ topic, partitions: [{ partition }], fromBeginning: true }]);
  const end = await findEnd(cluster, { topic, partition });
  const { leader } = cluster.findTopicPartitionMetadata(topic).find((p) => p.partitionId === partition)!;
  return { leader, start: Number(start!.partitions[0]!.offset), end };
}

/** Reads one partition from its first record or from `from` to its committed end as of now; answers the offset after what it read. */
export async function readPartitionToEnd(
  cluster: KafkaCluster,
  { topic, partition, from }: { readonly topic: string; readonly partition: number; readonly from?: number },
  options: { readonly clock: Clock; readonly fetchBytesMax: number; readonly pollMs: number },
  take: (records: readonly LogRecord[], end?: number) => void,
): Promise<number> {
  const { fetchBytesMax: bytesMax, clock } = options;
  const ask = <T>(request: Promise<T>): Promise<T> => within(clock, options.pollMs + REQUEST_MS_MAX, 'a request', request);
  try {
    const { leader, end, ...found } = await ask(retrySoon(clock, clock.monotonicMs() + UNPLACED_MS_MAX, () => findEnds(cluster, topic, partition), UNPLACED));
    let offset = Math.max(from ?? 0, found.start);
    const broker = await ask(cluster.findBroker({ nodeId: leader }));
    const fetchOptions = { waitMsMax: options.pollMs, bytesMax, partitionBytesMax: bytesMax, requestTimeoutMs: options.pollMs + REQUEST_MS_MAX };
    while (offset < end) {
      const answer = await ask(broker.connectionPool.send(fetchRequest([{ topic, partition, offset }], fetchOptions)));
      const [fetched] = answer.partitions;
      if (fetched === undefined || fetched.errorCode !== 0) throw protocolError(fetched?.errorCode ?? answer.errorCode);
      const records: LogRecord[] = [];
      offset = decodeBatches(fetched.bytes, { topic, partition, fromOffset: offset }, fetched.aborted, records);
      if (records.length > 0) take(records, end);
    }
    return offset;
  } catch (error) {
    throw asLogError(error, `reading ${topic}/${partition} to its end`);
  }
}

/** Bytes that are enough to see a record, or to get past the markers of a few transactions. */
const PEEK_BYTES = 64 * 1024;

/** See Log: what a fetch at the position shows, markers of transactions alone not counted. */
export async function hasMore(cluster: KafkaCluster, { topic, partition, offset }: Position): Promise<boolean> {
  await cluster.addMultipleTargetTopics([topic]);
  // Not for its answer: a leader that does not know yet all that there is refuses it, where the fetch below would show less.
  await findEnd(cluster, { topic, partition });
  // Where it has moved, the answer is an error, and with the next question come fresh metadata.
  const broker = await cluster.findBroker({ nodeId: cluster.findTopicPartitionMetadata(topic).find((p) => p.partitionId === partition)!.leader });
  const options = { waitMsMax: 0, bytesMax: PEEK_BYTES, partitionBytesMax: PEEK_BYTES, requestTimeoutMs: REQUEST_MS_MAX };
  for (let next = offset; ; ) {
    const answer = await broker.connectionPool.send(fetchRequest([{ topic, partition, offset: next }], options));
    const [fetched] = answer.partitions;
    // Retention has deleted what follows: whoever works on the partition has to go there first.
    if (fetched?.errorCode === OFFSET_OUT_OF_RANGE) return true;
    if (fetched === undefined || fetched.errorCode !== 0) throw protocolError(fetched?.errorCode ?? answer.errorCode);
    if (fetched.highWatermark > fetched.lastStableOffset) return true;
    if (next >= fetched.lastStableOffset) return false;
    const records: LogRecord[] = [];
    const after = decodeBatches(fetched.bytes, { topic, partition, fromOffset: next }, fetched.aborted, records);
    if (records.length > 0 || after === next) return true;
    next = after;
  }
}
