/**
 * What the runner and a service agree on. A task is one partition number of the co-partitioned inputs: it owns its
 * state, and its outputs, state changes and input offsets commit together. Everything is by batch.
 */
/** A record as a log or a file delivered it, before anybody looked inside. */
export interface RawRecord {
  /** Kafka topic, or the path of the history file. */
  readonly topic: string;
  readonly partition: number;
  /** Kafka offset, or the line / record number in a file, counted from 1. */
  readonly offset: number;
  /** Arrival on the broker's clock (LogAppendTime) or `arrivedAt` of a file, epoch ms; null where unknown. */
  readonly arrivedAt: number | null;
  /**
   * On Farhand's own topics: when the oldest telemetry that went into the record's batch arrived, epoch ms; absent where
   * nobody knows. For measurements, never for a decision.
   */
  readonly originAt?: number | undefined;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
}

/** Where the encoded records of a task go; the host buffers them until the commit. */
export interface Emitter {
  /** `output` is a name out of the service's outputs.ts, never a topic. `timestampMs` becomes the CreateTime. */
  /** `partition`: instead of the one that the key gives. */
  emit(output: string, key: Uint8Array | null, value: Uint8Array, timestampMs: number, partition?: number): void;
}

/**
 * How many records of the inputs (requests, the topics `controls`, not counted) at the end of the batch the task has left
 * for later, because something that it waits for is not known yet. They come again, behind the requests that have arrived
 * by then; until there is one, nothing of the inputs is read. Nothing stands for none.
 */
export type Left = number | void;

/** One partition of one service, as the runner drives it. */
export interface Task {
  /**
   * Takes up what was restored, a slice of a few ms at each step; the host lets others have their turn between two. Called once, before the first batch:
   * for hundreds of thousands of keys it takes longer than the transactions of other tasks of the process may stay open.
   */
  resume?(): Iterable<void>;
  /**
   * Takes one batch in order of arrival. May wait for a dependency (reference data): rejecting with a retriable
   * FarhandError makes the runner try the same batch again (back-pressure); any other rejection stops the worker.
   */
  process(batch: readonly RawRecord[], emitter: Emitter): Left | Promise<Left>;
  /** Whether it has something to do without a record: then `process` is called again, with an empty batch where nothing has come. Commits may lie between. */
  busy?(): boolean;
  /**
   * The inputs have been at their end, with nothing new, for the service's idleAfterMs. What it answers is called where the
   * log has said since that nothing waited for the task, neither here nor upstream: whatever comes later arrived later than
   * all that the task had heard of by its requests when `idle` was called. Again for what it hears after that. Null: there is
   * nothing that it would do.
   */
  idle?(): ((emitter: Emitter) => void) | null;
  /** End of the input (file and test hosts only): fires every timer that is still pending. */
  flush(emitter: Emitter): void | Promise<void>;
}
