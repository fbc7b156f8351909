/** State lives in event time: what it has outlived leaves the changelog by a tombstone, under faults too, and does not come back. */
import { expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import type { OutgoingRecord } from '#lib/log/log.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { INGEST_OUTPUTS } from '../../services/ingest/outputs.ts';
import { createIngestTask } from '../../services/ingest/task.ts';
import { AT, keystrokes } from '../../services/ingest/test-records.ts';
import { Bench } from './bench.ts';
import { expectedOf } from './simulate.ts';
import type { Broker } from './broker/broker.ts';
import type { History } from './history.ts';
import { PARTITIONS, TOPICS } from './topics.ts';
import { World } from './world.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Keys of a changelog by what their last record is. */
function keysOf(broker: Broker, topic: string): { live: string[]; dead: string[] } {
  const last = new Map<string, boolean>();
  for (const { key, value } of broker.committed(topic).flat()) last.set(Buffer.from(key!).toString(), value !== null);
  const of = (live: boolean) => [...last].flatMap(([key, is]) => (is === live ? [key] : []));
  return { live: of(true), dead: of(false) };
}

/** The history and, 50 days later, a working day of other people on every partition. */
function andMuchLater(history: History): History {
  const from = history.arrivals.at(-1)! + 50 * DAY_MS;
  const later: { record: OutgoingRecord; at: number }[] = [];
  for (let partition = 0; partition < PARTITIONS; partition++) {
    for (let n = 0, found = 0; found < 3; n++) {
      const key = Buffer.from(`acme|later-${n}`);
      if (partitionOf(key, PARTITIONS) !== partition) continue;
      found++;
      for (let hour = 0; hour < 30; hour++) {
        const at = from + hour * HOUR_MS + n;
        const event = keystrokes({ eventId: `later-${n}-${hour}`, userId: `later-${n}`, deviceId: `d-later-${n}`, sessionId: `s-later-${n}`, observedAt: at });
        later.push({ at: at + 1, record: { topic: TOPICS.keystrokeLatency, partition: null, key, value: encodeFramed(event.type, event), timestampMs: at } });
      }
    }
  }
  later.sort((a, b) => a.at - b.at);
  let last = history.arrivals.at(-1)!;
  const arrivals = later.map(({ at }) => (last = Math.max(at, last + 1)));
  return { ...history, name: 'much later', records: [...history.records, ...later.map(({ record }) => record)], arrivals: [...history.arrivals, ...arrivals] };
}

test.each([['without faults', 0], ['with faults and disks', 2]] as const)('detect forgets people by event time, with a tombstone each: %s', async (_name, seed) => {
  const { history } = await expectedOf(2);
  const world = new World({ seed, history: andMuchLater(history), faults: seed !== 0 });
  await world.run();
  expect(world.failures).toEqual([]);
  const people = new Set(history.records.map(({ key }) => Buffer.from(key!).toString()));
  const isOfHistory = (key: string) => [...people].some((person) => key.endsWith(`\0${person}`));
  const { live, dead } = keysOf(world.broker, TOPICS.detectChangelog);
  expect(people.size).toBeGreaterThan(10);
  expect(live.filter(isOfHistory), 'nobody of the old days is left').toEqual([]);
  expect(dead.filter(isOfHistory).length, 'they were there, and have a tombstone').toBeGreaterThan(5);
  expect(live.filter((key) => key.includes('later-')).length, 'those of today are there').toBeGreaterThan(8);
});

test('ingest forgets event ids by buckets of event time, with a tombstone for each of their chunks', async () => {
  const topics = { events: 'events', letters: 'letters', changelog: 'app-changelog' };
  const bench = new Bench(['in', ...Object.values(topics)], 1);
  const source = fileSchemaSource();
  const service = {
    application: 'app', inputs: ['in'], outputs: { [INGEST_OUTPUTS.events]: topics.events, [INGEST_OUTPUTS.deadLetters]: topics.letters }, changelog: topics.changelog,
    createTask: (_task: number, state: Parameters<typeof createIngestTask>[0]['state']) =>
      createIngestTask({ config: ingestConfigSchema.parse({ duplicateBucketsMax: 3 }), decoder: avroRecordDecoder({ source }), encoder: framedEncoder(source), state }),
  };
  const send = (hour: number) => {
    const event = keystrokes({ eventId: `e-${hour}`, observedAt: AT + hour * HOUR_MS });
    bench.broker.append([{ topic: 'in', partition: 0, key: null, value: encodeFramed(event.type, event), timestampMs: event.observedAt }]);
  };
  let restored = -1;
  await bench.play(async () => {
    for (let hour = 0; hour < 10; hour++) send(hour);
    const one = bench.start('one', service, { batchRecordsMax: 1, commitIntervalMs: 0 });
    await bench.until('the events', () => bench.broker.committed(topics.events).flat().length === 10);
    one.stop();
    await one.ended;
    send(9);
    const two = bench.start('two', service, {}, { restored: (_task, _records, keys) => (restored = keys) });
    await bench.until('the repeat', () => bench.broker.position('app', 'in', 0) === 11);
    two.stop();
    await two.ended;
  });
  const { live, dead } = keysOf(bench.broker, topics.changelog);
  expect(dead.length).toBeGreaterThanOrEqual(7);
  expect(restored).toBe(live.length);
  expect(live.length).toBeLessThanOrEqual(4);
  expect(bench.broker.committed(topics.events).flat(), 'a repeat within the memory is still known').toHaveLength(10);
});
