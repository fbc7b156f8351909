/**
 * The port to a partitioned log with transactions and groups. Adapters: memory (lib/log/memory.ts) and Kafka
 * (lib/log/kafka.ts); test/contract runs one suite over both. Offsets are integers below 2^53.
 *
 * The order that keeps a task exactly-once, and that the runner follows: openWriter (fences every earlier writer of the
 * task and completes its open transaction), then committedOffsets and readToEnd of its changelog, then feeds.
 */
import { FarhandError } from '#lib/kernel/errors.ts';
import type { RawRecord } from '#lib/runner/task.ts';

export interface OutgoingRecord {
  readonly topic: string;
  /** Null: by the key's hash (as every Kafka client does it); a null key goes to partition 0. */
  readonly partition: number | null;
  readonly key: Uint8Array | null;
  /** Null is a tombstone in a compacted topic. */
  readonly value: Uint8Array | null;
  /** CreateTime, epoch ms; a topic with LogAppendTime replaces it by the broker's time. */
  readonly timestampMs: number;
}

/** A record out of a log: beside the arrival (known for LogAppendTime only) it has the timestamp that orders inputs. */
export interface LogRecord extends RawRecord {
  /** LogAppendTime or CreateTime, epoch ms. */
  readonly timestampMs: number;
}

/** The offset to read next. */
export interface Position {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
}

export interface Commit {
  readonly records: readonly OutgoingRecord[];
  readonly group: string;
  readonly positions: readonly Position[];
  /** When the oldest telemetry that the records came from arrived, epoch ms: goes along with them, for measurements. */
  readonly originAt?: number | undefined;
}

/**
 * The writing end of one task. After a rejection of `commit` the writer is of no further use, whether the transaction
 * was committed or not: close it, open another, and read the committed offsets, which then say what happened.
 */
export interface TaskWriter {
  /** Who this writer is among those of its transactional id: the later one of the same producer has the higher epoch. */
  readonly fence: { readonly producer: string; readonly epoch: number };
  /**
   * Takes records for the next commit, which come before those that it names itself: a log that can writes them down at once, so that nobody
   * keeps them until then. Their bytes must not change. `originAt` as in Commit, as far as it is known by then.
   */
  add(records: readonly OutgoingRecord[], originAt?: number): void;
  /**
   * Something will be committed soon, with positions of `group`: what that takes beforehand may be asked for now. Answers nothing; where it
   * fails, the next commit does. Calling it again before that commit changes nothing.
   */
  prepare(group: string): void;
  /**
   * All of it and what was added before, or nothing. Readers see it soon after this resolves, and certainly once another writer of the same id is
   * open. FARHAND_FENCED: another writer of this id was opened. FARHAND_LOG_UNAVAILABLE:
   * anything else.
   */
  commit(commit: Commit): Promise<void>;
  close(): Promise<void>;
}

/** Prefetched records of one partition, in order of offset. The bound is the reader's `prefetchBytesMax`. */
export interface Feed {
  readonly topic: string;
  readonly partition: number;
  /**
   * Timestamp of the oldest record that waits here, epoch ms; undefined where none waits. Throws UnreadableRecords where
   * what comes next can never be read, for ever from then on.
   */
  headTimestamp(): number | undefined;
  /** Takes the oldest record. Only to be called where headTimestamp() is defined. */
  shift(): LogRecord;
  /** The offset after everything that was taken, past control records where nothing waits. */
  readonly position: number;
  /** Nothing waits here and the last answer of the log was that nothing committed follows. */
  readonly caughtUp: boolean;
  /**
   * When the oldest record that waits here arrived in this process, and when the question was put whose answer was that
   * nothing follows: ticks of one counter. An end that was asked for before a record of another input arrived says
   * nothing about what came before that record. Absent where the log always knows its end.
   */
  readonly headTick?: number;
  readonly endTick?: number;
  /** Committed records that follow `position`, as of the last answer; an upper bound, as it counts control records. */
  readonly lag: number;
  /** How full it is, from 0 (nothing waits) to about 1 (nothing is fetched); absent where there is no bound. */
  readonly fill?: number;
  close(): void;
}

export interface Reader {
  /** `awaited: false`: no other input waits for the end of this one, so that it need not be asked for with impatience. */
  open(position: Position, options?: { readonly awaited: boolean }): Feed;
  /**
   * Resolves when a record or an end of partition arrives in any feed, when `wake` is called, or after `timeoutMs`. Rejects
   * with FARHAND_LOG_UNAVAILABLE where the reader has been closed before.
   */
  wait(timeoutMs: number): Promise<void>;
  wake(): void;
  close(): Promise<void>;
}

/** What a closed reader answers to whoever still waits at it. */
export const readerClosed = (): FarhandError => new FarhandError('FARHAND_LOG_UNAVAILABLE', 'the reader is closed');

export interface GroupMember {
  /** Called before the group may move anything: stop, commit or abort. The rejoin waits for it. */
  quiesce(): Promise<void>;
  /** The tasks that this worker holds from now on (partition numbers of the co-partitioned topics). */
  assigned(tasks: readonly number[]): void;
  /** The membership ended and will not come back by itself. */
  lost(error: Error): void;
}

export interface JoinOptions {
  readonly group: string;
  /** Co-partitioned inputs: partition n of all of them is task n. */
  readonly topics: readonly string[];
  /** Unique among the workers of the group and the same after a restart: it gets its tasks back. */
  readonly worker: string;
}

export interface Membership {
  /** Rises at every change of the assignment; work of an older epoch must not be committed without a new fence. */
  readonly epoch: number;
  /** Gives up the tasks and joins anew; used when another worker turned out to hold one of them. */
  rejoin(): Promise<void>;
  leave(): Promise<void>;
}

export interface TopicSpec {
  readonly name: string;
  readonly partitions: number;
  /** Settings as the broker names them; only the ones that matter here. */
  readonly settings: Readonly<Record<string, string>>;
}

/** One right on one resource, in the words of Kafka's ACLs. A `prefix` stands for every name that begins with it. */
export interface Right {
  readonly resource: 'Topic' | 'Group' | 'TransactionalId' | 'Cluster';
  readonly name: string;
  readonly pattern: 'literal' | 'prefix';
  readonly operation: 'Read' | 'Write' | 'Create' | 'Delete' | 'Describe' | 'DescribeConfigs' | 'AlterConfigs';
}

export interface LogAdmin {
  /** Null where the topic does not exist. Settings: the ones asked for; none where this user may not read them. */
  describe(topics: readonly string[], settings: readonly string[]): Promise<Map<string, TopicSpec | null>>;
  create(topics: readonly TopicSpec[], replicationFactor: number): Promise<void>;
  /** Changes these settings of a topic and leaves its others as they are. */
  configure(topic: string, settings: Readonly<Record<string, string>>): Promise<void>;
  /** How many members the group has at the moment; 0 where there is no such group. */
  membersOf(group: string): Promise<number>;
  /**
   * Those of the rights on topics and groups (literal names) that this user does not have, in their order; none where the
   * log knows no rights. Logs do not tell about transactional ids before one is used.
   */
  missingRights(rights: readonly Right[]): Promise<Right[]>;
}

export interface Log {
  readonly admin: LogAdmin;
  join(options: JoinOptions, member: GroupMember): Promise<Membership>;
  openReader(): Promise<Reader>;
  openWriter(transactionalId: string): Promise<TaskWriter>;
  /**
   * The committed position by topic of one partition; the beginning of the partition where nothing was committed. Never older than what was
   * committed when it was asked for, whoever keeps the positions by then: a task that begins there would do again what is done.
   */
  committedPositions(group: string, topics: readonly string[], partition: number): Promise<Position[]>;
  /** The first offset that a partition still has, and the one after its last, as of now. */
  offsetsOf(topic: string, partition: number): Promise<{ readonly start: number; readonly end: number }>;
  /**
   * Reads from the first record, or from the offset `from`, to the committed end as of now, or a little past it; answers
   * the offset after that. `take` is also told that end, where the log knows it beforehand.
   */
  readToEnd(topic: string, partition: number, take: (records: readonly LogRecord[], end?: number) => void, from?: number): Promise<number>;
  /**
   * Whether there is a record at the position or behind it, in a transaction that is not decided too: what such a
   * transaction has committed elsewhere (positions) may be seen before its records are.
   */
  hasMore(position: Position): Promise<boolean>;
  /** 0 where the topic does not exist. */
  partitionsOf(topics: readonly string[]): Promise<Map<string, number>>;
  /**
   * Appends without a transaction, in order: simulator and tests. Resolves when the log has it. Where a topic has
   * LogAppendTime, records whose timestamps are far apart get different ones.
   */
  append(records: readonly OutgoingRecord[]): Promise<void>;
  close(): Promise<void>;
}

/** What a log that is read as a history knows beside. */
export interface LogTimes {
  /** Offset of the first record whose timestamp is at or after `timestampMs`; the end of the partition where there is none, or for null. */
  offsetAt(topic: string, partition: number, timestampMs: number | null): Promise<number>;
}
