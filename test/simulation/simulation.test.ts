/** The pipeline under faults, seed by seed. `npm run simulate:faults` runs more of them. */
import { describe, expect, test } from 'vitest';
import { avroRecordDecoder } from '#lib/codec/avro.ts';
import { encodeFramed } from '#lib/codec/encode.ts';
import type { DeadLetter, SuspiciousSession } from '#schemas/records.ts';
import { createEmbeddedPipeline, loadEmbeddedConfig } from '../../tools/embedded/pipeline.ts';
import { outputsOf } from './checkers/outputs.ts';
import { DISK_FAULTS, INPUT_FAULTS, REQUEST_FAULTS, WORLD_FAULTS } from './faults.ts';
import { expectedOf, simulate } from './simulate.ts';
import { KEPT_SEEDS } from './seeds.ts';
import { PARTITIONS, TOPICS } from './topics.ts';
import { World } from './world.ts';

/** Divided, so that a failure names a range; together more than the 200 that CI owes. */
const RANGES = Array.from({ length: 10 }, (_, i) => [1 + 25 * i, 25 * (i + 1)] as const);

const injected = new Map<string, number>();

describe('under faults, nothing is lost, nothing is twice', () => {
  test.each(RANGES)('seeds %i to %i', async (first, last) => {
    const failed: string[] = [];
    for (let seed = first; seed <= last; seed++) {
      const verdict = await simulate(seed);
      if (verdict.problems.length > 0) failed.push(`seed ${seed}: ${verdict.problems.join('; ')}`);
      for (const [kind, count] of verdict.faults) injected.set(kind, (injected.get(kind) ?? 0) + count);
    }
    expect(failed).toEqual([]);
  });

  test('every kind of fault was among them, and none once only', () => {
    const rare = [...WORLD_FAULTS, ...REQUEST_FAULTS, ...DISK_FAULTS, ...INPUT_FAULTS, 'checkpoint used'].filter((kind) => (injected.get(kind) ?? 0) < 10);
    expect(rare).toEqual([]);
  });

  test.each(KEPT_SEEDS)('kept seed %i (%s)', async (seed) => {
    expect((await simulate(seed)).problems).toEqual([]);
  });
});

describe('the simulation', () => {
  test('the same seed twice is the same run, event by event, and another seed is another', async () => {
    const [one, again, other] = [await simulate(17), await simulate(17), await simulate(18)];
    expect(again).toEqual(one);
    expect(other.trace).not.toBe(one.trace);
  });

  test('the run without faults is worth comparing with: all kinds of output, and findings of several people', async () => {
    for (const seed of [1, 2, 3, 4]) {
      const { outputs, history } = await expectedOf(seed, false);
      const sum = (topic: string) => [...outputs].filter(([name]) => name.startsWith(topic)).reduce((total, [, list]) => total + list.length, 0);
      const people = [...outputs.keys()].filter((name) => name.startsWith('farhand.suspicious-sessions'));
      expect(people.length, history.name).toBeGreaterThan(1);
      expect([...outputs.keys()].filter((name) => name.startsWith('farhand.events'))).toHaveLength(3);
      expect(sum('farhand.enriched')).toBe(sum('farhand.events'));
      const repeats = history.faults.get('duplicate delivery') ?? 0;
      expect(repeats).toBeGreaterThan(3);
      expect(sum('farhand.events') + sum('farhand.dead-letter') + repeats, 'every record is an event, a letter or a repeat').toBe(history.records.length);
      expect(sum('farhand.dead-letter')).toBe((history.faults.get('garbage') ?? 0) + (history.faults.get('clock ahead') ?? 0));
    }
  });

  test.each([
    ['as events are', false],
    ['otherwise, so that several tasks write to each partition of events', true],
  ])('telemetry keyed %s: the run without faults is what the embedded pipeline makes of the same records, to the byte', async (_how, rekeyed) => {
    const { history } = await expectedOf(1);
    const world = new World({ seed: 0, history, faults: false, rekeyed });
    await world.run();
    const raw = [TOPICS.keystrokeLatency, TOPICS.connection].flatMap((topic) => world.broker.committed(topic).flat());
    const found: string[] = [];
    const keep = (name: 'SuspiciousSession' | 'DeadLetter') => (records: readonly (SuspiciousSession | DeadLetter)[]) => {
      for (const record of records) found.push(encodeFramed(name, record as never).toString('base64'));
    };
    const pipeline = await createEmbeddedPipeline({
      config: loadEmbeddedConfig(null),
      decoder: avroRecordDecoder(),
      partitions: PARTITIONS,
      onFindings: keep('SuspiciousSession'),
      onDeadLetters: keep('DeadLetter'),
    });
    pipeline.applyReference(history.reference);
    await pipeline.process(raw.toSorted((a, b) => a.arrivedAt! - b.arrivedAt!));
    const committed = [TOPICS.suspiciousSessions, TOPICS.deadLetter].flatMap((topic) => world.broker.committed(topic).flat().map(({ value }) => Buffer.from(value!).toString('base64')));
    expect(found.length).toBeGreaterThan(10);
    expect(found.toSorted()).toEqual(committed.toSorted());
  });

  test.each([false, true])('how many workers there are changes nothing (telemetry re-keyed: %s)', async (rekeyed) => {
    const { history, outputs } = await expectedOf(4, rekeyed);
    const world = new World({ seed: 4, history, faults: true, rekeyed });
    world.plan.active = false;
    await world.run();
    expect(outputsOf(world.broker, rekeyed)).toEqual(outputs);
  });
});
