/**
 * What cannot be read must never be a silent standstill: a batch in Snappy on a real broker stops its task with the
 * position, what lies before it is committed, and the tool takes it out of the way; what retention took is told.
 */
import { afterEach, beforeEach, describe, expect, inject, test } from 'vitest';
import kafkajs from 'kafkajs';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Log } from '#lib/log/log.ts';
import { KAFKA_DEFAULTS } from '#lib/log/kafka.ts';
import { AT, connection } from '../../services/ingest/test-records.ts';
import { appendBatch, snappyBatch } from '../infrastructure/snappy-batch.ts';
import { kafkaLog, readAll, record, text, unique, until } from '../infrastructure/logs.ts';
import { install, type Installation } from './farhand.ts';
import { scrape, sum, urlOf } from './scrape.ts';

const brokers = inject('kafkaBrokers');

const HEADER_BYTES = 61;

describe.skipIf(brokers === null)('records that cannot be read', () => {
  let log: Log;
  let farhand: Installation | null = null;

  beforeEach(async () => {
    log = await kafkaLog(brokers!);
  });
  afterEach(async () => {
    await log.close();
    await farhand?.stop();
    farhand = null;
  });

  test('a feed gives what lies before such a batch, then fails for good with its place', async () => {
    const topic = unique('topic');
    await log.admin.create([{ name: topic, partitions: 1, settings: { 'compression.type': 'producer' } }], 1);
    await log.append([record(topic, 0, 'k', 'before')]);
    await appendBatch(brokers!, topic, 0, snappyBatch([record(topic, 0, 'k', 'one'), record(topic, 0, 'k', 'two')]));
    await log.append([record(topic, 0, 'k', 'behind')]);
    const failures: Error[] = [];
    const reading = await kafkaLog(brokers!, { reader: { ...KAFKA_DEFAULTS.reader, onFetchFailure: (error) => failures.push(error) } });
    const reader = await reading.openReader();
    const feed = reader.open({ topic, partition: 0, offset: 0 });
    await until('the record before', () => feed.headTimestamp() !== undefined);
    expect(text(feed.shift().value)).toBe('before');
    const unreadable = { code: 'FARHAND_POISON_RECORD', message: `${topic}/0@1: cannot be read (the batch up to 2): compression codec 2 (snappy or lz4) is not supported; use zstd, gzip or none` };
    const failure = (): unknown => {
      try {
        return feed.headTimestamp();
      } catch (error) {
        return error;
      }
    };
    await until('the failure', () => failure() !== undefined);
    expect(failure()).toMatchObject(unreadable);
    expect(failure(), 'it stays').toMatchObject(unreadable);
    expect([feed.position, feed.caughtUp]).toEqual([1, false]);
    await expect(readAll(log, topic, 0)).rejects.toMatchObject(unreadable);
    expect(failures, 'it is no failure of the log, and not tried again').toEqual([]);
    await reading.close();
  });

  test('the worker commits what lies before, stops with the place, and goes on once the batch is set aside', async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', 1);
    const { topics, group } = farhand;
    const settings = { 'message.timestamp.type': 'LogAppendTime', 'compression.type': 'producer' };
    await log.admin.create([{ name: topics.connection, partitions: 1, settings }], 1);
    await farhand.run('topics').catch(() => undefined); // it creates the others, and says what is wrong with this one
    const event = (id: string) => encodeFramed('Connection', connection({ eventId: id }));
    const outgoing = (id: string) => ({ topic: topics.connection, partition: 0, key: null, value: event(id), timestampMs: AT });
    const batch = snappyBatch([outgoing('lost-1'), outgoing('lost-2')]);
    await log.append([outgoing('first')]);
    await appendBatch(brokers!, topics.connection, 0, batch);
    await log.append([outgoing('last')]);
    const worker = farhand.worker('ingest', 'one');
    await until('the worker stops', () => worker.exitStatus() !== null, 60_000);
    expect(worker.exitStatus()).toBe(1);
    const hint = `farhand dead-letter set-aside --group ${group}-ingest --topic ${topics.connection} --partition 0 --offset 1`;
    expect(worker.output()).toContain(`${topics.connection}/0@1: cannot be read (the batch up to 2)`);
    expect(worker.output()).toContain(hint);
    expect((await log.committedPositions(`${group}-ingest`, [topics.connection], 0))[0]!.offset).toBe(1);
    expect(await readAll(log, topics.events, 0)).toHaveLength(1);

    const said = await farhand.run(...hint.split(' ').slice(1));
    expect(said).toContain(`${group}-ingest goes on at 3`);
    const letter = avroRecordDecoder({ names: ['DeadLetter'] }).decode((await readAll(log, topics.deadLetter, 0))[0]!);
    expect(letter).toMatchObject({ ok: true, event: { reason: 'SET_ASIDE', topic: topics.connection, offset: 1 } });
    const kept = letter.ok ? Buffer.from(letter.event.value) : Buffer.alloc(0);
    expect(kept.subarray(HEADER_BYTES).equals(batch.subarray(HEADER_BYTES)), 'the records as they were sent').toBe(true);
    farhand.worker('ingest', 'two');
    await until('the last event', async () => (await readAll(log, topics.events, 0)).length === 2);
  });

  test('records that retention deleted before they were read are counted and logged', async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', 1, { observe: { port: 0 } });
    const { topics, group } = farhand;
    await farhand.run('topics');
    const event = (id: string) => ({ topic: topics.connection, partition: 0, key: null, value: encodeFramed('Connection', connection({ eventId: id })), timestampMs: AT });
    await log.append(Array.from({ length: 20 }, (_, i) => event(`e${i}`)));
    const writer = await log.openWriter(`${group}-ingest-0`);
    await writer.commit({ records: [], group: `${group}-ingest`, positions: [{ topic: topics.connection, partition: 0, offset: 5 }] });
    await writer.close();
    const admin = new kafkajs.Kafka({ brokers: brokers!.split(','), logLevel: kafkajs.logLevel.NOTHING }).admin();
    await admin.connect();
    await admin.fetchTopicOffsets(topics.connection); // kafkajs knows the leaders of topics that it was asked of before
    await admin.deleteTopicRecords({ topic: topics.connection, partitions: [{ partition: 0, offset: '12' }] });
    await admin.disconnect();
    const worker = farhand.worker('ingest', 'one');
    await until('what is left', async () => (await readAll(log, topics.events, 0)).length === 8, 60_000);
    expect(worker.output()).toMatch(/"event":"records.lost",.*"partition":0,"from":5,"to":12/);
    expect(sum(await scrape(await urlOf(worker)), 'farhand_records_lost_total', `topic="${topics.connection}"`)).toBe(7);
  });

  test('telemetry topics without LogAppendTime: ingest and the chained job do not start, and say what to set', async () => {
    farhand = install(brokers!, 'redis://127.0.0.1:1', 1);
    const { topics } = farhand;
    await log.admin.create([{ name: topics.connection, partitions: 1, settings: {} }], 1);
    await farhand.run('topics').catch(() => undefined);
    for (const worker of [farhand.worker('ingest', 'one'), farhand.worker('embedded', 'one', '--kafka', '--workers', '1')]) {
      await until('the worker stops', () => worker.exitStatus() !== null, 60_000);
      expect(worker.output()).toMatch(new RegExp(`FARHAND_TOPICS_WRONG.*need message.timestamp.type=LogAppendTime.*: ${topics.connection} has CreateTime; set it on the topics`));
      expect(worker.exitStatus()).toBe(1);
    }
  });
});
