/** Rejected records of every size through a real ingest worker and broker: each arrives as a dead letter, none blocks. */
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { FarhandError } from '#lib/kernel/errors.ts';
import type { Log, LogRecord, OutgoingRecord } from '#lib/log/log.ts';
import type { DeadLetter } from '#schemas/records.ts';
import { AT, connection, keystrokes } from '../../services/ingest/test-records.ts';
import { kafkaLog, readAll, until } from '../infrastructure/logs.ts';
import { install, type Installation } from './farhand.ts';

const brokers = inject('kafkaBrokers');
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** Nearly the longest value that a topic takes by default: 1,048,588 bytes, less the heads of batch, record and zstd. */
const VALUE_BYTES_MOST = 1_048_588 - 61 - 11 - 64;

describe.skipIf(brokers === null)('dead letters on Kafka', () => {
  let farhand: Installation;
  let log: Log;
  let plain: Log;

  beforeEach(async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', 1);
    log = await kafkaLog(brokers!);
    plain = await kafkaLog(brokers!, { compression: 'none' });
  });
  afterEach(async () => {
    await Promise.all([log.close(), plain.close()]);
    await farhand.stop();
  });

  const letters = avroRecordDecoder({ names: ['DeadLetter'] });
  function letterOf(record: LogRecord): DeadLetter {
    const result = letters.decode(record);
    if (!result.ok) throw new Error(`${result.reason} ${result.detail}`);
    return result.event;
  }
  /** What the topic holds; nothing while a new partition has no leader yet. */
  const read = (topic: string): Promise<LogRecord[]> =>
    readAll(log, topic, 0).catch((error: unknown) => {
      if (error instanceof FarhandError && error.retriable) return [];
      throw error;
    });
  /** The letters, once as many are there. */
  async function lettersOf(count: number): Promise<{ record: LogRecord; letter: DeadLetter }[]> {
    let records: LogRecord[] = [];
    await until(`${count} dead letters`, async () => (records = await read(farhand.topics.deadLetter)).length >= count, 40_000);
    return records.map((record) => ({ record, letter: letterOf(record) }));
  }

  test('the largest record that telemetry takes, a long key, a record that was compressed, wrong clocks', async () => {
    expect(await farhand.run('topics')).toContain('topics are as they should be');
    const { topics } = farhand;
    const outgoing = (value: Uint8Array | null, key: Uint8Array | null = null): OutgoingRecord => ({ topic: topics.connection, partition: 0, key, value, timestampMs: 1 });
    const [random, longKey] = [randomBytes(VALUE_BYTES_MOST), randomBytes(1_000_000)];
    await expect(plain.append([outgoing(randomBytes(VALUE_BYTES_MOST + 100))])).rejects.toThrow(/large/i);
    const before = systemClock.nowMs();
    const ahead = connection({ observedAt: before + 10 * MINUTE_MS });
    await plain.append([outgoing(random)]);
    await plain.append([outgoing(null, longKey)]);
    await log.append([outgoing(Buffer.alloc(40_000_000))]);
    await log.append([outgoing(encodeFramed('Connection', ahead)), outgoing(encodeFramed('Connection', connection({ mss: -1 }))), outgoing(encodeFramed('Connection', connection()))]);
    farhand.worker('ingest', 'one');
    const found = await lettersOf(5);
    expect(found.map(({ letter }) => [letter.offset, letter.reason])).toEqual([
      [0, 'TOO_LARGE'], [1, 'EMPTY'], [2, 'TOO_LARGE'], [3, 'CLOCK_AHEAD'], [4, 'OUT_OF_RANGE'],
    ]);
    expect(Buffer.compare(found[0]!.letter.value, random)).toBe(0);
    expect(Buffer.compare(found[1]!.letter.key!, longKey)).toBe(0);
    expect(found[2]!.letter.value.length).toBe(1024 * 1024);
    expect(found[2]!.letter.detail).toContain('of 40000000 bytes');
    for (const { record, letter } of found.slice(0, 4)) {
      expect(letter.arrivedAt).toBeGreaterThanOrEqual(before - 1_000);
      expect(record.timestampMs).toBe(letter.arrivedAt);
    }
    expect(found[4]!.record.timestampMs).toBe(AT);
    await until('the valid record', async () => (await read(topics.events)).length === 1);
    expect((await readAll(log, topics.events, 0))[0]!.timestampMs).toBe(AT);
  });

  test('telemetry whose arrival nobody knows, as its topic is not as it should be: a time in the far future blocks nothing', async () => {
    await farhand.stop();
    farhand = install(brokers!, 'redis://127.0.0.1:1', 1, { ingest: { arrivalTime: 'optional' } });
    const { topics } = farhand;
    await log.admin.create([{ name: topics.keystrokeLatency, partitions: 1, settings: {} }], 1);
    await expect(farhand.run('topics')).rejects.toThrow(/message\.timestamp\.type +CreateTime +LogAppendTime/);
    const later = systemClock.nowMs() + 3 * DAY_MS;
    const records = [keystrokes({ eventId: 'valid', observedAt: later }), keystrokes({ eventId: 'rejected', observedAt: later, intervalMs: 0 }), keystrokes({ eventId: 'last' })];
    await log.append(records.map((event) => ({ topic: topics.keystrokeLatency, partition: 0, key: null, value: encodeFramed(event.type, event), timestampMs: AT })));
    farhand.worker('ingest', 'one');
    const [rejected] = await lettersOf(1);
    expect(rejected!.letter).toMatchObject({ reason: 'OUT_OF_RANGE', arrivedAt: null });
    await until('both events', async () => (await read(topics.events)).length === 2);
    const times = (await readAll(log, topics.events, 0)).map(({ timestampMs }) => timestampMs);
    expect(times[0]).toBeLessThanOrEqual(systemClock.nowMs());
    expect(times[1]).toBe(AT);
  });
});
