import { describe, expect, it } from 'vitest';
import { personKey } from '#lib/kernel/identity.ts';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed, framedEncoder } from '#lib/codec/encode.ts';
import { fileSchemaSource } from '#lib/codec/schema-source.ts';
import { createPseudonymiser, type Pseudonymiser } from '#lib/kernel/pseudonym.ts';
import { partitionOf } from '#lib/log/partitioner.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { createCapturedState, type CapturedState } from '#lib/state/memory.ts';
import { Alignment, parseIngestProgress, type IngestProgress } from './alignment.ts';
import { ingestConfigSchema } from './config.ts';
import { createIngestTask } from './task.ts';
import { AT, keystrokes, raw } from './test-records.ts';

const MINUTE_MS = 60_000;
const ALIGN_MS = 3 * MINUTE_MS;
const alignment = (task = 0, tasks = 3, state: CapturedState = createCapturedState()) => new Alignment({ alignMs: ALIGN_MS, task, tasks, state });

describe('the alignment', () => {
  it('tells nothing while nobody re-keys', () => {
    const one = alignment();
    one.meets(AT);
    expect([one.active, one.news()]).toEqual([false, null]);
  });

  it('lets nothing pass before every other task has spoken, then what lies alignMs beyond the slowest', () => {
    const one = alignment();
    one.rekeys();
    expect(one.meets(AT)).toBe(false);
    expect(one.news()).toEqual({ task: 0, frontAt: AT });
    one.hear({ task: 1, frontAt: AT - MINUTE_MS });
    expect(one.meets(AT)).toBe(false);
    one.hear({ task: 2, frontAt: AT + 60 * MINUTE_MS });
    expect([one.meets(AT + 2 * MINUTE_MS), one.meets(AT + 2 * MINUTE_MS + 1)]).toEqual([true, false]);
    one.hear({ task: 1, frontAt: AT - 5 * MINUTE_MS });
    expect(one.meets(AT + 2 * MINUTE_MS), 'nobody goes back').toBe(true);
  });

  it('the slowest is never held up: whoever waits has told the time of the record that waits', () => {
    const tasks = [alignment(0, 2), alignment(1, 2)];
    const times = [AT, AT + 600 * MINUTE_MS];
    for (const [i, task] of tasks.entries()) {
      task.rekeys();
      task.meets(times[i]!);
      tasks[1 - i]!.hear(task.news()!);
    }
    expect(tasks.map((task, i) => task.meets(times[i]!))).toEqual([true, false]);
  });

  it('tells again after half of alignMs, or at once where it waits', () => {
    const one = alignment(0, 2);
    one.hear({ task: 1, frontAt: AT });
    one.meets(AT);
    expect(one.news()).toEqual({ task: 0, frontAt: AT });
    one.meets(AT + ALIGN_MS / 2 - 1);
    expect(one.news()).toBeNull();
    one.meets(AT + ALIGN_MS / 2);
    expect(one.news()).toEqual({ task: 0, frontAt: AT + ALIGN_MS / 2 });
    expect(one.meets(AT + ALIGN_MS + 1)).toBe(false);
    expect(one.news()).toEqual({ task: 0, frontAt: AT + ALIGN_MS + 1 });
    expect(one.news()).toBeNull();
  });

  it('a task with nothing to do follows the others, and what it knows outlives a restart', () => {
    const state = createCapturedState();
    const one = alignment(0, 2, state);
    one.hear({ task: 1, frontAt: AT });
    one.rest(one.heardFront);
    expect(one.news()).toEqual({ task: 0, frontAt: AT });
    const restored = createCapturedState();
    state.drainChanges(({ store, key, value }) => restored.restore(store, key, value));
    const again = alignment(0, 2, restored);
    expect([again.active, again.meets(AT + ALIGN_MS), again.news()]).toEqual([true, true, { task: 0, frontAt: AT + ALIGN_MS }]);
  });

  it('reads its own records and no others', () => {
    expect(parseIngestProgress(Buffer.from('{"task":2,"frontAt":5}'))).toEqual({ task: 2, frontAt: 5 });
    for (const text of ['', '{', 'null', '{"task":"2","frontAt":5}', '{"task":1}', `{"task":1,"frontAt":2${' '.repeat(2_000)}}`]) expect(parseIngestProgress(Buffer.from(text)), text).toBeNull();
    expect(parseIngestProgress(null)).toBeNull();
  });
});

describe('a task of ingest among others', () => {
  const PARTITIONS = 2;
  const partitionOfUser = (userId: string): number => partitionOf(personKey(keystrokes({ userId })), PARTITIONS);
  const userOn = (partition: number): string => Array.from({ length: 50 }, (_, i) => `u${i}`).find((userId) => partitionOfUser(userId) === partition)!;
  const progress = (told: IngestProgress): RawRecord => ({ topic: 'progress', partition: 0, offset: 0, arrivedAt: null, key: null, value: Buffer.from(JSON.stringify(told)) });
  const minute = (userId: string, n: number, arrivedAt: number | null = AT + n * MINUTE_MS + 10): RawRecord =>
    raw(encodeFramed('KeystrokeLatency', keystrokes({ userId, eventId: `${userId}-${n}`, observedAt: AT + n * MINUTE_MS })), n, arrivedAt);

  function taskOf(alignMs?: number, pseudonymiser?: Pseudonymiser) {
    const emitted: { output: string; value: Uint8Array }[] = [];
    const task = createIngestTask({
      config: ingestConfigSchema.parse(alignMs === undefined ? {} : { alignMs }),
      decoder: avroRecordDecoder(),
      encoder: framedEncoder(fileSchemaSource()),
      state: createCapturedState(),
      ...(pseudonymiser === undefined ? {} : { pseudonymiser }),
      among: { task: 0, tasks: PARTITIONS, eventPartitions: PARTITIONS, progress: 'progress' },
    });
    const emitter = { emit: (output: string, _key: Uint8Array | null, value: Uint8Array) => void emitted.push({ output, value }) };
    const take = (...batch: RawRecord[]) => {
      emitted.length = 0;
      const left = task.process(batch, emitter);
      return { left, events: emitted.filter(({ output }) => output === 'events').length, told: emitted.filter(({ output }) => output === 'progress').map(({ value }) => (JSON.parse(Buffer.from(value).toString()) as IngestProgress).frontAt) };
    };
    return { take, task };
  }

  it('writes what lies on its own partition without a word, however far it is', () => {
    const { take } = taskOf();
    const own = userOn(0);
    expect(take(minute(own, 0), minute(own, 500))).toEqual({ left: 0, events: 2, told: [] });
  });

  it('leaves what is too far ahead of a task that writes to its partition too, until that one has come up', () => {
    const { take } = taskOf();
    const other = userOn(1);
    expect(take(minute(other, 1))).toEqual({ left: 1, events: 0, told: [AT + MINUTE_MS] });
    expect(take(progress({ task: 1, frontAt: AT }), minute(other, 1), minute(other, 3), minute(other, 4), minute(other, 2))).toEqual({ left: 2, events: 2, told: [AT + 4 * MINUTE_MS] });
    expect(take(progress({ task: 1, frontAt: AT + MINUTE_MS }), minute(other, 4), minute(other, 2))).toEqual({ left: 0, events: 2, told: [] });
  });

  it('knows before it writes its first batch that it re-keys, by the pseudonym where a tenant asks for one', () => {
    const pseudonyms = { acme: { keyId: 'k1', keyHex: '00112233445566778899aabbccddeeff' } };
    const pseudonymiser = createPseudonymiser({ pseudonyms });
    const moving = Array.from({ length: 50 }, (_, i) => `u${i}`).find((userId) => partitionOfUser(userId) === 0 && partitionOfUser(pseudonymiser.userId('acme', userId)) === 1)!;
    expect(taskOf().take(minute(moving, 0), minute(moving, 500))).toMatchObject({ left: 0, events: 2 });
    expect(taskOf(3 * MINUTE_MS, pseudonymiser).take(minute(moving, 0), minute(moving, 500))).toEqual({ left: 2, events: 0, told: [AT] });
    expect(taskOf().take(minute(userOn(0), 0), minute(userOn(1), 500))).toEqual({ left: 2, events: 0, told: [AT] });
  });

  it('takes what is rejected for no sign of re-keying', () => {
    const { take } = taskOf();
    const broken = raw(encodeFramed('KeystrokeLatency', keystrokes({ userId: userOn(1), intervalMs: -1, observedAt: AT })), 1, AT);
    expect(take(minute(userOn(0), 0), broken, minute(userOn(0), 500))).toEqual({ left: 0, events: 2, told: [] });
  });

  it('hears of it that another task re-keys, and says how far it is', () => {
    const { take } = taskOf();
    const own = userOn(0);
    take(minute(own, 0), minute(own, 5));
    expect(take(progress({ task: 1, frontAt: AT }))).toEqual({ left: 0, events: 0, told: [AT + 5 * MINUTE_MS] });
    expect(take(minute(own, 6))).toEqual({ left: 1, events: 0, told: [AT + 6 * MINUTE_MS] });
  });

  it('times that no arrival vouches for hold nothing up, and a clock that is ahead counts as its arrival', () => {
    const { take } = taskOf();
    const other = userOn(1);
    take(minute(other, 0));
    expect(take(minute(other, 900, null), minute(other, 901, AT))).toMatchObject({ left: 0, events: 1 }); // the second is refused: too far ahead
    take(progress({ task: 1, frontAt: AT }));
    expect(take(minute(other, 4, AT + MINUTE_MS))).toMatchObject({ left: 0, events: 1 });
  });

  it('rests: what others had told before it was asked is reached here too', () => {
    const { take, task } = taskOf();
    take(progress({ task: 1, frontAt: AT + 90 * MINUTE_MS }));
    const rest = task.idle!()!;
    take(progress({ task: 1, frontAt: AT + 95 * MINUTE_MS }));
    const told: string[] = [];
    rest({ emit: (_output, _key, value) => void told.push(Buffer.from(value).toString()) });
    expect(told).toEqual([JSON.stringify({ task: 0, frontAt: AT + 90 * MINUTE_MS })]);
  });

  it('alignMs 0: nobody waits', () => {
    const { take } = taskOf(0);
    const other = userOn(1);
    expect(take(minute(other, 0), minute(other, 900))).toEqual({ left: 0, events: 2, told: [] });
  });
});
