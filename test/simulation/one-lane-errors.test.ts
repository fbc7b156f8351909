/** The errors that others who run such pipelines on Node have made, by name: design/architecture, "Exactly once". */
import { describe, expect, test } from 'vitest';
import { FarhandError } from '#lib/kernel/errors.ts';
import { countingService } from '#lib/runner/test-service.ts';
import type { RawRecord } from '#lib/runner/task.ts';
import { Bench } from './bench.ts';
import { outputsOf } from './checkers/outputs.ts';
import { expectedOf } from './simulate.ts';
import { TOPICS } from './topics.ts';
import { World } from './world.ts';

const PARTITIONS = 3;
const TOPIC_NAMES = ['in', 'out', 'app-changelog'];
const service = (before?: (record: RawRecord, task: number) => void | Promise<void>) => countingService({ application: 'app', inputs: ['in'], output: 'out', ...(before === undefined ? {} : { before }) });
/** `count` records with keys of their own. */
const keys = (count: number, name = 'k') => Array.from({ length: count }, (_, i) => `${name}${i}`);
const once = (names: readonly string[]) => names.map((key) => `${key}=1`).toSorted();
const position = (bench: Bench, partition: number) => bench.broker.position('app', 'in', partition);

describe('a failed batch that a later batch commits past', () => {
  test('a batch that waits for a dependency holds back everything behind it', async () => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    let away = true;
    const before = ({ offset }: RawRecord) => {
      if (away && offset === 20) throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis is away');
    };
    await bench.play(async () => {
      bench.send('in', 0, keys(60));
      const one = bench.start('one', service(before), { batchRecordsMax: 10, commitIntervalMs: 10 });
      await bench.until('the batches before it', () => position(bench, 0) === 20);
      await bench.clock.sleep(10_000);
      expect(position(bench, 0)).toBe(20);
      expect(bench.values('out')).toHaveLength(20);
      away = false;
      await bench.until('the rest', () => position(bench, 0) === 60);
      one.stop();
      await one.ended;
    });
    expect(bench.values('out').toSorted()).toEqual(once(keys(60)));
  });

  test.each(['refused', 'lost on its way back'] as const)('a commit that is %s is followed by none of the same attempt', async (kind) => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    const prepare = bench.broker.prepareCommit.bind(bench.broker);
    let commits = 0;
    bench.broker.prepareCommit = (id, epoch) => {
      const fails = ++commits === 3;
      if (!fails || kind !== 'refused') prepare(id, epoch);
      if (fails) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', kind);
    };
    await bench.play(async () => {
      bench.send('in', 0, keys(80));
      const slow = () => bench.clock.sleep(5);
      const one = bench.start('one', service(slow), { batchRecordsMax: 5, commitIntervalMs: 1 });
      await bench.until('all of it', () => position(bench, 0) === 80);
      one.stop();
      await one.ended;
    });
    expect(bench.values('out').toSorted()).toEqual(once(keys(80)));
    const committed = bench.broker.audit.flatMap((event) => (event.kind === 'commit' ? event.transaction.positions.map(({ offset }) => ({ epoch: event.epoch, offset })) : []));
    const first = committed[0]!.epoch;
    const attempt = committed.filter(({ epoch }) => epoch === first);
    expect(committed.length, 'there was more to commit').toBeGreaterThan(6);
    expect(attempt, 'the attempt that failed ended there').toHaveLength(kind === 'refused' ? 2 : 3);
    expect(committed.map(({ offset }) => offset)).toEqual(committed.map(({ offset }) => offset).toSorted((a, b) => a - b));
  });
});

/** Notes when which worker works on which task. */
function spans(bench: Bench) {
  const list: { worker: string; task: number; offset: number; from: number; to: number }[] = [];
  const slow = (worker: string) => async ({ offset }: RawRecord, task: number) => {
    const from = bench.clock.monotonicMs();
    await bench.clock.sleep(20);
    list.push({ worker, task, offset, from, to: bench.clock.monotonicMs() });
  };
  return { list, slow };
}

describe('double processing during a deploy', () => {
  test('while the new worker comes and the old one goes, no task is worked on by both, and no record twice', async () => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    const { list, slow } = spans(bench);
    const all = Array.from({ length: PARTITIONS }, (_, p) => keys(100, `p${p}-`));
    await bench.play(async () => {
      all.forEach((of, p) => bench.send('in', p, of));
      const old = bench.start('old', service(slow('old')), { batchRecordsMax: 8 });
      await bench.until('the old one at work', () => list.length > 10);
      const next = bench.start('new', service(slow('new')), { batchRecordsMax: 8 });
      await bench.until('the new one at work', () => list.some(({ worker }) => worker === 'new'));
      old.stop();
      expect(await old.ended).toBeNull();
      await bench.until('all of it', () => bench.values('out').length === 300);
      next.stop();
      expect(await next.ended).toBeNull();
    });
    expect(bench.values('out').toSorted()).toEqual(once(all.flat()));
    expect(new Set(list.map(({ worker }) => worker))).toEqual(new Set(['old', 'new']));
    expect(list, 'every record was processed once, not only committed once').toHaveLength(300);
    for (let task = 0; task < PARTITIONS; task++) {
      const mine = list.filter((span) => span.task === task);
      for (const a of mine) for (const b of mine) if (a.worker === 'old' && b.worker === 'new') expect(a.to, 'the old one had stopped').toBeLessThanOrEqual(b.from);
    }
  });
});

describe('fencing before draining', () => {
  test('a worker that gives a task up commits what it has finished before the next one fences it', async () => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    const { list, slow } = spans(bench);
    const retried: string[] = [];
    const observer = { retried: (_task: number, cause: string) => void retried.push(cause) };
    await bench.play(async () => {
      for (let p = 0; p < PARTITIONS; p++) bench.send('in', p, keys(60, `p${p}-`));
      const workers = [bench.start('w0', service(slow('w0')), { batchRecordsMax: 4, commitIntervalMs: 5_000 }, observer)];
      for (const name of ['w1', 'w2']) {
        await bench.clock.sleep(500);
        workers.push(bench.start(name, service(slow(name)), { batchRecordsMax: 4, commitIntervalMs: 5_000 }, observer));
      }
      await bench.until('all of it', () => bench.values('out').length === 180);
      for (const worker of workers) worker.stop();
      for (const { ended } of workers) expect(await ended).toBeNull();
    });
    expect(retried, 'nobody was fenced').toEqual([]);
    expect(bench.broker.audit.filter(({ kind }) => kind === 'abort'), 'nothing was thrown away').toEqual([]);
    expect(list, 'nothing was done twice').toHaveLength(180);
  });
});

describe('one hung promise that blocks every commit', () => {
  test('the other tasks of the worker go on, and the task itself is finished by another worker', async () => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    const events: string[] = [];
    const hang = ({ offset }: RawRecord, task: number) => (task === 0 && offset === 5 ? new Promise<void>(() => undefined) : undefined);
    await bench.play(async () => {
      for (let p = 0; p < PARTITIONS; p++) bench.send('in', p, keys(50, `p${p}-`));
      const hung = bench.start('hung', service(hang), { batchRecordsMax: 5, commitIntervalMs: 0, drainMsMax: 1_000 }, { event: (name) => void events.push(name) });
      await bench.until('the other tasks', () => position(bench, 1) === 50 && position(bench, 2) === 50);
      bench.send('in', 1, ['later']);
      await bench.until('what comes later', () => position(bench, 1) === 51);
      expect(position(bench, 0), 'what was finished before is committed').toBe(5);
      hung.stop();
      expect(await hung.ended, 'the worker stops within its deadline all the same').toBeNull();
      const other = bench.start('other', service());
      await bench.until('the hung task', () => position(bench, 0) === 50);
      other.stop();
      await other.ended;
    });
    expect(events).toContain('task.abandoned');
    expect(bench.values('out').toSorted()).toEqual(once([...keys(50, 'p0-'), ...keys(50, 'p1-'), ...keys(50, 'p2-'), 'later']));
  });
});

describe("a dependency's outage taken for poison messages", () => {
  test('ten minutes without the dependency stop no worker, and lose and reject nothing', async () => {
    const bench = new Bench(TOPIC_NAMES, PARTITIONS);
    const back = 600_000;
    let tries = 0;
    const before = () => {
      if (bench.clock.monotonicMs() >= back) return;
      tries++;
      throw new FarhandError('FARHAND_REFERENCE_UNAVAILABLE', 'Redis is away');
    };
    await bench.play(async () => {
      bench.send('in', 0, keys(30));
      const one = bench.start('one', service(before), { retryMs: 50, retryMsMax: 1_000 });
      await bench.clock.sleep(back - 1_000);
      expect([one.worker.ready, bench.values('out').length]).toEqual([true, 0]);
      await bench.until('all of it', () => bench.values('out').length === 30);
      one.stop();
      expect(await one.ended).toBeNull();
    });
    expect(tries, 'the pauses between the tries have grown').toBeLessThan(700);
    expect(bench.values('out').toSorted()).toEqual(once(keys(30)));
  });

  test('the pipeline: a whole history with the reference data away ends as if it had been there', async () => {
    const { history, outputs } = await expectedOf(2, false);
    const world = new World({ seed: 2, history, faults: false });
    world.weather = { away: true, delayMs: 0 };
    const enrichedBefore: number[] = [];
    const note = world.note.bind(world);
    world.note = (event, detail) => {
      if (event === 'healed') enrichedBefore.push(world.broker.committed(TOPICS.enriched).flat().length);
      note(event, detail);
    };
    await world.run();
    expect(enrichedBefore, 'it was away until then').toEqual([0]);
    expect(outputsOf(world.broker)).toEqual(outputs);
  });
});
