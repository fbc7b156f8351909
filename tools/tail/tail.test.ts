import { beforeEach, describe, expect, test } from 'vitest';
import { deadLetterToNdjson } from '#lib/codec/dead-letter.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import { findingToNdjson } from '#lib/codec/ndjson.ts';
import { SAMPLE_RECORDS } from '#lib/codec/sample-records.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { command, STREAMS, tail } from './command.ts';

const TOPIC = 'out';
let log: MemoryLog;
let printed: string[];

beforeEach(async () => {
  log = createMemoryLog();
  printed = [];
  await log.admin.create([{ name: TOPIC, partitions: 2, settings: {} }], 1);
});

const finding = (n: number) => ({ ...SAMPLE_RECORDS.SuspiciousSession, findingId: `f-${n}` });
const send = (partition: number, value: Uint8Array) => log.append([{ topic: TOPIC, partition, key: null, value, timestampMs: 0 }]);
const sendFinding = (partition: number, n: number) => send(partition, encodeFramed('SuspiciousSession', finding(n)));

function follow(stream: keyof typeof STREAMS, options: { fromBeginning?: boolean; limit?: number; signal?: AbortSignal }): Promise<void> {
  const defaults = { fromBeginning: false, limit: Infinity, signal: new AbortController().signal };
  return tail(log, { topic: TOPIC, format: STREAMS[stream].format(fileSchemaSource()), print: (line) => printed.push(line), ...defaults, ...options });
}

describe('farhand tail', () => {
  test('prints the findings of all partitions from the beginning, and ends at the limit', async () => {
    for (const n of [1, 2, 3]) await sendFinding(n % 2, n);
    await follow('findings', { fromBeginning: true, limit: 3 });
    expect(printed.toSorted()).toEqual([1, 2, 3].map((n) => findingToNdjson(finding(n))));
    printed = [];
    await follow('findings', { fromBeginning: true, limit: 2 });
    expect(printed).toHaveLength(2);
  });

  test('from now on: only what arrives later, until it is interrupted', async () => {
    await sendFinding(0, 1);
    const stop = new AbortController();
    const done = follow('findings', { signal: stop.signal });
    await systemClock.sleep(20);
    await sendFinding(0, 2);
    await sendFinding(1, 3);
    for (let i = 0; i < 200 && printed.length < 2; i++) await systemClock.sleep(10);
    stop.abort();
    await done;
    expect(printed).toEqual([2, 3].map((n) => findingToNdjson(finding(n))));
  });

  test('prints dead letters as replay writes them, and SIEM records as they are', async () => {
    await send(0, encodeFramed('DeadLetter', SAMPLE_RECORDS.DeadLetter));
    await follow('dead-letters', { fromBeginning: true, limit: 1 });
    expect(printed).toEqual([deadLetterToNdjson(SAMPLE_RECORDS.DeadLetter)]);
    await send(1, Buffer.from('CEF:0|é'));
    printed = [];
    await follow('siem', { fromBeginning: true, limit: 2 });
    expect(printed[1]).toBe('CEF:0|é\n');
  });

  test('says where a record is not what the topic should hold, and refuses what it does not know', async () => {
    await send(1, Buffer.from('nonsense'));
    await expect(follow('findings', { fromBeginning: true })).rejects.toThrow(/out\/1@0 is no SuspiciousSession/);
    const run = (...args: string[]) => command.run(args, { signal: new AbortController().signal });
    await expect(run()).rejects.toThrow(/findings, dead-letters, siem/);
    await expect(run('nonsense')).rejects.toMatchObject({ exitStatus: 2 });
    await expect(run('siem', '--limit', '0')).rejects.toThrow(/--limit is '0'/);
  });
});
