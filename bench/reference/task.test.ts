import fc from 'fast-check';
import { expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { Emitter, RawRecord } from '#lib/runner/task.ts';
import { createCapturedState, type StateChange } from '#lib/state/memory.ts';
import type { TelemetryEvent } from '#schemas/records.ts';
import { enrichConfigSchema } from '../../services/enrich/config.ts';
import { openDatabases } from '../../services/enrich/databases.ts';
import { AT, connection, keystrokes } from '../../services/enrich/test-records.ts';
import { createGateStage, createLookUpStage, createWindowStage, HANDED_ON } from './stages.ts';
import { createReferenceTask } from './task.ts';
import { Window, windowsCodec } from './window.ts';

const addresses = (await openDatabases(enrichConfigSchema.parse({}))).current;

interface Out {
  readonly output: string;
  readonly value: Uint8Array;
}

function collector(): { out: Out[]; emitter: Emitter } {
  const out: Out[] = [];
  return { out, emitter: { emit: (output, _key, value) => void out.push({ output, value }) } };
}

const raw = (value: Uint8Array): RawRecord => ({ topic: 't', partition: 0, offset: 0, arrivedAt: null, key: Buffer.from('acme|ada'), value });
const records = (events: readonly TelemetryEvent[]): RawRecord[] => events.map((event) => raw(encodeFramed(event.type, event)));
const jobOn = (state: ReturnType<typeof createCapturedState>) => createReferenceTask({ state, decoder: avroRecordDecoder(), addresses });
const textOf = ({ value }: Out): string => Buffer.from(value).toString();

/** Keys that are 60 ms late for a place beside the vantage: the ninth record of ten keys passes the threshold. */
const slow = Array.from({ length: 20 }, (_, n) => keystrokes({ eventId: `k-${n}`, observedAt: AT + 1_000 + n, registrationLatencyMs: Array.from({ length: 10 }, () => 150), networkRttMs: 50 }));
const open = connection({ eventId: 'c-1', observedAt: AT, sourceIp: '91.198.174.192', forwardedFor: [], hops: [], rttMinMs: 10 });

test('a window tells once that its CUSUM passed the threshold, with the figures of that moment', async () => {
  const { out, emitter } = collector();
  await jobOn(createCapturedState()).process(records([open, ...slow]), emitter);
  expect(out.map(({ output }) => output)).toEqual(['findings']);
  const finding = JSON.parse(textOf(out[0]!)) as Record<string, number | string>;
  expect(finding).toMatchObject({ findingId: `s-1:${AT}`, windowStart: AT, windowEnd: AT + 60_000, ewmaMs: 100 });
  expect(finding['cusumMs']).toBeGreaterThan(1_000);
  expect(finding['samples']).toBe(Math.ceil(Number(finding['cusumMs']) / (100 - Number(finding['expectedMs']) - 10) / 10 + 1e-9) * 10);
  expect(Math.abs(Number(finding['p50Ms']) - 100)).toBeLessThan(1);
});

test('a task that is restored in the middle ends with the same bytes', async () => {
  const whole = collector();
  await jobOn(createCapturedState()).process(records([open, ...slow]), whole.emitter);
  const [before, after] = [collector(), collector()];
  const state = createCapturedState();
  await jobOn(state).process(records([open, ...slow.slice(0, 2)]), before.emitter);
  const changes: StateChange[] = [];
  state.drainChanges((change) => void changes.push(change));
  const restored = createCapturedState();
  for (const { store, key, value } of changes) restored.restore(store, key, value);
  // The first two come again, as from a sender that repeats: they are dropped.
  await jobOn(restored).process(records(slow), after.emitter);
  expect([...before.out, ...after.out].map(textOf)).toEqual(whole.out.map(textOf));
});

test('three stages that hand on through topics find the same', async () => {
  const decoder = avroRecordDecoder();
  const input = records([open, slow[0]!, ...slow, keystrokes({ sessionId: '' }), connection({ eventId: 'c-2', observedAt: AT + 5_000, rttMinMs: null })]);
  const whole = collector();
  await jobOn(createCapturedState()).process(input, whole.emitter);
  const [gate, lookUp, windows] = [collector(), collector(), collector()];
  await createGateStage({ state: createCapturedState(), decoder }).process(input, gate.emitter);
  const handedOn = ({ out }: { out: Out[] }) => out.filter(({ output }) => output === HANDED_ON).map(({ value }) => raw(value));
  expect(handedOn(gate).length, 'neither what is invalid nor what repeats').toBe(slow.length + 2);
  await createLookUpStage({ decoder, addresses }).process(handedOn(gate), lookUp.emitter);
  expect(handedOn(lookUp).length).toBe(slow.length + 2);
  await createWindowStage({ state: createCapturedState(), decoder }).process(handedOn(lookUp), windows.emitter);
  expect(windows.out.length).toBe(1);
  expect([...gate.out.filter(({ output }) => output === 'rejects'), ...windows.out].map(textOf).toSorted()).toEqual(whole.out.map(textOf).toSorted());
});

test('what is not valid goes to the rejects as it came', async () => {
  const { out, emitter } = collector();
  const wrong = [raw(Buffer.from('not a frame')), ...records([keystrokes({ sessionId: '' }), keystrokes({ registrationLatencyMs: [-1] }), keystrokes({ networkRttMs: NaN }), connection({ sourceIp: '300.1.2.x' })])];
  await jobOn(createCapturedState()).process(wrong, emitter);
  expect(out).toEqual(wrong.map(({ value }) => ({ output: 'rejects', value })));
});

test('what comes after its window has closed is dropped', async () => {
  const { out, emitter } = collector();
  await jobOn(createCapturedState()).process(records([open, keystrokes({ eventId: 'later', observedAt: AT + 90_000 }), ...slow]), emitter);
  expect(out).toEqual([]);
});

test('a quantile of a window is within one percent, before and after its state was written', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 1, max: 5_000, noNaN: true }), { minLength: 1, maxLength: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (values, share) => {
      const window = new Window(AT);
      for (const value of values) window.add(value);
      const exact = [...values].sort((a, b) => a - b)[Math.floor(share * (values.length - 1))]!;
      expect(Math.abs(window.quantileMs(share) - exact)).toBeLessThanOrEqual(exact * 0.010_001);
      expect(windowsCodec.decode(windowsCodec.encode([window]))[0]!.quantileMs(share)).toBe(window.quantileMs(share));
    }),
  );
});
