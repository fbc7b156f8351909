/** Logs for tests: the memory log, and the Kafka log on the broker that the global set-up found. */
import { randomUUID } from 'node:crypto';
import { systemClock } from '#lib/kernel/clock.ts';
import { KAFKA_DEFAULTS, openKafkaLog, type OpenKafkaOptions } from '#lib/log/kafka.ts';
import type { Log, LogRecord, OutgoingRecord } from '#lib/log/log.ts';

export function kafkaLog(brokers: string, overrides: Partial<OpenKafkaOptions> = {}): Promise<Log> {
  return openKafkaLog({ ...KAFKA_DEFAULTS, brokers: brokers.split(','), clientId: 'farhand-test', clock: systemClock, ...overrides });
}

/** A topic or group name that no other test has. */
export function unique(name: string): string {
  return `test.${name}.${randomUUID().slice(0, 8)}`;
}

export function record(topic: string, partition: number | null, key: string | null, value: string | null, timestampMs = 1): OutgoingRecord {
  return { topic, partition, key: key === null ? null : Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs };
}

export const text = (bytes: Uint8Array | null): string | null => (bytes === null ? null : Buffer.from(bytes).toString());

/** Every transaction that wrote to the partition has ended there: each of its partitions has a marker of its own, and that of the positions may come first. */
export async function isDecided(log: Log, topic: string, partition: number): Promise<boolean> {
  return !(await log.hasMore({ topic, partition, offset: (await log.offsetsOf(topic, partition)).end }));
}

/** Everything committed in one partition. */
export async function readAll(log: Log, topic: string, partition: number): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  await log.readToEnd(topic, partition, (batch) => records.push(...batch));
  return records;
}

/** Waits until `condition` holds; fails after `timeoutMs` with what was waited for. */
export async function until(what: string, condition: () => boolean | Promise<boolean>, timeoutMs = 30_000): Promise<void> {
  const deadline = systemClock.monotonicMs() + timeoutMs;
  while (!(await condition())) {
    if (systemClock.monotonicMs() > deadline) throw new Error(`waited ${timeoutMs} ms for ${what}`);
    await systemClock.sleep(20);
  }
}
