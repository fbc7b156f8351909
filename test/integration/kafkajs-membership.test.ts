/** Members of a group on a real broker that are given up at the worst moment: see kafka-member.ts. */
import { afterEach, describe, expect, inject, test } from 'vitest';
import { systemClock } from '#lib/kernel/clock.ts';
import { createKafka } from '#lib/log/kafka-client.ts';
import { KafkaMembership } from '#lib/log/kafka-group.ts';
import { kafkaLog, unique, until } from '../infrastructure/logs.ts';

const brokers = inject('kafkaBrokers');
const GROUP = { sessionTimeoutMs: 6_000, heartbeatMs: 500, rebalanceTimeoutMs: 20_000 };
const PARTITIONS = 4;

class Worker {
  held: readonly number[] = [];
  /** Joins wait for it. */
  gate: Promise<void> = Promise.resolve();
  readonly membership: KafkaMembership;
  joins = 0;
  readonly errors: Error[] = [];

  constructor(group: string, topic: string, name: string) {
    const kafka = createKafka({ brokers: brokers!.split(','), clientId: 'farhand-test', clock: systemClock });
    const quiesce = (): Promise<void> => {
      this.joins++;
      return this.gate;
    };
    const assigned = (tasks: readonly number[]): void => void (this.held = tasks);
    const lost = (error: Error): void => void this.errors.push(error);
    this.membership = new KafkaMembership(kafka, { group, topics: [topic], worker: name }, GROUP, { quiesce, assigned, lost }, systemClock);
  }
}

describe.skipIf(brokers === null)('membership by kafkajs', () => {
  const workers: Worker[] = [];
  afterEach(async () => {
    await Promise.all(workers.splice(0).map(({ membership }) => membership.leave().catch(() => undefined)));
  });

  async function newGroup(): Promise<(name: string) => Worker> {
    const log = await kafkaLog(brokers!);
    const [group, topic] = [unique('group'), unique('in')];
    await log.admin.create([{ name: topic, partitions: PARTITIONS, settings: {} }], 1);
    await log.close();
    return (name) => {
      const worker = new Worker(group, topic, name);
      workers.push(worker);
      return worker;
    };
  }

  test('one that leaves while it joins does not come back as another', async () => {
    const workerOf = await newGroup();
    const [leaving, staying] = [workerOf('leaving'), workerOf('staying')];
    const gate = Promise.withResolvers<void>();
    leaving.gate = gate.promise;
    const joining = leaving.membership.start().catch(() => undefined);
    await until('it is about to join', () => leaving.joins === 1);
    await leaving.membership.leave();
    gate.resolve();
    await joining;
    await staying.membership.start();
    // A ghost would join within a moment, and have its share for as long as the process lives.
    await systemClock.sleep(GROUP.sessionTimeoutMs / 2);
    expect(leaving.held).toEqual([]);
    expect(staying.held).toHaveLength(PARTITIONS);
    expect([...leaving.errors, ...staying.errors]).toEqual([]);
  });

  test('one that is to join anew while it does so joins once, and all tasks are somebody’s', async () => {
    const workerOf = await newGroup();
    const one = workerOf('one');
    await one.membership.start();
    expect(one.held).toHaveLength(PARTITIONS);
    const gate = Promise.withResolvers<void>();
    one.gate = gate.promise;
    const two = workerOf('two');
    const joining = two.membership.start();
    await until('the first one is asked to join again', () => one.joins === 2);
    await one.membership.rejoin();
    gate.resolve();
    await joining;
    const held = (): number[] => [...one.held, ...two.held].sort((a, b) => a - b);
    await until('each has its share', () => one.held.length === PARTITIONS / 2 && two.held.length === PARTITIONS / 2);
    expect(held()).toEqual([0, 1, 2, 3]);

    await two.membership.rejoin();
    await until('each has its share again', () => one.held.length === PARTITIONS / 2 && two.held.length === PARTITIONS / 2 && new Set(held()).size === PARTITIONS);
    await systemClock.sleep(GROUP.sessionTimeoutMs / 2);
    expect(held()).toEqual([0, 1, 2, 3]);
    expect([...one.errors, ...two.errors]).toEqual([]);
  });
});
