/**
 * One worker of a service: a member of its group that runs the tasks it is given. `run` ends when the signal aborts
 * (drained, committed, left) or rejects with what made the worker stop.
 */
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import type { GroupMember, Membership, Reader } from '#lib/log/log.ts';
import { Backoff } from './backoff.ts';
import { readsOf, type RunnerParts } from './options.ts';
import { requireRights, rightsOf } from './rights.ts';
import { TaskRunner, type TaskOwner } from './task-runner.ts';

const TIMESTAMP_TYPE = 'message.timestamp.type';
const LOG_APPEND_TIME = 'LogAppendTime';

export class Worker implements GroupMember, TaskOwner {
  readonly #parts: RunnerParts;
  readonly #name: string;
  readonly #runners = new Map<number, TaskRunner>();
  readonly #released = new Set<Promise<void>>();
  readonly #failure = Promise.withResolvers<never>();
  readonly #rejoinBackoff: Backoff;
  #reader: Reader | null = null;
  #membership: Membership | null = null;
  #rejoining = false;
  /** A task was fenced and holds until the next assignment. */
  #anyFenced = false;
  #stopping = false;
  #joined = false;

  /** `name`: the worker's own, unique in the group and kept over restarts. */
  constructor(parts: RunnerParts, name: string) {
    this.#parts = parts;
    this.#name = name;
    this.#rejoinBackoff = new Backoff(parts.bounds.retryMs, parts.bounds.retryMsMax);
    // Nobody may be waiting for it when it happens.
    this.#failure.promise.catch(() => undefined);
  }

  /** In the group, and every task it holds restored and running. */
  get ready(): boolean {
    return this.#joined && !this.#stopping && [...this.#runners.values()].every((runner) => runner.active);
  }

  get tasks(): number[] {
    return [...this.#runners.keys()].sort((a, b) => a - b);
  }

  /** Tells the observer how every task stands. */
  report(): void {
    for (const runner of this.#runners.values()) runner.report();
  }

  /** Tasks that have had work in hand for `msMax` without getting anywhere. */
  stuck(msMax: number): number[] {
    return this.tasks.filter((number) => this.#runners.get(number)!.stuckMs > msMax);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { log, service } = this.#parts;
    await requireRights(log.admin, rightsOf(service));
    await this.#checkTopics();
    this.#reader = await log.openReader();
    try {
      this.#membership = await log.join({ group: service.application, topics: readsOf(service), worker: this.#name }, this);
      await Promise.race([this.#failure.promise, aborted(signal)]);
    } catch (error) {
      // Brokers refuse whole requests without saying which topic it was about.
      if (error instanceof FarhandError && error.code === 'FARHAND_FORBIDDEN') await requireRights(log.admin, rightsOf(service));
      throw error;
    } finally {
      await this.#stop();
    }
  }

  /** The layout that exactly-once stands on: co-partitioned inputs, and a changelog with as many partitions. */
  async #checkTopics(): Promise<void> {
    const { log, service } = this.#parts;
    const changelog = service.changelog === null ? [] : [service.changelog];
    const together = [...readsOf(service), ...changelog];
    const partitions = await log.partitionsOf([...new Set([...together, ...Object.values(service.outputs)])]);
    const missing = [...partitions].filter(([, count]) => count === 0).map(([topic]) => topic);
    const hint = 'run: farhand topics';
    if (missing.length > 0) throw new FarhandError('FARHAND_TOPICS_WRONG', `missing: ${missing.join(', ')}; ${hint}`);
    const counts = new Set(together.map((topic) => partitions.get(topic)));
    if (counts.size > 1) {
      const list = together.map((topic) => `${topic} has ${partitions.get(topic)}`).join(', ');
      throw new FarhandError('FARHAND_TOPICS_WRONG', `these need the same number of partitions: ${list}; ${hint}`);
    }
    if (service.arrivalRequired === true) await this.#checkArrival();
  }

  /** What a topic has is known only to those who may read its settings; ingest needs no such right for anything else. */
  async #checkArrival(): Promise<void> {
    const { log, service, observer } = this.#parts;
    const found = await log.admin.describe(service.inputs, [TIMESTAMP_TYPE]);
    const types = service.inputs.map((topic) => ({ topic, type: found.get(topic)?.settings[TIMESTAMP_TYPE] }));
    const unknown = types.filter(({ type }) => type === undefined);
    if (unknown.length > 0) observer.event('topics.unchecked', { topics: unknown.map(({ topic }) => topic), setting: TIMESTAMP_TYPE });
    const wrong = types.filter(({ type }) => type !== undefined && type !== LOG_APPEND_TIME);
    if (wrong.length === 0) return;
    const list = wrong.map(({ topic, type }) => `${topic} has ${type}`).join(', ');
    const way = `set it on the topics (kafka-configs.sh --alter --add-config ${TIMESTAMP_TYPE}=${LOG_APPEND_TIME}), or ingest.arrivalTime: optional`;
    throw new FarhandError('FARHAND_TOPICS_WRONG', `these need ${TIMESTAMP_TYPE}=${LOG_APPEND_TIME}, so that a record's timestamp is its arrival: ${list}; ${way}`);
  }

  async quiesce(): Promise<void> {
    await Promise.all([...this.#runners.values()].map((runner) => runner.quiesce()));
  }

  assigned(tasks: readonly number[]): void {
    if (this.#stopping) return;
    this.#anyFenced = false;
    const wanted = new Set(tasks);
    for (const [number, runner] of this.#runners) {
      if (wanted.has(number)) continue;
      this.#runners.delete(number);
      this.#release(runner);
    }
    for (const number of tasks) {
      const runner = this.#runners.get(number);
      assert(this.#reader !== null, 'a worker reads before it joins');
      if (runner === undefined) this.#runners.set(number, new TaskRunner(number, this.#parts, this.#reader, this));
      else runner.resume();
    }
    this.#joined = true;
    this.#parts.observer.tasks(tasks.length);
    this.#parts.observer.event('group.assigned', { worker: this.#name, tasks: [...tasks] });
  }

  #release(runner: TaskRunner): void {
    const released = runner.stop().finally(() => this.#released.delete(released));
    this.#released.add(released);
  }

  lost(error: Error): void {
    this.#failure.reject(error);
  }

  failed(_task: number, error: Error): void {
    this.#failure.reject(error);
  }

  /** Somebody else works on a task of ours, so our view of the group is old: stop everything, leave, join anew. */
  fenced(): void {
    this.#anyFenced = true;
    if (this.#rejoining) return;
    this.#rejoining = true;
    void this.#rejoin();
  }

  /** Again where a task was fenced after it had been assigned anew, or before the first joining was through: nobody else would let it go on. */
  async #rejoin(): Promise<void> {
    try {
      while (this.#anyFenced && !this.#stopping) {
        await this.quiesce();
        await this.#parts.clock.sleep(this.#rejoinBackoff.next());
        if (!this.#stopping) await this.#membership?.rejoin();
      }
    } catch (error) {
      this.#failure.reject(error);
    }
    this.#rejoining = false;
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#parts.observer.event('worker.stopping', { worker: this.#name });
    await this.quiesce();
    await this.#membership?.leave().catch(() => undefined);
    for (const runner of this.#runners.values()) this.#release(runner);
    this.#runners.clear();
    await Promise.all(this.#released);
    await this.#reader?.close();
    this.#parts.observer.event('worker.stopped', { worker: this.#name });
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
