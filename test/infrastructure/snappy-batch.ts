/** A record batch in Snappy, as producers of other languages send it; ours never do, and ours do not read it. */
import { crc32c } from '#lib/log/crc32c.ts';
import { encodeBatch } from '#lib/log/kafka-batch-builder.ts';
import { createKafka } from '#lib/log/kafka-client.ts';
import { closeCluster, openCluster } from '#lib/log/kafka-cluster.ts';
import { produce, ready } from '#lib/log/kafka-produce-request.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import type { OutgoingRecord } from '#lib/log/log.ts';

const HEADER_BYTES = 61;
const SNAPPY = 2;
const LITERAL_OF_TWO_BYTES = 61 << 2;

/** The raw Snappy form of up to 64 KiB: a preamble with the length, and one literal. */
function snappyLiteral(content: Buffer): Buffer {
  const preamble: number[] = [];
  let left = content.length;
  for (; left >= 128; left = Math.floor(left / 128)) preamble.push((left % 128) | 128);
  preamble.push(left);
  const length = content.length - 1;
  return Buffer.concat([Buffer.from([...preamble, LITERAL_OF_TWO_BYTES, length & 0xff, length >>> 8]), content]);
}

export function snappyBatch(records: readonly OutgoingRecord[]): Buffer {
  const plain = encodeBatch(records, { id: -1n, epoch: -1, firstSequence: -1, transactional: false }, 'none');
  const batch = Buffer.concat([plain.subarray(0, HEADER_BYTES), snappyLiteral(plain.subarray(HEADER_BYTES))]);
  batch.writeInt32BE(batch.length - 12, 8);
  batch.writeInt16BE(SNAPPY, 21);
  batch.writeUInt32BE(crc32c(batch, 21), 17);
  return batch;
}

/** Appends one batch as it is to a partition of the broker. */
export async function appendBatch(brokers: string, topic: string, partition: number, batch: Buffer): Promise<void> {
  const cluster = await openCluster(createKafka({ brokers: brokers.split(','), clientId: 'farhand-test', clock: systemClock }), systemClock);
  try {
    await cluster.addMultipleTargetTopics([topic]);
    const { leader } = cluster.findTopicPartitionMetadata(topic).find((p) => p.partitionId === partition)!;
    const broker = await cluster.findBroker({ nodeId: leader });
    const connection = await ready(await broker.connectionPool.getConnection());
    const [produced] = await produce(connection, [{ topic, partition, batch }], { transactionalId: null, timeoutMs: 10_000 });
    const code = produced?.errorCode;
    if (code !== 0) throw new Error(`the broker refused the batch with code ${code}`);
  } finally {
    closeCluster(cluster);
  }
}
