/**
 * The log port in memory: partitions are arrays, a transaction is one synchronous append, groups rebalance when a
 * member joins or leaves, and a writer that was opened later fences the earlier one. For tests and in-process hosts;
 * the same contract suite runs over it and over Kafka.
 */
import { systemClock, type Clock } from '#lib/kernel/clock.ts';
import { assert, FarhandError } from '#lib/kernel/errors.ts';
import { assignTasks, byTimeHeld } from './assignment.ts';
import { Gathered } from './gathered.ts';
import {
  readerClosed, type Commit, type Feed, type GroupMember, type JoinOptions, type Log, type LogAdmin, type LogRecord, type LogTimes, type Membership,
  type OutgoingRecord, type Position, type Reader, type TaskWriter, type TopicSpec,
} from './log.ts';
import { partitionOf } from './partitioner.ts';

interface Topic {
  readonly spec: TopicSpec;
  readonly partitions: LogRecord[][];
}

interface Member {
  readonly id: string;
  readonly options: JoinOptions;
  readonly member: GroupMember;
  held: number[];
  epoch: number;
}

interface Group {
  members: Member[];
  /** Rebalances happen one after the other. */
  turn: Promise<void>;
}

/** Where a fault injector may step in; each may throw. */
export interface MemoryFaults {
  beforeCommit?(transactionalId: string): void;
  afterCommit?(transactionalId: string): void;
}

export class MemoryLog implements Log, LogTimes {
  readonly admin: LogAdmin;
  readonly clock: Clock;
  faults: MemoryFaults = {};
  readonly #topics = new Map<string, Topic>();
  readonly #positions = new Map<string, number>();
  readonly #writers = new Map<string, number>();
  readonly #groups = new Map<string, Group>();
  readonly #readers = new Set<MemoryReader>();
  #joined = 0;

  constructor(clock: Clock = systemClock) {
    this.clock = clock;
    this.admin = {
      missingRights: () => Promise.resolve([]),
      configure: (name, settings) => {
        const topic = this.topic(name);
        this.#topics.set(name, { ...topic, spec: { ...topic.spec, settings: { ...topic.spec.settings, ...settings } } });
        return Promise.resolve();
      },
      membersOf: (group) => Promise.resolve(this.#groups.get(group)?.members.length ?? 0),
      describe: (topics) => Promise.resolve(new Map(topics.map((name) => [name, this.#topics.get(name)?.spec ?? null]))),
      create: async (topics) => {
        await Promise.resolve();
        for (const spec of topics) {
          if (this.#topics.has(spec.name)) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${spec.name} exists`);
          this.#topics.set(spec.name, { spec, partitions: Array.from({ length: spec.partitions }, () => []) });
        }
      },
    };
  }

  topic(name: string): Topic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `the topic ${name} does not exist`);
    return topic;
  }

  /** Everything that one partition holds. */
  records(topic: string, partition: number): readonly LogRecord[] {
    const records = this.topic(topic).partitions[partition];
    if (records === undefined) throw new FarhandError('FARHAND_LOG_UNAVAILABLE', `${topic} has no partition ${partition}`);
    return records;
  }

  async join(options: JoinOptions, member: GroupMember): Promise<Membership> {
    let group = this.#groups.get(options.group);
    if (group === undefined) this.#groups.set(options.group, (group = { members: [], turn: Promise.resolve() }));
    const mine: Member = { id: `${options.worker}-${this.#joined++}`, options, member, held: [], epoch: 0 };
    const { members } = group;
    const enter = () => this.#rebalance(group, () => members.push(mine));
    const exit = () => this.#rebalance(group, () => members.includes(mine) && members.splice(members.indexOf(mine), 1));
    await enter();
    return {
      get epoch() {
        return mine.epoch;
      },
      leave: async () => {
        mine.epoch++;
        await exit();
      },
      rejoin: async () => {
        mine.held = [];
        await this.#rebalance(group, () => undefined);
      },
    };
  }

  #rebalance(group: Group, change: () => unknown): Promise<void> {
    const next = group.turn.then(async () => {
      await Promise.all(group.members.map((m) => (m.epoch++, m.member.quiesce())));
      change();
      const topics = group.members[0]?.options.topics ?? [];
      const tasks = Math.max(0, ...topics.map((name) => this.topic(name).partitions.length));
      const candidates = group.members.map((m) => ({ member: m.id, worker: m.options.worker, held: m.held }));
      const assigned = assignTasks(candidates, tasks);
      for (const m of group.members) {
        m.epoch++;
        const tasks = assigned.get(m.id)!;
        m.held = byTimeHeld(m.held, tasks);
        m.member.assigned(tasks);
      }
    });
    group.turn = next.catch(() => undefined);
    return next;
  }

  openReader(): Promise<Reader> {
    const reader = new MemoryReader(this, () => this.#readers.delete(reader));
    this.#readers.add(reader);
    return Promise.resolve(reader);
  }

  openWriter(transactionalId: string): Promise<TaskWriter> {
    const epoch = (this.#writers.get(transactionalId) ?? 0) + 1;
    this.#writers.set(transactionalId, epoch);
    let ended = false;
    const gathered = new Gathered();
    const commit = async (of: Commit) => {
      assert(!ended, 'a writer that failed is not used again');
      const records = gathered.take(of.records);
      try {
        await Promise.resolve();
        this.faults.beforeCommit?.(transactionalId);
        if (this.#writers.get(transactionalId) !== epoch) {
          throw new FarhandError('FARHAND_FENCED', `commit of ${transactionalId}: another worker holds the task`);
        }
        this.#append(records);
        for (const p of of.positions) this.#positions.set(`${of.group}\0${p.topic}\0${p.partition}`, p.offset);
        this.faults.afterCommit?.(transactionalId);
      } catch (error) {
        ended = true;
        throw error;
      }
    };
    return Promise.resolve({ fence: { producer: transactionalId, epoch }, add: gathered.add, prepare: () => undefined, commit, close: () => Promise.resolve(void (ended = true)) });
  }

  committedPositions(group: string, topics: readonly string[], partition: number): Promise<Position[]> {
    const of = (topic: string) => this.#positions.get(`${group}\0${topic}\0${partition}`) ?? 0;
    return Promise.resolve(topics.map((topic) => ({ topic, partition, offset: of(topic) })));
  }

  offsetsOf(topic: string, partition: number): Promise<{ start: number; end: number }> {
    return Promise.resolve({ start: 0, end: this.records(topic, partition).length });
  }

  readToEnd(topic: string, partition: number, take: (records: readonly LogRecord[]) => void, from = 0): Promise<number> {
    const records = this.records(topic, partition).slice(from);
    if (records.length > 0) take(records);
    return Promise.resolve(from + records.length);
  }

  hasMore({ topic, partition, offset }: Position): Promise<boolean> {
    return Promise.resolve(this.records(topic, partition).length > offset);
  }

  partitionsOf(topics: readonly string[]): Promise<Map<string, number>> {
    return Promise.resolve(new Map(topics.map((name) => [name, this.#topics.get(name)?.partitions.length ?? 0])));
  }

  offsetAt(topic: string, partition: number, timestampMs: number | null): Promise<number> {
    const records = this.records(topic, partition);
    const found = timestampMs === null ? -1 : records.findIndex((record) => record.timestampMs >= timestampMs);
    return Promise.resolve(found < 0 ? records.length : found);
  }

  append(records: readonly OutgoingRecord[]): Promise<void> {
    this.#append(records);
    return Promise.resolve();
  }

  #append(records: readonly OutgoingRecord[]): void {
    for (const record of records) this.topic(record.topic);
    for (const { topic: name, partition: wanted, key, value, timestampMs } of records) {
      const topic = this.topic(name);
      const partition = wanted ?? partitionOf(key, topic.partitions.length);
      const into = topic.partitions[partition]!;
      const arrivedAt = topic.spec.settings['message.timestamp.type'] === 'LogAppendTime' ? this.clock.nowMs() : null;
      into.push({ topic: name, partition, offset: into.length, arrivedAt, key, value, timestampMs: arrivedAt ?? timestampMs });
    }
    for (const reader of this.#readers) reader.wake();
  }

  async close(): Promise<void> {
    await Promise.all([...this.#readers].map((reader) => reader.close()));
  }
}

class MemoryReader implements Reader {
  readonly #log: MemoryLog;
  readonly #onClose: () => void;
  #waiters: (() => void)[] = [];
  #closed = false;

  constructor(log: MemoryLog, onClose: () => void) {
    this.#log = log;
    this.#onClose = onClose;
  }

  open({ topic, partition, offset }: Position): Feed {
    const records = this.#log.records(topic, partition);
    let next = offset;
    let closed = false;
    return {
      topic,
      partition,
      headTimestamp: () => (closed ? undefined : records[next]?.timestampMs),
      shift: () => records[next++]!,
      get position() {
        return next;
      },
      get caughtUp() {
        return next >= records.length;
      },
      get lag() {
        return Math.max(0, records.length - next);
      },
      close: () => void (closed = true),
    };
  }

  async wait(timeoutMs: number): Promise<void> {
    if (this.#closed) throw readerClosed();
    if (timeoutMs <= 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.push(resolve);
    const abort = new AbortController();
    await Promise.race([promise, this.#log.clock.sleep(timeoutMs, abort.signal)]);
    abort.abort();
    const at = this.#waiters.indexOf(resolve);
    if (at >= 0) this.#waiters.splice(at, 1);
  }

  wake(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve();
  }

  close(): Promise<void> {
    this.#closed = true;
    this.#onClose();
    this.wake();
    return Promise.resolve();
  }
}

export function createMemoryLog(clock?: Clock): MemoryLog {
  return new MemoryLog(clock);
}
