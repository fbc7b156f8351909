/** A record that makes a step throw, wherever it is and however the work is cut, stops the worker by name. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { RawRecord } from '#lib/runner/task.ts';
import { countingService } from '#lib/runner/test-service.ts';
import { Bench } from './bench.ts';

const PARTITIONS = 2;
const RECORDS = 40;

const cases = fc.record({
  partition: fc.nat({ max: PARTITIONS - 1 }),
  offset: fc.nat({ max: RECORDS - 1 }),
  batchRecordsMax: fc.integer({ min: 1, max: 60 }),
  commitIntervalMs: fc.integer({ min: 1, max: 400 }),
  /** Whether the record damages the state of others before it fails. */
  damages: fc.boolean(),
});

test('a poison record stops the worker with its topic, partition and offset; before it all is committed, of it nothing', async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ partition, offset, batchRecordsMax, commitIntervalMs, damages }) => {
      const bench = new Bench(['in', 'out', 'app-changelog'], PARTITIONS);
      const isPoison = (record: RawRecord) => record.partition === partition && record.offset === offset;
      const service = countingService({ application: 'app', inputs: ['in'], output: 'out' });
      const broken = {
        ...service,
        createTask: (task: number, state: Parameters<typeof service.createTask>[1]) => {
          const inner = service.createTask(task, state);
          return {
            ...inner,
            process: async (batch: readonly RawRecord[], emitter: Parameters<typeof inner.process>[1]) => {
              for (const record of batch) {
                if (damages || !isPoison(record)) await inner.process([record], emitter);
                if (isPoison(record)) throw new RangeError('cannot be');
              }
            },
          };
        },
      };
      // One key: a count that is damaged or forgotten shows in every later one.
      const keys = Array.from({ length: RECORDS }, () => 'k');
      await bench.play(async () => {
        for (let p = 0; p < PARTITIONS; p++) bench.send('in', p, keys);
        for (let attempt = 0; attempt < 2; attempt++) {
          const error = await bench.start('one', broken, { batchRecordsMax, commitIntervalMs }).ended;
          const way = `farhand dead-letter set-aside --group app --topic in --partition ${partition} --offset ${offset}`;
          expect(error).toMatchObject({ code: 'FARHAND_POISON_RECORD', message: `in/${partition}@${offset}: cannot be (to set it aside: ${way})` });
          await bench.until('the marks of what was committed', () => bench.broker.openTransactions === 0);
          expect(bench.broker.position('app', 'in', partition)).toBe(offset);
        }
        const mended = bench.start('one', service, { batchRecordsMax });
        await bench.until('all of it', () => bench.values('out').length >= PARTITIONS * RECORDS);
        mended.stop();
        await mended.ended;
      });
      const counts = Array.from({ length: RECORDS }, (_, i) => `k=${i + 1}`);
      const byInput = bench.broker.committed('out').flat().map(({ value }) => Buffer.from(value!).toString());
      expect(byInput.toSorted()).toEqual([...counts, ...counts].toSorted());
    }),
    { numRuns: 40, seed: 4 },
  );
});
