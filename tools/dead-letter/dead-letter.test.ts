import { beforeEach, describe, expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { systemClock } from '#lib/kernel/clock.ts';
import { topicsSectionSchema } from '#lib/kernel/config-sections.ts';
import { createMemoryLog, type MemoryLog } from '#lib/log/memory.ts';
import { RUNNER_DEFAULTS, SILENT_OBSERVER, type ServiceSpec } from '#lib/runner/options.ts';
import { Worker } from '#lib/runner/worker.ts';
import type { DeadLetter, KeystrokeLatency } from '#schemas/records.ts';
import { ingestConfigSchema } from '../../services/ingest/config.ts';
import { INGEST_OUTPUTS } from '../../services/ingest/outputs.ts';
import { createIngestTask } from '../../services/ingest/task.ts';
import { topicLayouts } from '../topics/layout.ts';
import { runCommandLine } from '../cli.ts';
import { ACTIONS, command, inputsOf, type DeadLetterTool, type Values } from './command.ts';

const topics = topicsSectionSchema.parse({ partitions: 2 });
const source = fileSchemaSource();
let log: MemoryLog;
let printed: string[];

beforeEach(async () => {
  log = createMemoryLog();
  printed = [];
  await log.admin.create(topicLayouts(topics).map(({ name, partitions, required }) => ({ name, partitions, settings: required })), 1);
});

function act(action: string, values: Values): Promise<number> {
  const tool: DeadLetterTool = { log, clock: systemClock, groupIdPrefix: 'farhand', deadLetter: topics.deadLetter, inputs: inputsOf(topics), source, print: (line) => printed.push(line) };
  return ACTIONS[action]!(values, tool);
}

const at = Date.UTC(2026, 2, 2, 9);

function event(n: number): KeystrokeLatency {
  const head = { eventId: `e-${n}`, tenantId: 't', sessionId: 's', deviceId: 'd', userId: 'ada', observedAt: at + n * 1_000, vantageId: 'v' };
  return { type: 'KeystrokeLatency', ...head, intervalMs: 1_000, sensor: 'ENDPOINT_AGENT', latencyClock: 'ROUND_TRIP', clockErrorMs: 0, registrationLatencyMs: [30], interKeyMs: [], holdMs: [80], networkRttMs: 28, inputOrigin: 'HARDWARE' };
}

const sendEvents = (count: number) =>
  log.append(Array.from({ length: count }, (_, n) => ({ topic: topics.keystrokeLatency, partition: 1, key: Buffer.from('t|ada'), value: encodeFramed('KeystrokeLatency', event(n)), timestampMs: at })));

const letters = () => [0, 1].flatMap((p) => log.records(topics.deadLetter, p));
const eventsOut = () => [0, 1].flatMap((p) => log.records(topics.events, p));

/** Ingest with a defect: it cannot take the event `badEvent`. */
function ingest(badEvent: string | null): ServiceSpec {
  const decoder = avroRecordDecoder({ source });
  const broken = {
    prepare: decoder.prepare.bind(decoder),
    decode: (record: Parameters<typeof decoder.decode>[0]) => {
      const result = decoder.decode(record);
      if (result.ok && result.event.eventId === badEvent) throw new TypeError('a defect');
      return result;
    },
  };
  const encoder = framedEncoder(source);
  return {
    application: 'farhand-ingest',
    inputs: [topics.keystrokeLatency, topics.connection],
    outputs: { [INGEST_OUTPUTS.events]: topics.events, [INGEST_OUTPUTS.deadLetters]: topics.deadLetter },
    changelog: topics.ingestChangelog,
    createTask: (_task, state) => createIngestTask({ config: ingestConfigSchema.parse({}), decoder: broken, encoder, state }),
  };
}

function start(service: ServiceSpec): { stop: AbortController; done: Promise<Error | null> } {
  const stop = new AbortController();
  const worker = new Worker({ log, service, bounds: { ...RUNNER_DEFAULTS, commitIntervalMs: 5 }, observer: SILENT_OBSERVER, clock: systemClock }, 'one');
  const done = worker.run(stop.signal).then(
    () => null,
    (error: unknown) => error as Error,
  );
  return { stop, done };
}

async function until(condition: () => boolean): Promise<void> {
  for (let i = 0; i < 400 && !condition(); i++) await systemClock.sleep(10);
  expect(condition()).toBe(true);
}

/** `--name value` of a message → what the command line would make of it. */
function optionsIn(message: string): Values {
  const text = /farhand dead-letter set-aside (.*)\)$/.exec(message)?.[1] ?? '';
  return Object.fromEntries(text.split('--').slice(1).map((part) => part.trim().split(' ') as [string, string]));
}

describe('a poison record', () => {
  test('stops the worker, is set aside by the command that the message names, and everything else goes through', async () => {
    await sendEvents(20);
    const poison = await start(ingest('e-7')).done;
    expect(poison).toMatchObject({ code: 'FARHAND_POISON_RECORD', message: expect.stringContaining(`${topics.keystrokeLatency}/1@7: a defect`) as string });
    expect(eventsOut(), 'what lies before it is through').toHaveLength(7);

    expect(await act('set-aside', { ...optionsIn(poison!.message), detail: 'ticket 12' })).toBe(0);
    expect(printed).toEqual([expect.stringContaining('@7 is set aside')]);
    expect(letters()).toHaveLength(1);

    const worker = start(ingest('e-7'));
    await until(() => eventsOut().length === 19);
    worker.stop.abort();
    expect(await worker.done).toBeNull();
    printed = [];
    await act('list', { json: true });
    expect(JSON.parse(printed[0]!)).toMatchObject({ reason: 'SET_ASIDE', detail: 'ticket 12', topic: topics.keystrokeLatency, partition: 1, offset: 7 });
  });

  test('comes back by a re-drive once the defect is mended, and once only', async () => {
    await sendEvents(5);
    const poison = await start(ingest('e-2')).done;
    await act('set-aside', optionsIn(poison!.message));
    await act('re-drive', { reason: 'SET_ASIDE' });
    await act('re-drive', { reason: 'SET_ASIDE' });
    expect(printed.filter((line) => line === '1 re-driven')).toHaveLength(2);
    const worker = start(ingest(null));
    await until(() => eventsOut().length === 5);
    await systemClock.sleep(50);
    worker.stop.abort();
    await worker.done;
    const decoder = avroRecordDecoder({ source });
    const ids = eventsOut().map((record) => {
      const decoded = decoder.decode(record);
      return decoded.ok ? decoded.event.eventId : decoded.reason;
    });
    expect(ids.toSorted()).toEqual(['e-0', 'e-1', 'e-2', 'e-3', 'e-4']);
  });

  test('is not set aside while a worker is in the group', async () => {
    await sendEvents(3);
    const worker = start(ingest(null));
    await until(() => eventsOut().length === 3);
    await expect(act('set-aside', { topic: topics.keystrokeLatency, partition: '1', offset: '0' })).rejects.toMatchObject({
      code: 'FARHAND_USAGE',
      message: 'the group farhand-ingest has 1 members: stop its workers first',
    });
    worker.stop.abort();
    await worker.done;
    expect(letters()).toHaveLength(0);
  });

  test('a worker that comes in between is fenced or fences: nothing is passed over', async () => {
    await sendEvents(3);
    let asked = 0;
    const empty = log.admin.membersOf.bind(log.admin);
    Object.assign(log.admin, { membersOf: () => Promise.resolve(asked++ === 0 ? 0 : 1) });
    await expect(act('set-aside', { topic: topics.keystrokeLatency, partition: '1', offset: '0' })).rejects.toThrow('stop its workers first');
    Object.assign(log.admin, { membersOf: empty });
    const commit = log.openWriter.bind(log);
    log.openWriter = async (id) => {
      const writer = await commit(id);
      await commit(id); // a worker has just been assigned the task
      return writer;
    };
    await expect(act('set-aside', { topic: topics.keystrokeLatency, partition: '1', offset: '0' })).rejects.toMatchObject({ code: 'FARHAND_FENCED' });
    expect(letters()).toHaveLength(0);
    expect((await log.committedPositions('farhand-ingest', [topics.keystrokeLatency], 1))[0]!.offset).toBe(0);
  });

  test('only the record at which the group stands can be set aside', async () => {
    await sendEvents(4);
    const position = (offset: number): Values => ({ topic: topics.keystrokeLatency, partition: '1', offset: String(offset) });
    await expect(act('set-aside', position(2))).rejects.toThrow(/stands at 0, before .*@2, and what lies between is not processed yet/);
    await expect(act('set-aside', position(9))).rejects.toThrow();
    await act('set-aside', position(0));
    await expect(act('set-aside', position(0))).rejects.toThrow(/is behind the group farhand-ingest already: it stands at 1/);
    await expect(act('set-aside', { topic: 'other', partition: '0', offset: '0' })).rejects.toThrow('no service reads other');
    await expect(act('set-aside', { ...position(1), group: 'farhand-detect' })).rejects.toThrow("the group 'farhand-detect' does not read");
    await expect(act('set-aside', { topic: topics.events })).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
    expect(letters()).toHaveLength(1);
  });
});

describe('letters', () => {
  const letter = (change: Partial<DeadLetter>): DeadLetter => ({ type: 'DeadLetter', reason: 'UNDECODABLE', detail: 'bytes', topic: topics.connection, partition: 0, offset: 1, arrivedAt: at, key: Buffer.from('k'), value: Buffer.from('text'), ...change });
  const put = (list: DeadLetter[]) => log.append(list.map((one) => ({ topic: topics.deadLetter, partition: null, key: one.key, value: encodeFramed('DeadLetter', one), timestampMs: at })));

  test('are listed and selected by reason, origin and place', async () => {
    await put([letter({}), letter({ offset: 2, reason: 'CLOCK_AHEAD', detail: 'x'.repeat(200) }), letter({ offset: 3, topic: topics.keystrokeLatency, key: Buffer.from('a') })]);
    await act('list', {});
    expect(printed).toHaveLength(3);
    expect(printed.find((line) => line.includes('CLOCK_AHEAD'))).toMatch(/^\d:\d\tCLOCK_AHEAD\ttelemetry.connection.v1\/0@2\t2026-03-02T09:00:00.000Z\tx{79}…$/);
    const count = async (values: Values) => {
      printed = [];
      await act('list', { json: true, ...values });
      return printed.length;
    };
    expect(await count({ reason: 'UNDECODABLE' })).toBe(2);
    expect(await count({ topic: topics.connection, offset: '2' })).toBe(1);
    expect(await count({ at: '0:0' })).toBe(1);
    expect(await count({ limit: '2' })).toBe(2);
    expect(await count({ reason: 'EMPTY' })).toBe(0);
  });

  test('are inspected with their bytes', async () => {
    await put([letter({ value: Buffer.from([0, 255, 1]) })]);
    const [partition] = [0, 1].filter((p) => log.records(topics.deadLetter, p).length > 0);
    await act('inspect', { at: `${partition}:0` });
    expect(JSON.parse(printed[0]!)).toMatchObject({ at: `${partition}:0`, reason: 'UNDECODABLE', valueBase64: 'AP8B' });
    await expect(act('inspect', { at: '0:99' })).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
    await expect(act('inspect', { at: 'x' })).rejects.toThrow('partition:offset');
  });

  test('are re-driven with key and bytes, more than one transaction of them, all or none', async () => {
    await put(Array.from({ length: 1_200 }, (_, offset) => letter({ offset, key: Buffer.from(`k${offset % 7}`), value: Buffer.from(`v${offset}`) })));
    await act('re-drive', { all: true, 'dry-run': true, limit: '1200' });
    expect(printed.at(-1)).toBe('1200 would be re-driven');
    const driven = () => [0, 1].flatMap((p) => log.records(topics.connection, p));
    expect(driven()).toHaveLength(0);
    await act('re-drive', { all: true, limit: '1200' });
    expect(new Set(driven().map(({ key, value }) => `${Buffer.from(key!).toString()}=${Buffer.from(value!).toString()}`)).size).toBe(1_200);
    await put([letter({ topic: 'somebody.elses' })]);
    await expect(act('re-drive', { all: true, limit: '5000' })).rejects.toThrow('nothing was re-driven');
    expect(driven()).toHaveLength(1_200);
    await expect(act('re-drive', {})).rejects.toThrow('needs a selection');
  });
});

test('the command says what it can do, and refuses what it cannot', async () => {
  for (const action of Object.keys(ACTIONS)) expect(command.help).toContain(`dead-letter ${action}`);
  await expect(command.run(['shred'], { signal: new AbortController().signal })).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
  await expect(command.run([], { signal: new AbortController().signal })).rejects.toMatchObject({ code: 'FARHAND_USAGE' });
  expect(await runCommandLine(['dead-letter', '--help'])).toBe(0);
});
