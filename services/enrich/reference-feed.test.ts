import { afterEach, expect, it } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { REFERENCE_RECORDS } from '#lib/codec/decoder.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { createPseudonymiser } from '#lib/kernel/pseudonym.ts';
import { createMemoryLog } from '#lib/log/memory.ts';
import { assignment, request, seattle } from '#lib/reference/fixtures.ts';
import { createMemoryReference } from '#lib/reference/memory.ts';
import type { Broadcast } from '#lib/runner/broadcast.ts';
import type { ReferenceRecord } from '#schemas/records.ts';
import { startReferenceFeed } from './reference-feed.ts';

const TOPICS = ['reference.devices', 'reference.vantages'];
const pseudonymiser = createPseudonymiser({ pseudonyms: { acme: { keyId: 'k', keyHex: '00112233445566778899aabbccddeeff' } } });

const stop = new AbortController();
let running: Broadcast | null = null;
afterEach(async () => {
  stop.abort();
  await running?.ended;
});

const outgoing = (topic: string, record: ReferenceRecord | Buffer | null) => ({
  topic, partition: 0, key: Buffer.from('k'), value: record === null || Buffer.isBuffer(record) ? record : encodeFramed(record.type, record), timestampMs: 1,
});

it('brings the topics into the store, with the users named as the events name them', async () => {
  const log = createMemoryLog();
  await log.admin.create(TOPICS.map((name) => ({ name, partitions: 1, settings: {} })), 1);
  await log.append([
    outgoing(TOPICS[0]!, assignment('laptop', 1, { userId: 'ada' })),
    outgoing(TOPICS[0]!, assignment('laptop', 1, { tenantId: 'rival', userId: 'ada' })),
    outgoing(TOPICS[0]!, null),
    outgoing(TOPICS[0]!, Buffer.from('?')),
    outgoing(TOPICS[1]!, seattle),
  ]);
  const reference = createMemoryReference();
  const undecodable: (string | number)[][] = [];
  running = startReferenceFeed({
    log, topics: TOPICS, decoder: avroRecordDecoder({ names: REFERENCE_RECORDS }), reference, pseudonymiser, clock: systemClock, signal: stop.signal,
    onUndecodable: ({ offset }, reason) => void undecodable.push([offset, reason]),
    onRetry: () => expect.unreachable(),
  });
  await running.loaded;
  const users = () => reference.lookup([request(5), request(5, { tenantId: 'rival' })]).map((answer) => answer.assignment?.userId);
  expect(users()).toEqual([pseudonymiser.userId('acme', 'ada'), 'ada']);
  expect(undecodable).toEqual([[3, 'UNDECODABLE']]);
  await log.append([outgoing(TOPICS[0]!, assignment('laptop', 2, { userId: 'grace' }))]);
  await expect.poll(users).toEqual([pseudonymiser.userId('acme', 'grace'), 'ada']);
});
